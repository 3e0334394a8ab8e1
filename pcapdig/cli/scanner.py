"""The words of the command line, sorted into options, chisels with their arguments, and the filter.

getopt's rules for options: letters may be clustered (`-zw FILE`), a value may be attached (`-s4096`, `--tracer=core`),
options may stand anywhere, `--` ends them. A word that starts with a dash and a digit belongs to the filter (`evt.res <
-1`). On top of that a chisel takes the word after its name as its arguments, by the rules of `chisel_call.py`, and a
first word that names a chisel or a command makes it a subcommand.

In: argv, the option table, what is known of chisels. Out: `Scanned`. Must not know what an option does; opens nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pcapdig.cli.chisel_call import ChiselBook, ChiselCall, complete, words_taken
from pcapdig.cli.filter_words import filter_text
from pcapdig.cli.nearest import nearest
from pcapdig.cli.options import BY_NAME, LONG, SHORT, Option
from pcapdig.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS: dict[str, str] = {"doctor": "Say what this machine offers for recording, what is missing and why."}
"""Commands that are not chisels, with what they do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """A command line, sorted."""

    values: dict[str, tuple[str, ...]]
    """What was given to each option, by its name; a flag has one empty text. -c is not among them."""
    chisels: tuple[ChiselCall, ...]
    """Chisels in the order given, with their arguments."""
    words: tuple[str, ...]
    """The filter, word by word."""
    filter_text: str
    """The same as one text; empty: no filter."""
    command: str | None
    """A key of COMMANDS, or None."""

    def has(self, name: str) -> bool:
        """Whether an option was given."""
        return name in self.values

    def value(self, name: str) -> str | None:
        """What was given to an option that stands once."""
        return self.values[name][0] if name in self.values else None


def scan(argv: Sequence[str], book: ChiselBook) -> Scanned:
    """Sort a command line.

    Args:
        argv: words after the program's name.
        book: answers what chisels there are and what is a filter.

    Raises:
        UsageError: an option or chisel is unknown, a value or argument is missing, an option stands twice.
    """
    return _Scanner(argv, book).run()


def chisel_directories(argv: Sequence[str]) -> list[str]:
    """The values of --chisel-dir: needed before the words can be sorted, since chisels say which words are theirs."""
    words = argv[: argv.index("--")] if "--" in argv else argv
    found = []
    for word, next_word in pairwise([*words, ""]):
        option, equals, value = word.partition("=")
        if option == "--chisel-dir" and (value or next_word):
            found.append(value if equals else next_word)
    return found


def is_option(word: str) -> bool:
    """Whether a word is read as an option: `-r`, `--read`, but not `-` and not `-5`."""
    return len(word) > 1 and word[0] == "-" and not word[1].isdigit()


class _Scanner:
    """One pass over argv. `_at` is the index of the next word."""

    __slots__ = ("_argv", "_at", "_book", "_chisels", "_command", "_ended", "_values", "_waiting", "_words")

    def __init__(self, argv: Sequence[str], book: ChiselBook) -> None:
        self._argv = argv
        self._at = 0
        self._book = book
        self._chisels: list[ChiselCall] = []
        self._command: str | None = None
        self._ended = False
        self._values: dict[str, list[str]] = {}
        self._waiting: list[int] = []
        self._words: list[str] = []

    def run(self) -> Scanned:
        if self._argv and not is_option(self._argv[0]):
            self._subcommand(self._argv[0])
        while self._at < len(self._argv):
            word = self._argv[self._at]
            self._at += 1
            if self._ended or not is_option(word):
                self._loose(word)
            elif word == "--":
                self._ended = True
            elif word.startswith("--"):
                self._long(word[2:])
            else:
                self._cluster(word[1:])
        if self._words and self._book.has(self._words[0]):
            raise UsageError(f"{self._words[0]} is a chisel: write it first, or as -c {self._words[0]}")
        return Scanned(
            values={name: tuple(values) for name, values in self._values.items()},
            chisels=tuple(complete(call, self._book.signature(call.name)) for call in self._chisels),
            words=tuple(self._words),
            filter_text=filter_text(self._words, self._book.check_filter),
            command=self._command,
        )

    def _subcommand(self, word: str) -> None:
        """Read the first word: a command, a chisel, or the beginning of a filter."""
        if word in COMMANDS:
            self._command = word
            self._at = 1
        elif self._book.has(word):
            self._at = 1
            self._chisel(word)
        elif word.isidentifier() and word not in ("not", "and", "or"):
            hint = nearest(word, [*self._book.names(), *COMMANDS])
            raise UsageError(f"{word}: no such chisel or command{hint}; pcapdig -cl lists the chisels")

    def _loose(self, word: str) -> None:
        """Read a word that is no option: the arguments a chisel waits for, else a word of the filter."""
        if not self._waiting:
            self._words.append(word)
            return
        self._at -= 1
        self._take_arguments(self._waiting.pop(0))

    def _chisel(self, name: str) -> None:
        """Note a chisel and, if the next word is its arguments, take that too."""
        signature = self._book.signature(name)
        self._chisels.append(ChiselCall(name=name))
        if any(not argument.optional for argument in signature):
            self._waiting.append(len(self._chisels) - 1)
            return
        self._take_arguments(len(self._chisels) - 1)

    def _take_arguments(self, index: int) -> None:
        """Give a chisel the next words that are its arguments."""
        call, rest = self._chisels[index], self._loose_run()
        count = words_taken(self._book.signature(call.name), rest, self._book)
        if count:
            text = rest[0] if count == 1 else filter_text(rest[:count], self._book.check_filter)
            self._chisels[index] = call.with_arguments(text)
            self._at += count

    def _loose_run(self) -> list[str]:
        """Give the words from here to the next option; behind `--` there is none."""
        rest: list[str] = []
        for word in self._argv[self._at :]:
            if is_option(word) and not self._ended:
                break
            rest.append(word)
        return rest

    def _long(self, text: str) -> None:
        word, equals, value = text.partition("=")
        option = LONG.get(word)
        if option is None and self._give_chisel_argument(word, value if equals else None):
            return
        if option is None:
            hint = nearest(word, list(LONG), "--")
            raise UsageError(f"unknown option --{word}{hint}; pcapdig --help lists them")
        if equals and not option.value:
            raise UsageError(f"option --{word} takes no value")
        self._give(option, f"--{word}", value if equals else None)

    def _give_chisel_argument(self, word: str, value: str | None) -> bool:
        """Read `--save DIR` as an argument of the last chisel that has one of this name; False: none has."""
        name = word.replace("-", "_")
        for index in reversed(range(len(self._chisels))):
            call = self._chisels[index]
            signature = self._book.signature(call.name)
            if not any(argument.name == name for argument in signature):
                continue
            self._chisels[index] = call.with_named(name, self._value_of(f"--{word}", name.upper(), value))
            if index in self._waiting and not self._chisels[index].missing(signature):
                self._waiting.remove(index)
            return True
        return False

    def _cluster(self, letters: str) -> None:
        for index, letter in enumerate(letters):
            option = SHORT.get(letter)
            if option is None:
                inside = f" in -{letters}" if len(letters) > 1 else ""
                raise UsageError(f"unknown option -{letter}{inside}; pcapdig --help lists them")
            if option.value:
                self._give(option, f"-{letter}", letters[index + 1 :] or None)
                return
            self._give(option, f"-{letter}", None)

    def _give(self, option: Option, spelling: str, value: str | None) -> None:
        """Note an option, taking its value from the next word if none is attached."""
        if option.not_yet:
            raise UsageError(f"{spelling} (rotating files) is not there yet; leave it out")
        if option.value:
            value = self._value_of(spelling, option.value, value)
        if option.name == "chisel":
            self._give_chisel(value or "")
            return
        given = self._values.setdefault(option.name, [])
        if option.value and given and not option.repeatable:
            raise UsageError(f"option {spelling} stands twice: {given[0]} and {value}")
        if option.value or not given:
            given.append(value or "")

    def _value_of(self, spelling: str, shape: str, value: str | None) -> str:
        """What stands after an option, if nothing is attached to it."""
        if value is None:
            if self._at == len(self._argv) or is_option(self._argv[self._at]):
                raise UsageError(f"option {spelling} needs a value: {spelling} {shape}")
            value = self._argv[self._at]
            self._at += 1
        if not value:
            raise UsageError(f"option {spelling} has an empty value")
        return value

    def _give_chisel(self, name: str) -> None:
        """Read what stands after -c; `l` means the list."""
        if name == "l":
            self._values.setdefault(BY_NAME["list-chisels"].name, [""])
            return
        self._chisel(self._book.checked(name))

"""memcached: the text protocol, meta commands included.

In: turns. Out: `MemcachedCall`. The binary protocol is memcached_binary.py's, UDP memcached_datagrams.py's. Source: doc/protocol.txt of
memcached 1.6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pcapdig.protocols.conversation import Dialogue, Moment, Record
from pcapdig.protocols.inbox import LostPlaceError
from pcapdig.protocols.states import UNTIL_CLOSE, State

if TYPE_CHECKING:
    from pcapdig.protocols.inbox import Inbox, Reading

LINE_LIMIT = 256 << 10
"""Bytes of a command line; a get of many keys may be long."""
KEYS_KEPT = 1024
"""Keys kept of one command."""
STORAGE = frozenset({"set", "add", "replace", "append", "prepend", "cas"})
"""Commands that carry a value."""
RETRIEVAL = frozenset({"get", "gets", "gat", "gats"})
"""Commands that ask for values by keys."""
_KEYED = frozenset({"incr", "decr", "delete", "touch"})
_META = frozenset({"mg", "ms", "md", "ma", "me"})
_OTHER = frozenset({
    "mn", "stats", "flush_all", "version", "verbosity", "quit", "shutdown", "slabs", "lru", "lru_crawler", "watch", "cache_memlimit",
})  # fmt: skip
_COMMANDS = STORAGE | RETRIEVAL | _KEYED | _META | _OTHER
_LINE_END = re.compile(rb"\r?\n")
_DUMPED = (b"key=", b"mg ")
"""With these begin the lines of lru_crawler's metadump and mgdump."""
_NUMBER = re.compile(r"[0-9]{1,10}", re.ASCII)
_REPLY = re.compile(
    r"(?:STORED|NOT_STORED|EXISTS|NOT_FOUND|DELETED|TOUCHED|OK|ERROR|CLIENT_ERROR|SERVER_ERROR|VERSION|RESET|BUSY|BADCLASS|"
    r"NOSPARE|NOTFULL|UNSAFE|SAME|END|VALUE|STAT|ITEM|HD|EN|NF|NS|EX|MN|ME|VA|[0-9]{1,20})(?: |$)"
)


STATES = (
    State("data block", "set, add, replace, append, prepend, cas, ms", "so many bytes are the value",
          ("its length, and an end of line", "more bytes: CLIENT_ERROR")),
    State("values", "VALUE, VA, STAT, ITEM", "more lines of the same answer", ("END", "EN", "the bytes of VA")),
    State("quiet", "noreply, the flag q", "the command has no answer, or only some", ("the next command", "mn, answered MN")),
    State("dump", "lru_crawler metadump or mgdump", "a line for each key", ("END", "EN", "BUSY")),
    State("watch", "watch, answered OK", "lines of its log", UNTIL_CLOSE),
    State("over", "quit", "nothing", UNTIL_CLOSE),
)  # fmt: skip
"""What docs/protocol-states.md says of memcached's text protocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemcachedCall(Record):
    """A command and what came back."""

    command: str
    """get, set, mg, ...; empty where only the answer was captured."""
    keys: tuple[str, ...]
    """The keys named, at most KEYS_KEPT; empty where the command has none."""
    size_bytes: int
    """Bytes of the value sent with the command (set, ms, ...); 0 without one."""
    values: tuple[tuple[str, int], ...]
    """(key, bytes of the value) of each value that came back, at most KEYS_KEPT."""
    status: str
    """First word of the last line of the answer: STORED, END, ERROR, HD, ... or a number; empty where there is no answer."""
    is_quiet: bool = False
    """No answer was asked for (noreply, or the meta flag q), so a missing one says nothing."""


@dataclass(frozen=True, slots=True)
class MemcachedCommand:
    """A command before its answer has come."""

    moment: Moment | None
    """None: it was not captured."""
    name: str
    keys: tuple[str, ...]
    size: int
    is_quiet: bool = False


class MemcachedDialogue(Dialogue[MemcachedCall, MemcachedCommand]):
    """Reads one connection, or one request of UDP without its frame header."""

    def give_up(self, asked: MemcachedCommand) -> None:
        """A command alone; the rest of a bad data block is none."""
        if asked.name:
            super().give_up(asked)

    def unanswered(self, asked: MemcachedCommand) -> MemcachedCall:
        """A command alone."""
        return memcached_call(asked, None, (), "")

    def asking(self, inbox: Inbox) -> Reading[None]:
        """Commands."""
        while True:
            yield from inbox.next_message()
            moment = inbox.moment
            words = _words((yield from inbox.through(_LINE_END, LINE_LIMIT)))
            name = words[0] if words else ""
            if name not in _COMMANDS:
                raise LostPlaceError
            has_rest = False
            size, is_quiet = 0, words[-1] == "noreply"
            if name in STORAGE or name == "ms":
                at = 4 if name in STORAGE else 2
                if len(words) <= at or not _NUMBER.fullmatch(words[at]):
                    raise LostPlaceError
                size = int(words[at])
                yield from inbox.prefix(size, 0)
                is_bad = (yield from inbox.look(1)) not in (b"\r", b"\n", b"")
                if is_bad:
                    has_rest = yield from _bad_block(inbox)
                else:
                    yield from inbox.through(_LINE_END, 2)
            if name in _META:
                is_quiet = any(flag == "q" for flag in words[2:])
            command = MemcachedCommand(moment, name, _keys(name, words), size)
            if is_quiet or name == "quit":
                self.tell(memcached_call(command, None, (), "", is_quiet=True))
                self.is_over |= name == "quit"
            else:
                self.ask(command)
            if has_rest:
                self.open.append(MemcachedCommand(moment, "", (), 0))

    def answering(self, inbox: Inbox) -> Reading[None]:
        """Answers: values until END, or one line."""
        values: list[tuple[str, int]] = []
        is_begun = False
        while True:
            if not is_begun:
                yield from inbox.next_message()
                moment = inbox.moment
                is_begun = True
            line = yield from inbox.through(_LINE_END, LINE_LIMIT)
            words = _words(line)
            if self.open and self.open[0].name == "lru_crawler" and line.startswith(_DUMPED):
                continue  # more lines follow
            if not words or not _REPLY.match(" ".join(words[:2])):
                raise LostPlaceError
            status = words[0]
            if status in ("VALUE", "VA"):
                key, at = (words[1], 3) if status == "VALUE" and len(words) > 3 else ("", 1)
                if len(words) <= at or not _NUMBER.fullmatch(words[at]):
                    raise LostPlaceError
                size = int(words[at])
                yield from inbox.prefix(size, 0)
                yield from inbox.through(_LINE_END, 2)
                if len(values) < KEYS_KEPT:
                    values.append((key, size))
            if status in ("VALUE", "STAT", "ITEM"):
                continue  # more lines follow
            if self.open and not self.open[0].name:
                self.open.popleft()
                is_begun = False
                continue
            make = partial(_answered, answered=moment, values=values, status=status)
            is_watch = bool(self.open) and self.open[0].name == "watch" and status == "OK"
            is_quiets = status in ("HD", "VA", "MN")  # they may answer a quiet command, told before
            if self.open and not _fits(self.open[0], status):
                if not is_quiets:
                    self.tell(make(None))
            elif self.open or not self.is_between(True) or not is_quiets:
                self.answer(make)
            values, is_begun = [], False
            if is_watch:
                self.is_over = True  # its log follows, until it closes
                return


def _bad_block(inbox: Inbox) -> Reading[bool]:
    """A value is longer than its command said. The server takes two bytes for its end, and reads on behind them (complete_nread_ascii of memcached's
    proto_text.c): what follows on the line is answered ERROR. Whether there is such a rest.
    """
    if (yield from inbox.exactly(2))[1:] == b"\n":
        return False
    yield from inbox.through(_LINE_END, LINE_LIMIT)
    return True


def _fits(command: MemcachedCommand, status: str) -> bool:
    """Whether a command can be answered so. Meta answers, which may be a quiet command's, only belong to meta commands."""
    if status not in ("HD", "VA", "NS", "EX", "NF", "EN", "MN", "ME"):
        return True
    if command.name == "lru_crawler":
        return status == "EN"  # the end of mgdump
    return command.name in _META | {"mn"} and (status == "MN") == (command.name == "mn")


def _answered(
    command: MemcachedCommand | None, *, answered: Moment, values: list[tuple[str, int]], status: str
) -> MemcachedCall:
    return memcached_call(command, answered, _with_keys(command, values), status)


def _with_keys(command: MemcachedCommand | None, values: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Values with their keys: VA has none, it answers the one key of an mg."""
    if command and command.keys:
        return tuple((key or command.keys[0], size) for key, size in values)
    return tuple(values)


def memcached_call(
    command: MemcachedCommand | None,
    answered: Moment | None,
    values: tuple[tuple[str, int], ...],
    status: str,
    *,
    is_quiet: bool = False,
) -> MemcachedCall:
    """The record of a command and its answer."""
    return MemcachedCall(
        asked=command.moment if command else None,
        answered=answered,
        command=command.name if command else "",
        keys=command.keys if command else (),
        size_bytes=command.size if command else 0,
        values=values,
        status=status,
        is_quiet=is_quiet,
    )


def _words(line: bytes) -> list[str]:
    return line.decode("utf-8", "replace").split()


def _keys(name: str, words: list[str]) -> tuple[str, ...]:
    """The keys a command names."""
    if name in ("get", "gets"):
        return tuple(words[1 : 1 + KEYS_KEPT])
    if name in ("gat", "gats"):
        return tuple(words[2 : 2 + KEYS_KEPT])
    return tuple(words[1:2]) if name in STORAGE | _KEYED | _META else ()

"""Secrets in command lines: known password arguments are starred, the rest of the line stays.

Programs hide their passwords from ps(1) where they can; what they were started with must not reach a file that is handed round. The rules
are two: names that say that a value is secret, in any program (`--password=`, `PGPASSWORD=`, `"token": "..."`, headers, URLs), and
options of programs that do not say it (secret_options.py). A word that holds blanks is read as a command line itself (`sh -c`, `ssh`).
In: words. Out: as many words. What a line costs grows with its length alone, and is paid once for each process that is described.

Sources: curl(1) -u, -H, --oauth2-bearer; libpq 34.15 (environment) and 34.1.1 (connection strings); RFC 3986 3.2.1 (userinfo), RFC 6750 2
(bearer tokens), RFC 9110 11.6.2 (Authorization); openssl-passphrase-options(1); htpasswd(1); expect(1) send.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pcapdig.procs.secret_options import NOTHING, PROGRAMS, WRAPPERS

if TYPE_CHECKING:
    from collections.abc import Sequence

STARS = "***"
"""Stands for a secret, whatever its length."""
_DEEPEST = 4
"""Command lines within words of command lines."""
_WHOLE, _PART = "whole", "part"
"""What of the next word is secret: all, or what follows the program's separator."""

_NAME = (
    r"(?:[\w.-]*?(?:password|passwd|passphrase|passcode|passwort|secret|token|(?:api|secret|access|auth|account|shared)[-_.]?key"
    r"|secret[-_.]?access[-_.]?key)|(?:[\w.-]*[-_.])?(?:pass|pwd|psk|pw|pin)|rediscli_auth"
    r"|\w*(?:store|key|db|user|root|admin|ldap|smtp|ftp|proxy|http|sql|redis|ssh)pass|\w*(?:mysql|pg|sql|db)pwd)\d*"
)
"""A name that says that its value is secret; not `password-file`, `token-url` or `passive`."""
_NOT_SECRET = re.compile(r"-*(?:auth-user-pass|oldpwd)", re.IGNORECASE)
_NAMED = re.compile(rf"(-{{0,2}}(?!-){_NAME})=(.+)", re.IGNORECASE | re.DOTALL)
_OPTION = re.compile(rf"--?(?!-){_NAME}", re.IGNORECASE)
_VALUE = r"""("(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s;&,"'|)}\]]+)"""
_WITHIN = re.compile(rf"(?<![\w.-])(-{{0,2}}(?!-){_NAME})(\s{{0,9}}=\s{{0,9}}){_VALUE}", re.IGNORECASE)
_MEMBER = re.compile(rf"""(?<=["'])({_NAME})(["']\s{{0,9}}:\s{{0,9}}){_VALUE}""", re.IGNORECASE)
_SETTING = re.compile(rf"""(?<![\w.-])({_NAME})(:\s{{1,9}})([^\s;&,"'|)}}\]]+)""", re.IGNORECASE)
"""In a form or connection string, in JSON, in YAML."""
_URL = re.compile(r"([a-z][a-z0-9+.-]{0,40}://)([^\s\"'<>]+)", re.IGNORECASE)
_TOKEN_USER = re.compile(r"gh[a-z]_\w+|github_pat_\w+|glpat-[\w-]+|[0-9a-f]{40,}")
_FIELD = r"(?:(?:proxy-)?authorization|(?:[\w-]*-)?(?:api-?key|auth-token|auth-key|token|secret|password)|(?:set-)?cookie)\s{0,9}:"
_SCHEME = r"(?:(?:basic|bearer|digest|token|negotiate|ntlm|apikey|aws4-hmac-sha256)\s+)?"
_HEADER = re.compile(rf"({_FIELD}\s{{0,9}}{_SCHEME})(.+)", re.IGNORECASE | re.DOTALL)
_HEADER_QUOTED = re.compile(rf"""(?<=(["']))({_FIELD}\s{{0,9}}{_SCHEME})(?:(?!\1)[^\r\n])+""", re.IGNORECASE)
_HEADER_BARE = re.compile(rf"""(?<![\w"'-])({_FIELD}\s{{1,9}}{_SCHEME})[^\s"']+""", re.IGNORECASE)
_BEARER = re.compile(r"\b(bearer\s+)[^\s\"']+", re.IGNORECASE)
_PASS = re.compile(r"(pass:).+", re.DOTALL)
_ELSEWHERE = ("env:", "file:", "fd:", "stdin")
"""openssl's passwords that are not in the command line."""
_SEND = re.compile(r"""(\bsend(?:_user)?\s+(?:-[-\w]+\s+)*["{])(?:[^"\\{}]|\\[^rn])*""")
_TOKEN = re.compile(r"""(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s;|&()'"\\]|['"\\])+""", re.DOTALL)
_BLANK = re.compile(r"\s")


def hide(words: Sequence[str]) -> list[str]:
    """The arguments of a process with STARS for each secret that is known as one."""
    return _hidden(words, 0)


def hide_text(text: str) -> str:
    """The same for arguments that were joined by blanks, as files of other programs and of before give them."""
    return _hidden_text(text, 0)


def _hidden(words: Sequence[str], depth: int) -> list[str]:
    line = _Line(depth)
    return [line.hidden(word) for word in words]


def _hidden_text(text: str, depth: int) -> str:
    """A command line as a shell reads it: quotes group, and `;`, `|` and `&` end a command."""
    if "expect" in text:
        text = _SEND.sub(rf"\1{STARS}", text)
    text = _embedded(text)
    line, end, pieces = _Line(depth), 0, []
    for token in _TOKEN.finditer(text):
        between = text[end : token.start()]
        if between.strip():
            line = _Line(depth)
        word = token[0]
        is_quoted = len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" and word[0] not in word[1:-1]
        pieces += [between, f"{word[0]}{line.hidden(word[1:-1])}{word[0]}" if is_quoted else line.hidden(word)]
        end = token.end()
    return "".join((*pieces, text[end:]))


class _Line:
    """One command, word after word."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._program = NOTHING
        self._name = ""
        self._is_first = True
        self._is_wrapped = False
        self._before = ""
        self._next = ""
        self._is_needed_seen = True
        self._positions = 0
        self._has_flag: set[str] = set()

    def hidden(self, word: str) -> str:
        """The next word."""
        before, self._before = self._before, word
        expected, self._next = self._next, ""
        if expected == _WHOLE and not (word.startswith("--") or re.fullmatch(r"-\w", word)):
            return self._secret(word)
        if expected == _PART:
            return _part(word, self._program.part_after)
        if self._begins_program(word, before):
            return word
        found = self._by_program(word)
        return self._by_name(word) if found is None else found

    def _secret(self, word: str) -> str:
        if self._name == "openssl" and word.startswith(_ELSEWHERE):
            return word
        return _PASS.sub(rf"\1{STARS}", word) if word.startswith("pass:") else _stars(word)

    def _begins_program(self, word: str, before: str) -> bool:
        """Whether a word is the name of a program whose options are known; `docker exec DB mysql -pSECRET` has two."""
        is_first, self._is_first = self._is_first, False
        name = word.rpartition("/")[2].lower()
        if name in WRAPPERS:
            self._is_wrapped = True
        if name == self._name:
            return False  # a file or a container of the same name
        if name not in PROGRAMS or not (is_first or self._is_wrapped or not before.startswith("--") or before == "--"):
            return False
        self._program, self._name, self._is_wrapped = PROGRAMS[name], name, name in WRAPPERS
        self._is_needed_seen, self._positions = not self._program.needs, 0
        self._has_flag.clear()
        return True

    def _by_program(self, word: str) -> str | None:
        """By the options of the program; None where they say nothing of the word."""
        program = self._program
        if word in program.words:
            self._next = _WHOLE
            return word
        if word in program.parts:
            self._next = _PART
            return word
        name, is_joined, value = word.partition("=")
        if is_joined and name in program.parts:
            return f"{name}={_part(value, program.part_after)}"
        if not self._is_needed_seen:
            self._is_needed_seen = word in program.needs
            return None
        if word.startswith("-") and not word.startswith("--"):
            return self._by_letters(word)
        return None if word.startswith("-") else self._by_position(word)

    def _by_letters(self, word: str) -> str | None:
        """Options of one letter, several of which may stand in one word before the one that has a value."""
        program = self._program
        for at in range(1, len(word)):
            letter, value = word[at], word[at + 1 :]
            self._has_flag.add(letter)
            if f"-{letter}" in program.parts:
                self._next = "" if value else _PART
                return word[: at + 1] + _part(value, program.part_after)
            if letter in program.next_or_joined or letter in program.joined:
                if not value:
                    self._next = _WHOLE if letter in program.next_or_joined else ""
                    return word
                return word[: at + 1] + _stars(value)
            if letter not in program.flags:
                return None
        return None

    def _by_position(self, word: str) -> str | None:
        at = self._positions
        self._positions += 1
        if self._program.runs_another:
            self._program, self._name = NOTHING, ""
            return None
        if self._name == "htpasswd":
            is_secret = "b" in self._has_flag and at == (1 if "n" in self._has_flag else 2)
            return _stars(word) if is_secret else None
        if at not in self._program.positions or "=" in word:
            return None
        return _part(word, self._program.part_after) if self._program.part_after else _stars(word)

    def _by_name(self, word: str) -> str:
        """By what the word says itself, in any program."""
        named = _NAMED.fullmatch(word)
        if named and _is_secret(named[1], named[2]):
            return f"{named[1]}={_stars(named[2])}"
        if _OPTION.fullmatch(word) and not _NOT_SECRET.fullmatch(word) and word not in self._program.not_secret:
            self._next = _WHOLE
            return word
        if word.startswith("pass:"):
            return self._secret(word)
        header = _HEADER.fullmatch(word)
        if header:
            return header[1] + STARS
        if not _BLANK.search(word):
            return _embedded(word)
        if self._name == "expect":
            word = _SEND.sub(rf"\1{STARS}", word)
        return _hidden_text(word, self._depth + 1) if self._depth < _DEEPEST else _embedded(word)


def _embedded(text: str) -> str:
    """What says itself in the middle of a word that it is secret: URLs, headers, connection strings, forms, JSON."""
    text = _URL.sub(lambda found: found[1] + _hidden_authority(found[2]), text)
    text = _HEADER_QUOTED.sub(rf"\2{STARS}", text)
    text = _HEADER_BARE.sub(rf"\1{STARS}", text)
    text = _BEARER.sub(rf"\1{STARS}", text)
    for pattern in (_WITHIN, _MEMBER, _SETTING):
        text = pattern.sub(_without_value, text)
    return text


def _without_value(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}{_stars(found[3])}" if _is_secret(found[1], found[3]) else found[0]


def _hidden_authority(rest: str) -> str:
    """What follows `scheme://`: `user:***@host/path`. A password may hold `@`, and `/` where nobody escaped it."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    port = authority.rpartition(":")[2]
    if "@" in authority:
        end = authority.rindex("@")
    elif ":" in authority and not port.isdecimal() and not authority.startswith("[") and "@" in rest:
        end = rest.rindex("@")
    else:
        return rest
    user, colon, password = rest[:end].partition(":")
    if colon and password:
        return f"{user}:{STARS}{rest[end:]}"
    return f"{STARS}{rest[end:]}" if _TOKEN_USER.fullmatch(user) else rest


def _is_secret(name: str, value: str) -> bool:
    return not _NOT_SECRET.fullmatch(name) and not (name == "PWD" and value.startswith("/"))


def _part(value: str, separator: str) -> str:
    """`user:***`: what follows the first separator is secret."""
    name, found, secret = value.partition(separator) if separator else (value, "", "")
    if secret and separator == "/":  # user/password@database
        _password, at, database = secret.rpartition("@")
        return f"{name}/{STARS}{at}{database if at else ''}"
    return f"{name}{found}{STARS}" if secret else value


def _stars(value: str) -> str:
    """Stars, between the quotes that the value had."""
    quote = value[:1] if len(value) > 1 and value[:1] == value[-1:] and value[:1] in ("'", '"') else ""
    return f"{quote}{STARS}{quote}"

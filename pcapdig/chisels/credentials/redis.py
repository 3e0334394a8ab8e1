"""Redis AUTH and HELLO ... AUTH, as arrays of RESP and as inline commands (redis.io/docs, "Redis serialization protocol")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pcapdig.chisels.credentials.credential import Credential, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_HAS_AUTH = re.compile(rb"\r\nAUTH\r\n", re.IGNORECASE)
_INLINE = re.compile(rb"AUTH ([^ \r\n]+)(?: ([^ \r\n]+))?\r?\n", re.IGNORECASE)
_ARRAY = re.compile(rb"\*([0-9]{1,7})\r\n")
_BULK = re.compile(rb"\$([0-9]{1,9})\r\n")
_WORDS_LIMIT = 16
"""Words kept of a command; those with a password are shorter."""


class RedisEar:
    """Hears one connection."""

    __slots__ = ("_greeted", "_spoke")

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._greeted = False  # the server spoke first: not Redis
        self._spoke = False

    def hear(self, by_client: bool, message: bytes) -> Iterator[Credential]:
        """Credentials in a client's commands."""
        if not by_client:
            self._greeted |= not self._spoke
            return
        self._spoke = True
        if self._greeted:
            return
        inline = _INLINE.match(message)
        if inline is not None:
            user, secret = (inline[1], inline[2]) if inline[2] else (None, inline[1])
            yield _auth("AUTH", user, secret)
        elif message.startswith(b"*") and _HAS_AUTH.search(message):
            for words in _commands(message):
                yield from _of_command(words)


def _of_command(words: list[bytes]) -> Iterator[Credential]:
    verb = words[0].upper() if words else b""
    if verb == b"AUTH" and 2 <= len(words) <= 3:
        yield _auth("AUTH", words[1] if len(words) == 3 else None, words[-1])
    elif verb == b"HELLO":
        options = [word.upper() for word in words]
        at = options.index(b"AUTH", 1) if b"AUTH" in options[1:] else len(words)
        if len(words) >= at + 3:
            yield _auth("HELLO AUTH", words[at + 1], words[at + 2])


def _auth(method: str, user: bytes | None, secret: bytes) -> Credential:
    return Credential(
        protocol="redis", method=method, user=None if user is None else text_of(user), secret=text_of(secret)
    )


def _commands(data: bytes) -> Iterator[list[bytes]]:
    """The whole commands from the beginning on, the first words of each."""
    at = 0
    while (array := _ARRAY.match(data, at)) is not None:
        words: list[bytes] = []
        at = array.end()
        for _ in range(int(array[1])):
            bulk = _BULK.match(data, at)
            if bulk is None or bulk.end() + int(bulk[1]) + 2 > len(data):
                return
            at = bulk.end() + int(bulk[1]) + 2
            if len(words) < _WORDS_LIMIT:
                words.append(data[bulk.end() : at - 2])
        yield words

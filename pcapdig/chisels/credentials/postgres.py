"""PostgreSQL: a password sent in clear because the server asked for it so (PostgreSQL documentation, "Message Formats")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcapdig.chisels.credentials.credential import Credential, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERSION_3 = b"\x00\x03\x00\x00"
_ASKS_CLEAR = b"R\x00\x00\x00\x08\x00\x00\x00\x03"
"""AuthenticationCleartextPassword."""


class PostgresEar:
    """Hears one connection."""

    __slots__ = ("_is_asked", "_user")

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._user: bytes | None = None
        self._is_asked = False

    def hear(self, by_client: bool, message: bytes) -> Iterator[Credential]:
        """The startup message's user, then the password."""
        if not by_client:
            self._is_asked = self._user is not None and message == _ASKS_CLEAR
        elif message[4:8] == _VERSION_3 and int.from_bytes(message[:4], "big") == len(message):
            words = message[8:].split(b"\0")
            self._user = dict(zip(words[::2], words[1::2], strict=False)).get(b"user")
        elif self._is_asked and message[:1] == b"p" and self._user is not None:
            secret = message[5 : 1 + int.from_bytes(message[1:5], "big")].rstrip(b"\0")
            if secret:
                user = text_of(self._user)
                yield Credential(protocol="postgresql", method="password", user=user, secret=text_of(secret))

"""The connection phase of MySQL and MariaDB: greeting, response, change of plugin; and what of it a listener can read.

In: payloads of packets. Out: a `Login`. Source: MySQL Source Code Documentation, "Connection Phase" (HandshakeV10, HandshakeResponse41,
HandshakeResponse320, AuthSwitchRequest); MariaDB knowledge base, "Connecting". The old hash has 31 bits of state (mysql_old_password), and
a listener finds a password that fits it; mysql_clear_password and MariaDB's dialog (PAM) send the password itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from pcapdig.protocols.mysql_packets import Bytes, CutPacketError
from pcapdig.protocols.sql import SqlSecret

_WITH_DB, _COMPRESS, _PROTOCOL_41, _SSL, _SECURE = 1 << 3, 1 << 5, 1 << 9, 1 << 11, 1 << 15
_PLUGIN, _PLUGIN_LENENC, _ZSTD, _ATTRIBUTES = 1 << 19, 1 << 21, 1 << 26, 1 << 27
"""Capability flags."""
_CLEAR = {b"mysql_clear_password": "clear password", b"dialog": "dialog"}
_OLD = b"mysql_old_password"
_OLD_HASH_BYTES = 8


@dataclass(slots=True)
class Login:
    """What is known of one login so far."""

    offered: int = ~_ATTRIBUTES
    """The server's capability flags. Without its greeting none is refused, but for query attributes, which it is seen to know."""
    salt: bytes = b""
    flags: int = 0
    """The client's."""
    user: str | None = None
    database: str | None = None
    secret: SqlSecret | None = None
    plugin: bytes = b""
    """Named by the client at first, then by the server, if it wants another."""

    @property
    def has_attributes(self) -> bool:
        """Both sides know query attributes."""
        return bool(self.flags & self.offered & _ATTRIBUTES)

    @property
    def is_compressed(self) -> bool:
        """What follows the login is compressed."""
        return bool(self.flags & self.offered & (_COMPRESS | _ZSTD))

    @property
    def is_old(self) -> bool:
        """A client of before 4.1: answers are laid out otherwise."""
        return self.user is not None and not self.flags & _PROTOCOL_41

    def greet(self, payload: bytes) -> None:
        """The server's greeting. Raises CutPacketError."""
        data = Bytes(payload, 1)
        data.until_zero()
        data.take(4)
        self.salt = data.take(8)
        data.take(1)
        self.offered = data.integer(2)
        if data.at < len(payload):
            data.take(3)
            self.offered |= data.integer(2) << 16

    def respond(self, payload: bytes) -> bool:
        """The client's response; False: it turns to TLS. Raises CutPacketError."""
        data = Bytes(payload)
        self.flags = data.integer(2)
        if not self.flags & _PROTOCOL_41:
            data.take(3)
            self.user = data.until_zero()
            answer = data.rest()
            if self.flags & _WITH_DB:
                answer, _, database = answer.partition(b"\0")
                self.database = database.rstrip(b"\0").decode("utf-8", "replace") or None
            self.plugin = _OLD
            self.hear(answer)
            return True
        self.flags |= data.integer(2) << 16
        if self.flags & _SSL and len(payload) <= 32:
            return False
        data.take(28)
        self.user = data.until_zero()
        answer = self._first_answer(data)
        if self.flags & _WITH_DB and data.at < len(payload):
            self.database = data.until_zero() or None
        if self.flags & _PLUGIN:
            self.plugin = data.rest().partition(b"\0")[0]
        elif not self.flags & _SECURE:
            self.plugin = _OLD
        self.hear(answer)
        return True

    def _first_answer(self, data: Bytes) -> bytes:
        if self.flags & _PLUGIN_LENENC:
            return data.take(data.length())
        if self.flags & _SECURE:
            return data.take(data.integer(1))
        return data.until_zero().encode()

    def switch(self, payload: bytes) -> None:
        """AuthSwitchRequest; that of old servers is one byte, and means the old hash."""
        plugin, _, salt = payload[1:].partition(b"\0")
        if plugin:
            self.plugin, self.salt = plugin, salt or self.salt
        else:
            self.plugin = _OLD

    def hear(self, answer: bytes) -> None:
        """What the client answers to prove who it is."""
        method = _CLEAR.get(self.plugin)
        if method and answer.rstrip(b"\0"):
            self.secret = SqlSecret(method=method, text=answer.partition(b"\0")[0])
        elif self.plugin == _OLD and len(answer.rstrip(b"\0")) == _OLD_HASH_BYTES:
            text = f"hash={answer[:8].hex()} salt={self.salt[:_OLD_HASH_BYTES].hex()}"
            self.secret = SqlSecret(method="old hash", text=text.encode())


def is_response(payload: bytes) -> bool:
    """A whole HandshakeResponse41, surely: flags, largest packet, character set, and 19 zeros (MariaDB uses the four after them)."""
    flags = int.from_bytes(payload[:4], "little")
    return flags & (_PROTOCOL_41 | _SSL) == _PROTOCOL_41 and payload[9:28] == bytes(19) and b"\0" in payload[32:]


def read_change_user(payload: bytes) -> tuple[str, str | None]:
    """User and database of COM_CHANGE_USER; the answer between them has one byte of length since 4.1. Raises CutPacketError."""
    data = Bytes(payload, 1)
    user = data.until_zero()
    try:
        data.take(data.integer(1))
        return user, data.until_zero() or None
    except CutPacketError:
        return user, None

"""MySQL and MariaDB without TLS: passwords in clear (mysql_clear_password), and the old hash of before 4.1, which is as good as clear.

Layouts: MySQL's internals documentation, "Connection Phase": Protocol::HandshakeV10, HandshakeResponse41, HandshakeResponse320 and
AuthSwitchRequest. The old hash has 31 bits of state (mysql_old_password), and a listener finds a password that fits it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcapdig.chisels.credentials.credential import Credential, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_WITH_DB, _PROTOCOL_41, _SSL, _SECURE, _PLUGIN, _LENGTH_ENCODED = 0x8, 0x200, 0x800, 0x8000, 0x80000, 0x200000
"""Capability flags."""
_CLEAR, _OLD = b"mysql_clear_password", b"mysql_old_password"
_OLD_HASH_BYTES = 8
_SWITCH = 0xFE


class MysqlEar:
    """Hears one connection."""

    __slots__ = ("_expects", "_plugin", "_salt", "_user")

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._expects = "greeting"  # then response, switch, answer; "": nothing more
        self._plugin = b""
        self._salt = b""
        self._user = b""

    def hear(self, by_client: bool, message: bytes) -> Iterator[Credential]:
        """Credentials in the handshake."""
        if not self._expects:
            return
        expects, self._expects = self._expects, ""
        sequence, payload = _packet(message)
        if by_client != (expects in ("response", "answer")) or not payload:
            return
        if expects == "greeting" and sequence == 0 and payload[0] == 10:
            _, _, rest = payload[1:].partition(b"\0")
            self._salt = rest[4:12]
            self._expects = "response"
        elif expects == "response" and sequence == 1:
            yield from self._response(payload)
        elif expects == "switch" and payload[0] == _SWITCH:
            self._plugin, _, self._salt = payload[1:].partition(b"\0") if len(payload) > 1 else (_OLD, b"", self._salt)
            self._expects = "answer"
        elif expects == "answer":
            yield from self._secret(self._plugin, payload.split(b"\0")[0] if self._plugin == _CLEAR else payload[:8])

    def _response(self, payload: bytes) -> Iterator[Credential]:
        """The client's answer to the greeting; one that goes on with TLS ends here."""
        flags = int.from_bytes(payload[:4], "little")
        if flags & _PROTOCOL_41 == 0:
            flags &= 0xFFFF
        if flags & _SSL and len(payload) <= 32:
            return
        is_new = bool(flags & _PROTOCOL_41)
        self._user, _, rest = payload[32 if is_new else 5 :].partition(b"\0")
        answer, rest = _answer(rest, flags if is_new else flags & _WITH_DB)
        if flags & _WITH_DB and is_new:
            rest = rest.partition(b"\0")[2]
        plugin = rest.partition(b"\0")[0] if is_new and flags & _PLUGIN else b""
        if not plugin and not flags & _SECURE:
            plugin = _OLD
        self._expects = "switch"
        yield from self._secret(plugin, answer.rstrip(b"\0") if plugin == _CLEAR else answer)

    def _secret(self, plugin: bytes, answer: bytes) -> Iterator[Credential]:
        if plugin == _CLEAR and answer:
            yield self._credential("clear password", text_of(answer))
        elif plugin == _OLD and len(answer) == _OLD_HASH_BYTES:
            yield self._credential("old hash", f"hash={answer.hex()} salt={self._salt[:_OLD_HASH_BYTES].hex()}")

    def _credential(self, method: str, secret: str) -> Credential:
        return Credential(protocol="mysql", method=method, user=text_of(self._user), secret=secret)


def _packet(message: bytes) -> tuple[int, bytes]:
    """Sequence number and payload of the first packet; no payload if it is not whole."""
    if len(message) < 5:
        return 0, b""
    size = int.from_bytes(message[:3], "little")
    return message[3], message[4 : 4 + size] if len(message) >= 4 + size else b""


def _answer(rest: bytes, flags: int) -> tuple[bytes, bytes]:
    """The answer to the salt, and what follows it."""
    if flags & (_LENGTH_ENCODED | _SECURE):
        size = rest[0] if rest and rest[0] < 0xFB else 0  # longer ones are of no plugin that sends a password
        return rest[1 : 1 + size], rest[1 + size :]
    answer, _, after = rest.partition(b"\0")
    return answer, after

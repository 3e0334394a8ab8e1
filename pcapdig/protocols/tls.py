"""TLS handshakes: what client and server say before they encrypt.

In: turns. Out: one `Handshake` a connection. Source: RFC 8446 (TLS 1.3: section 5.1), RFC 5246 (1.2; appendix E.2: SSL 2.0's hello).
In TLS 1.3 certificates are encrypted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pcapdig.protocols.certificates import certificate_names
from pcapdig.protocols.conversation import Dialogue, Moment, Record, Turn
from pcapdig.protocols.inbox import LostPlaceError
from pcapdig.protocols.tls_hellos import (
    SSL2,
    ClientHello,
    ServerHello,
    client_hello,
    first_certificate,
    server_hello,
    ssl2_client_hello,
    ssl2_server_hello,
    version_name,
)

if TYPE_CHECKING:
    from pcapdig.protocols.inbox import Inbox, Reading

__all__ = ["ClientHello", "Handshake", "ServerHello", "TlsDialogue", "starts", "version_name"]

HANDSHAKE_LIMIT = 256 << 10
"""Bytes of handshake messages read of one direction; OpenSSL's own limit of a certificate list is 100 KiB."""
RECORD_LIMIT = (1 << 14) + 2048
"""RFC 5246 section 6.2.3; TLS 1.3 allows less."""
_PROXY = b"\r\n\r\n\0\r\nQUIT\n"
"""What a header of the PROXY protocol begins with: HAProxy's "The PROXY protocol" section 2.2."""
SEARCHED_SIZE = 1024
"""Bytes of a message in which a ClientHello is looked for behind something else."""
_START = re.compile(rb"\x16\x03[\x00-\x04](?:\0\x01\x01(?:\x16\x03|\Z)|..\x01\0)", re.DOTALL)
_SERVER_START = re.compile(rb"\x16\x03[\x00-\x04]..\x02\0", re.DOTALL)
_WHOLE_HELLO = re.compile(rb"\x16\x03[\x00-\x04](..)\x01(\x00..)\x03[\x00-\x03]", re.DOTALL)
_SSL2_START = re.compile(rb"[\x80-\x83].\x01(?:\x03[\0-\x03]|\0\x02)", re.DOTALL)
_CHANGE_CIPHER, _ALERT, _HANDSHAKE, _DATA = 20, 21, 22, 23
_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE, _SERVER_DONE = 1, 2, 11, 14
_FATAL, _CLOSE_NOTIFY = 2, 0
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""Random of a HelloRetryRequest: RFC 8446 section 4.1.3."""
ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow", 40: "handshake_failure",
    42: "bad_certificate", 43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired",
    46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error", 51: "decrypt_error",
    70: "protocol_version", 71: "insufficient_security", 80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled",
    109: "missing_extension", 110: "unsupported_extension", 112: "unrecognized_name", 115: "unknown_psk_identity",
    116: "certificate_required", 120: "no_application_protocol",
}  # fmt: skip
"""Descriptions of alerts: RFC 8446 section 6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake(Record):
    """The clear part of a handshake."""

    client: ClientHello | None
    server: ServerHello | None
    certificate_names: tuple[str, ...]
    """Of the server's own certificate; empty where it is encrypted or was not captured."""
    alert: str | None
    """The alert that ended it, with the side that sent it: `server:handshake_failure`."""

    @property
    def version(self) -> int | None:
        """That of the server's choice, None without one."""
        return self.server.version if self.server else None


def starts(data: bytes) -> bool:
    """A ClientHello begins here, in TLS's form or SSL 2.0's, or a ServerHello."""
    return bool(_START.match(data) or _SERVER_START.match(data)) or _starts_ssl2(data)


def beginning(data: bytes) -> int:
    """Where TLS begins in a message; -1: it does not.

    A client need not wait between what it said before and its ClientHello: MySQL's has its request for TLS before it, a proxy's the
    address of its own client, a mail program's may have STARTTLS. There a whole ClientHello is asked for whose lengths fit together. TLS
    inside the packets of another protocol, as OpenVPN's, is none: what the server says could not be followed.
    """
    if starts(data):
        return 0
    for found in _WHOLE_HELLO.finditer(data, 0, SEARCHED_SIZE):
        at, record, message = found.start(), int.from_bytes(found[1]), int.from_bytes(found[2])
        if record == message + 4 and at + 5 + record <= len(data) and _may_precede(data[:at]):
            return at
    return -1


def _may_precede(before: bytes) -> bool:
    """Lines of text, a PROXY header of version 2, or one packet of MySQL."""
    is_packet = len(before) > 4 and int.from_bytes(before[:3], "little") == len(before) - 4
    return before.endswith(b"\n") or before.startswith(_PROXY) or is_packet


def _starts_ssl2(data: bytes) -> bool:
    """An SSL 2.0 hello, whole: two bytes of length, the upper bit set, say no more and no less than its own lengths."""
    if not _SSL2_START.match(data):
        return False
    return ssl2_client_hello(data[3 : 2 + _ssl2_size(data)]) is not None


def _ssl2_size(header: bytes) -> int:
    """Bytes of an SSL 2.0 record after its header."""
    return (header[0] & 0x7F) << 8 | header[1]


class TlsDialogue(Dialogue[Handshake, None]):
    """Reads the beginning of one connection, or of what follows STARTTLS. The client is who says a ClientHello, whatever the flow says."""

    def __init__(self) -> None:
        super().__init__()
        self._client_asks: bool | None = None
        self._client: ClientHello | None = None
        self._server: ServerHello | None = None
        self._retry: ServerHello | None = None
        self._names: tuple[str, ...] = ()
        self._alert: str | None = None
        self._warning: str | None = None
        self._asked: Moment | None = None
        self._answered: Moment | None = None

    @property
    def is_idle(self) -> bool:
        """What was said is remembered until the handshake is over."""
        return False

    def end(self) -> list[Handshake]:
        """The handshake so far, if there was one."""
        done = super().end()
        if not self.is_over and (self._client or self._server):
            self._alert = self._warning  # nothing came after it
            self._finish()
        return done + self._taken()

    def feed(self, turn: Turn) -> list[Handshake]:
        """Read the next message of the flow."""
        if self._client_asks is None and (at := beginning(turn.data)) > 0:
            gaps = tuple((position - at, missing) for position, missing in turn.gaps if position >= at)
            turn = turn._replace(data=turn.data[at:], gaps=gaps)
        return super().feed(turn)

    def asks(self, turn: Turn) -> bool:
        """Decided by the first turn."""
        if self._client_asks is None:
            self._client_asks = turn.from_client != bool(_SERVER_START.match(turn.data))
        return turn.from_client == self._client_asks

    def asking(self, inbox: Inbox) -> Reading[None]:
        """The client's records."""
        return self._records(inbox, "client")

    def answering(self, inbox: Inbox) -> Reading[None]:
        """The server's records."""
        return self._records(inbox, "server")

    def unanswered(self, asked: None) -> Handshake:
        """Nothing waits in the queue: a connection has one handshake."""
        raise AssertionError

    def _records(self, inbox: Inbox, side: str) -> Reading[None]:
        """Records of one side; handshake messages may be split over them, or share one (RFC 8446 section 5.1)."""
        pending, total, is_clear = bytearray(), 0, True
        while True:
            yield from inbox.next_message()
            moment = inbox.moment
            header = yield from inbox.exactly(2)
            if header[0] & 0x80:
                self._read_ssl2((yield from inbox.exactly(_ssl2_size(header))), side, moment)
                if self.is_over:
                    return
                continue
            header += yield from inbox.exactly(3)
            kind, major, size = header[0], header[1], header[3] << 8 | header[4]
            if not _CHANGE_CIPHER <= kind <= _DATA or major != 3 or size > RECORD_LIMIT:
                raise LostPlaceError
            data = yield from inbox.prefix(size, size)
            if kind == _HANDSHAKE and is_clear:
                total += size
                if total > HANDSHAKE_LIMIT or len(data) < size:
                    self._finish_if(side)
                    raise LostPlaceError
                pending += data
                del pending[: self._messages(pending, side, moment)]
            elif kind == _ALERT and is_clear and len(data) == 2:
                self._heed(
                    f"{side}:{ALERTS.get(data[1], str(data[1]))}", ends=data[0] == _FATAL or data[1] == _CLOSE_NOTIFY
                )
            elif kind in (_CHANGE_CIPHER, _DATA) and self._server:
                # Before a ServerHello it only looks so: RFC 8446 appendix D.4, after a HelloRetryRequest.
                is_clear = False
                self._finish_if(side)
            if self.is_over:
                return

    def _read_ssl2(self, data: bytes, side: str, moment: Moment) -> None:
        """A record of SSL 2.0: a hello, which may ask for TLS. Of SSL 2.0 itself no more than the hellos is read."""
        if side == "client" and self._client is None and data[:1] == b"\x01":
            self._asked, self._client = moment, ssl2_client_hello(data[1:])
        elif side == "server" and self._client and self._client.version == SSL2 and data[:1] == b"\x04":
            found = ssl2_server_hello(data[1:])
            if found:
                self._answered, self._server = moment, found[0]
                self._names = certificate_names(found[1])
                self._finish()
                return
        if not self._client:
            raise LostPlaceError

    def _heed(self, alert: str, *, ends: bool) -> None:
        """An alert. A warning, that a name is not known, may be followed by a handshake all the same (RFC 6066 section 3)."""
        self._warning = alert
        if ends and (self._client or self._server):
            self._alert = alert
            self._finish()

    def _finish_if(self, side: str) -> None:
        """The server encrypts from now on, so nothing more is to be had; of the client that says nothing yet."""
        if side == "server" and self._server:
            self._finish()

    def _messages(self, data: bytearray, side: str, moment: Moment) -> int:
        """Read the whole handshake messages of `data`; how many bytes they are."""
        at = 0
        while at + 4 <= len(data):
            kind, end = data[at], at + 4 + int.from_bytes(data[at + 1 : at + 4])
            if len(data) < end:
                break
            self._message(kind, bytes(data[at + 4 : end]), side, moment)
            at = end
            if self.is_over:
                break
        return at

    def _message(self, kind: int, body: bytes, side: str, moment: Moment) -> None:
        if side == "client" and kind == _CLIENT_HELLO:
            if self._asked is None:
                self._client = client_hello(body)
                if self._client is None:
                    raise LostPlaceError
                self._asked = moment
        elif side == "server" and kind == _SERVER_HELLO and body[2:34] == _RETRY:
            self._retry = server_hello(body)  # version and cipher are as the ServerHello will have them
        elif side == "server" and kind == _SERVER_HELLO:
            self._server = server_hello(body)
            if self._server is None:
                raise LostPlaceError
            self._answered = self._answered or moment
        elif side == "server" and kind == _CERTIFICATE and self._server and self._server.version < 0x0304:
            self._names = certificate_names(first_certificate(body))
        elif side == "server" and kind == _SERVER_DONE and self._server:
            self._finish()

    def _finish(self) -> None:
        self.is_over = True
        self.tell(
            Handshake(
                asked=self._asked,
                answered=self._answered,
                client=self._client,
                server=self._server or self._retry,
                certificate_names=self._names,
                alert=self._alert,
            )
        )

"""TLS handshakes: what client and server say before they encrypt.

In: turns. Out: one `Handshake` a connection. dpkt.ssl reads the hellos and the certificate message. Source: RFC 8446 (TLS 1.3: sections
4.1, 4.2, 5.1), RFC 5246 (1.2), RFC 6066 section 3 (server_name), RFC 7301 (ALPN). In TLS 1.3 certificates are encrypted.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dpkt import ssl as dpkt_ssl  # type: ignore[import-untyped, unused-ignore]
from dpkt.dpkt import Error as DpktError  # type: ignore[import-untyped, unused-ignore]

from pcapdig.protocols.certificates import certificate_names
from pcapdig.protocols.conversation import Dialogue, Moment, Record
from pcapdig.protocols.inbox import LostPlaceError
from pcapdig.protocols.ja4 import is_grease, ja4

if TYPE_CHECKING:
    from pcapdig.protocols.inbox import Inbox, Reading

HANDSHAKE_LIMIT = 256 << 10
"""Bytes of handshake messages read of one direction; OpenSSL's own limit of a certificate list is 100 KiB."""
RECORD_LIMIT = (1 << 14) + 2048
"""RFC 5246 section 6.2.3; TLS 1.3 allows less."""
_START = re.compile(rb"\x16\x03[\x00-\x04](?:\0\x01\x01(?:\x16\x03|\Z)|..\x01\0)", re.DOTALL)
_CHANGE_CIPHER, _ALERT, _HANDSHAKE, _DATA = 20, 21, 22, 23
_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE, _SERVER_DONE = 1, 2, 11, 14
_NAME, _SIGNATURES, _ALPN, _VERSIONS = 0, 13, 16, 43
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""Random of a HelloRetryRequest: RFC 8446 section 4.1.3."""
VERSION_NAMES = {0x0300: "SSLv3", 0x0301: "TLSv1.0", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
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
class ClientHello:
    """What the client offers."""

    version: int
    """The highest it offers, as on the wire: 0x0304 is TLS 1.3."""
    server_name: str | None
    """SNI."""
    alpn: tuple[str, ...]
    ciphers: tuple[int, ...]
    ja4: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHello:
    """What the server chose."""

    version: int
    cipher: str
    """IANA name, or its number, 0x1305, where dpkt knows none."""
    alpn: str | None
    """None: not told in clear; TLS 1.3 encrypts it."""


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
    """A ClientHello begins here."""
    return _START.match(data) is not None


def version_name(version: int) -> str:
    """TLSv1.3, ..."""
    return VERSION_NAMES.get(version, f"0x{version:04x}")


class TlsDialogue(Dialogue[Handshake, None]):
    """Reads the beginning of one connection, or of what follows STARTTLS."""

    def __init__(self) -> None:
        super().__init__()
        self._client: ClientHello | None = None
        self._server: ServerHello | None = None
        self._names: tuple[str, ...] = ()
        self._alert: str | None = None
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
            self._finish()
        return done + self._taken()

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
            header = yield from inbox.exactly(5)
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
                if self._client or self._server:
                    self._alert = f"{side}:{ALERTS.get(data[1], str(data[1]))}"
                    self._finish()
            elif kind in (_CHANGE_CIPHER, _DATA) and self._server:
                # Before a ServerHello it only looks so: RFC 8446 appendix D.4, after a HelloRetryRequest.
                is_clear = False
                self._finish_if(side)
            if self.is_over:
                return

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
            try:
                self._message(kind, bytes(data[at + 4 : end]), side, moment)
            except (DpktError, struct.error, IndexError, AssertionError):
                raise LostPlaceError from None
            at = end
            if self.is_over:
                break
        return at

    def _message(self, kind: int, body: bytes, side: str, moment: Moment) -> None:
        if side == "client" and kind == _CLIENT_HELLO:
            if self._asked is None:
                self._asked = moment
                self._client = _client_hello(dpkt_ssl.TLSClientHello(body))
        elif side == "server" and kind == _SERVER_HELLO and body[2:34] != _RETRY:
            self._answered = self._answered or moment
            self._server = _server_hello(dpkt_ssl.TLSServerHello(body))
        elif side == "server" and kind == _CERTIFICATE and self._server and self._server.version < 0x0304:
            certificates = dpkt_ssl.TLSCertificate(body).certificates
            self._names = certificate_names(certificates[0]) if certificates else ()
        elif side == "server" and kind == _SERVER_DONE and self._server:
            self._finish()

    def _finish(self) -> None:
        self.is_over = True
        self.tell(
            Handshake(
                asked=self._asked,
                answered=self._answered,
                client=self._client,
                server=self._server,
                certificate_names=self._names,
                alert=self._alert,
            )
        )


def _client_hello(hello: Any) -> ClientHello:
    """From dpkt's reading of it."""
    extensions: list[tuple[int, bytes]] = getattr(hello, "extensions", [])
    by_type = dict(extensions)
    offered = [version for version in _numbers(by_type.get(_VERSIONS, b""), 1) if not is_grease(version)]
    ciphers = tuple(suite.code for suite in hello.ciphersuites)
    protocols = _protocols(by_type.get(_ALPN, b""))
    version = max(offered, default=int(hello.version))
    return ClientHello(
        version=version,
        server_name=_server_name(by_type.get(_NAME, b"")),
        alpn=tuple(_text(protocol) for protocol in protocols),
        ciphers=ciphers,
        ja4=ja4(
            version=version,
            ciphers=ciphers,
            extensions=[number for number, _ in extensions],
            signature_algorithms=_numbers(by_type.get(_SIGNATURES, b""), 2),
            alpn=protocols[0] if protocols else None,
        ),
    )


def _server_hello(hello: Any) -> ServerHello:
    """From dpkt's reading of it."""
    suite = str(hello.ciphersuite.name)
    by_type: dict[int, bytes] = dict(getattr(hello, "extensions", []))
    chosen = by_type.get(_VERSIONS, b"")
    protocols = _protocols(by_type.get(_ALPN, b""))
    return ServerHello(
        version=int.from_bytes(chosen) if len(chosen) == 2 else int(hello.version),
        cipher=f"0x{hello.ciphersuite.code:04x}" if suite == "Unknown" else suite,
        alpn=_text(protocols[0]) if protocols else None,
    )


def _numbers(data: bytes, length_size: int) -> list[int]:
    """A vector of 16-bit numbers with its length in bytes before it."""
    size = min(int.from_bytes(data[:length_size]), len(data) - length_size)
    return [data[at] << 8 | data[at + 1] for at in range(length_size, length_size + size - 1, 2)]


def _protocols(data: bytes) -> list[bytes]:
    """A ProtocolNameList: RFC 7301 section 3.1."""
    protocols, at = [], 2
    while at < len(data):
        end = at + 1 + data[at]
        if end > len(data):
            break
        protocols.append(data[at + 1 : end])
        at = end
    return protocols


def _server_name(data: bytes) -> str | None:
    """The host name of a ServerNameList: RFC 6066 section 3."""
    if len(data) < 5 or data[2] != 0:
        return None
    return _text(data[5 : 5 + (data[3] << 8 | data[4])])


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")

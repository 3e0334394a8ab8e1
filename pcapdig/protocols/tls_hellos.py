"""What the hellos and the certificate message of TLS say.

In: the body of a handshake message, or an SSL 2.0 hello. Out: frozen records, as far as the bytes tell. Source: RFC 8446 section 4.1
(hellos), 4.2 (extensions), RFC 5246 section 7.4 (certificates, hellos before 1.3), appendix E.2 (SSL 2.0's form of a hello), RFC 6066
section 3 (server_name), RFC 7301 (ALPN), draft-hickman-netscape-ssl (SSL 2.0), draft-ietf-tls-tls13-18 section 4.1.3 (the shorter
ServerHello of TLS 1.3's early drafts). Of dpkt only the cipher suites' names are used: it gives up a hello in which one length is wrong,
and knows none of SSL 2.0's and the drafts'.
"""

from __future__ import annotations

from dataclasses import dataclass

from dpkt.ssl_ciphersuites import BY_CODE  # type: ignore[import-untyped, unused-ignore]

from pcapdig.protocols.ja4 import is_grease, ja4

SSL2 = 0x0002
"""As SSL 2.0 writes its version."""
VERSION_NAMES = {
    SSL2: "SSLv2", 0x0300: "SSLv3", 0x0301: "TLSv1.0", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3",
}  # fmt: skip
_NAME, _SIGNATURES, _ALPN, _VERSIONS = 0, 13, 16, 43
_DRAFT = 0x7F
"""Upper byte of the versions of TLS 1.3's drafts; the lower one is the draft's number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientHello:
    """What the client offers."""

    version: int
    """The highest it offers, as on the wire: 0x0304 is TLS 1.3."""
    server_name: str | None
    """SNI."""
    alpn: tuple[str, ...]
    ciphers: tuple[int, ...]
    ja4: str | None
    """None for a hello in SSL 2.0's form: JA4 is defined for TLS's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHello:
    """What the server chose."""

    version: int
    cipher: str | None
    """IANA name, or its number, 0x1305, where dpkt knows none. None: the client chooses, in SSL 2.0."""
    alpn: str | None
    """None: not told in clear; TLS 1.3 encrypts it."""


def version_name(version: int) -> str:
    """TLSv1.3, TLSv1.3-draft18, ..."""
    if version >> 8 == _DRAFT:
        return f"TLSv1.3-draft{version & 0xFF}"
    return VERSION_NAMES.get(version, f"0x{version:04x}")


def client_hello(body: bytes) -> ClientHello | None:
    """Read the body of a ClientHello; None: it ends within what every one has."""
    session_end = 35 + body[34] if len(body) > 34 else len(body)
    if session_end + 2 > len(body):
        return None
    ciphers = tuple(_numbers(body[session_end:], 2))
    at = session_end + 2 + int.from_bytes(body[session_end : session_end + 2])
    extensions = _extensions(body, at + 1 + body[at]) if at < len(body) else []
    by_type = dict(reversed(extensions))  # of one that is there twice, which is forbidden, the first
    offered = [version for version in _numbers(by_type.get(_VERSIONS, b""), 1) if not is_grease(version)]
    protocols = _protocols(by_type.get(_ALPN, b""))
    version = max(offered, default=int.from_bytes(body[:2]))
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


def server_hello(body: bytes) -> ServerHello | None:
    """Read the body of a ServerHello; None: it ends before the cipher."""
    version = int.from_bytes(body[:2])
    is_draft = version >> 8 == _DRAFT
    at = 34 if is_draft else 35 + body[34] if len(body) > 34 else len(body)
    if at + 2 > len(body):
        return None
    by_type = dict(reversed(_extensions(body, at + (2 if is_draft else 3))))
    chosen = by_type.get(_VERSIONS, b"")
    protocols = _protocols(by_type.get(_ALPN, b""))
    return ServerHello(
        version=int.from_bytes(chosen) if len(chosen) == 2 else version,
        cipher=_cipher_name(int.from_bytes(body[at : at + 2])),
        alpn=_text(protocols[0]) if protocols else None,
    )


def ssl2_client_hello(body: bytes) -> ClientHello | None:
    """Read an SSL 2.0 CLIENT-HELLO after its message type; None: its lengths do not fit together.

    Of its ciphers those are told that TLS has too: the others have three bytes.
    """
    if len(body) < 8:
        return None
    version, specs, session, challenge = (int.from_bytes(body[at : at + 2]) for at in (0, 2, 4, 6))
    if not specs or specs % 3 or session not in (0, 16) or not 16 <= challenge <= 32:
        return None
    if len(body) != 8 + specs + session + challenge:
        return None
    numbers = (int.from_bytes(body[at : at + 3]) for at in range(8, 8 + specs, 3))
    ciphers = tuple(number for number in numbers if number <= 0xFFFF)
    return ClientHello(version=version, server_name=None, alpn=(), ciphers=ciphers, ja4=None)


def ssl2_server_hello(body: bytes) -> tuple[ServerHello, bytes] | None:
    """Read an SSL 2.0 SERVER-HELLO after its message type: what it chose and its certificate; None: its lengths do not fit together."""
    if len(body) < 10:
        return None
    certificate, specs, connection = (int.from_bytes(body[at : at + 2]) for at in (4, 6, 8))
    if int.from_bytes(body[2:4]) != SSL2 or len(body) != 10 + certificate + specs + connection:
        return None
    return ServerHello(version=SSL2, cipher=None, alpn=None), body[10 : 10 + certificate]


def first_certificate(body: bytes) -> bytes:
    """The sender's own of a Certificate message before TLS 1.3; nothing where there is none."""
    return body[6 : 6 + int.from_bytes(body[3:6])]


def _cipher_name(code: int) -> str:
    suite = BY_CODE.get(code)
    return str(suite.name) if suite else f"0x{code:04x}"


def _extensions(body: bytes, at: int) -> list[tuple[int, bytes]]:
    """(type, data) of the extensions whose length stands at `at`, up to the first that is cut."""
    end = min(at + 2 + int.from_bytes(body[at : at + 2]), len(body))
    at += 2
    extensions = []
    while at + 4 <= end:
        size = int.from_bytes(body[at + 2 : at + 4])
        if at + 4 + size > end:
            break
        extensions.append((int.from_bytes(body[at : at + 2]), body[at + 4 : at + 4 + size]))
        at += 4 + size
    return extensions


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

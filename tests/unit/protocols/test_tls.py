"""TLS handshakes of a real OpenSSL, beside tshark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.tls import Handshake, TlsDialogue, beginning, starts, version_name


def tls(opening: Any) -> TlsDialogue | None:
    """Begin as the chisel does."""
    return TlsDialogue() if starts(opening.data) else None


@pytest.mark.parametrize(
    "data", [b"", b"\x16\x03\x01\0\x05", b"\x17\x03\x03\0\x05\x01\0", b"\x16\x02\0\0\x05\x01\0", b"GET / HTTP/1.1\r\n"]
)
def test_what_is_no_client_hello(data: bytes) -> None:
    """No dialogue is begun for it."""
    assert not starts(data)


@pytest.mark.parametrize(
    "hello", [b"\x01\0\0\x02\x03\x03", b"\x01\0\0\x28" + b"\x03\x03" + bytes(32) + b"\xff" * 6, b"\x01\0\0\0"]
)
def test_a_wrong_hello_gives_nothing(hello: bytes) -> None:
    """Lengths that reach beyond it."""
    dialogue = TlsDialogue()
    record = b"\x16\x03\x01" + len(hello).to_bytes(2) + hello
    assert dialogue.feed(Turn(record, True, Moment(0))) + dialogue.end() == []


def test_names_are_tsharks(records_of: Callable[..., list[Any]], tshark: Callable[..., list[list[str]]]) -> None:
    """SNI of each first ClientHello, cipher number of each final ServerHello."""
    found = records_of("tls", tls)
    port = ("-d", "tcp.port==8443,tls")
    hellos = tshark(
        "tls", "tls.handshake.type == 1", "tcp.stream", "tls.handshake.extensions_server_name", options=port
    )
    assert [call.client.server_name or "" for call in found] == [
        name for _, name in sorted({row[0]: row for row in hellos}.values())
    ]
    assert len(found) == 5


def test_the_capture(records_of: Callable[..., list[Any]]) -> None:
    """As captures/clients.py has them: TLS 1.2 with certificate and ALPN, 1.3, no SNI, a HelloRetryRequest, curl."""
    found = records_of("tls", tls)
    names = ("shop.example", "*.shop.example", "127.0.0.1")
    assert [call.certificate_names for call in found] == [names, (), names, (), ()]
    assert [version_name(call.version) for call in found] == ["TLSv1.2", "TLSv1.3", "TLSv1.2", "TLSv1.3", "TLSv1.3"]
    assert [call.server.alpn for call in found] == ["h2", None, None, None, None]
    assert [call.client.alpn for call in found] == [("h2", "http/1.1"), ("h2",), (), (), ("http/1.1",)]
    assert found[2].server.cipher == "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
    assert all(call.latency_ns and call.latency_ns > 0 for call in found)


CLIENT_HELLO = b"\x03\x03" + bytes(32) + b"\0" + b"\0\x02\x13\x01" + b"\x01\0"
SERVER_HELLO = b"\x03\x03" + bytes(32) + b"\0" + b"\xc0\x2f" + b"\0"
SSL2_HELLO = b"\x01\x03\x01" + b"\0\x09\0\0\0\x10" + b"\x01\0\x80\0\0\x05\0\xc0\x2f" + bytes(16)
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
CHANGE_CIPHER = b"\x14\x03\x03\0\x01\x01"


def handshake(kind: int, body: bytes) -> bytes:
    """A message in a record."""
    message = bytes([kind]) + len(body).to_bytes(3) + body
    return b"\x16\x03\x03" + len(message).to_bytes(2) + message


def heard(*turns: tuple[bool, bytes]) -> list[Handshake]:
    """What comes of (by the client, data)."""
    dialogue = TlsDialogue()
    records = [one for i, (client, data) in enumerate(turns) for one in dialogue.feed(Turn(data, client, Moment(i)))]
    return records + dialogue.end()


def test_an_alert_ends_a_handshake() -> None:
    """The server refuses: handshake_failure (RFC 8446 section 6.2)."""
    (call,) = heard((True, handshake(1, CLIENT_HELLO)), (False, b"\x15\x03\x03\0\2\2\x28"))
    assert (call.alert, call.server) == ("server:handshake_failure", None)


def test_a_warning_does_not_end_a_handshake() -> None:
    """unrecognized_name comes before the ServerHello of some servers (RFC 6066 section 3)."""
    server = b"\x15\x03\x03\0\2\1\x70" + handshake(2, SERVER_HELLO) + CHANGE_CIPHER
    (call,) = heard((True, handshake(1, CLIENT_HELLO)), (False, server))
    assert call.alert is None
    assert call.server is not None


def test_a_warning_that_was_the_last_word() -> None:
    """It is told."""
    (call,) = heard((True, handshake(1, CLIENT_HELLO)), (False, b"\x15\x03\x03\0\2\1\x70"))
    assert call.alert == "server:unrecognized_name"


def test_roles_are_those_of_tls() -> None:
    """The end that answered the connection says ClientHello, as an FTP server's data connections may."""
    (call,) = heard((False, handshake(1, CLIENT_HELLO)), (True, handshake(2, SERVER_HELLO) + CHANGE_CIPHER))
    assert call.client is not None
    assert call.server is not None


def test_a_server_heard_alone() -> None:
    """What the client said was not captured."""
    data = handshake(2, SERVER_HELLO) + CHANGE_CIPHER
    assert starts(data)
    (call,) = heard((False, data))
    assert (call.client, call.asked, call.version) == (None, None, 0x0303)


@pytest.mark.parametrize(
    "before",
    [
        b"STARTTLS\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 443\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\0",
        b"\x20\0\0\x01" + bytes(32),
    ],
)
def test_a_hello_behind_something_else(before: bytes) -> None:
    """In the same message: a client that does not wait, a proxy's header, MySQL's request for TLS."""
    data = before + handshake(1, CLIENT_HELLO)
    assert beginning(data) == len(before)
    (call,) = heard((True, data), (False, handshake(2, SERVER_HELLO) + CHANGE_CIPHER))
    assert call.client is not None


@pytest.mark.parametrize("change", [(1, b"\x02"), (3, b"\x01"), (7, b"\x01"), (9, b"\x05")])
def test_what_only_looks_like_a_hello_behind_something(change: tuple[int, bytes]) -> None:
    """Versions and lengths must fit together."""
    at, byte = change
    hello = handshake(1, CLIENT_HELLO)
    assert beginning(b"data\n" + hello[:at] + byte + hello[at + 1 :]) == -1
    assert beginning(b"data\n" + hello[:-1]) == -1


@pytest.mark.parametrize("before", [b"data", b"\x21\0\0\x01" + bytes(32), b"\x12\x01\0\xff\0\0\0\0"])
def test_a_hello_in_another_protocols_packets(before: bytes) -> None:
    """It is theirs: what the server says in such packets could not be followed."""
    assert beginning(before + handshake(1, CLIENT_HELLO)) == -1


def test_a_retry_alone() -> None:
    """The connection ended after HelloRetryRequest: version and cipher are known, and that there was no ServerHello."""
    body = b"\x03\x03" + RETRY + b"\0" + b"\x13\x02" + b"\0" + b"\0\x06" + b"\0\x2b\0\x02\x03\x04"
    (call,) = heard((True, handshake(1, CLIENT_HELLO)), (False, handshake(2, body) + CHANGE_CIPHER))
    assert call.server is not None
    assert (version_name(call.server.version), call.server.cipher) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384")
    assert call.answered is None


@pytest.mark.parametrize("cut", [1, 5, 34])
def test_a_wrong_ssl2_hello(cut: int) -> None:
    """Its lengths must be those of the whole: two bytes prove little."""
    data = SSL2_HELLO[:-cut]
    assert not starts(bytes([0x80, len(data)]) + data)


def test_a_hello_in_the_form_of_ssl2() -> None:
    """RFC 5246 appendix E.2: the client is ready for TLS, and the server answers in TLS."""
    client = bytes([0x80, len(SSL2_HELLO)]) + SSL2_HELLO
    assert starts(client)
    (call,) = heard((True, client), (False, handshake(2, SERVER_HELLO) + CHANGE_CIPHER))
    assert call.client is not None
    assert (call.client.version, call.client.ciphers, call.client.ja4) == (0x0301, (0x0005, 0xC02F), None)
    assert call.version == 0x0303


def test_ssl2_itself() -> None:
    """The server answers with a hello of its own, which has the certificate; the client will choose the cipher."""
    client = b"\x01\0\x02" + SSL2_HELLO[3:]
    server = b"\x04\0\x01\0\x02" + b"\0\0\0\x03\0\x10" + b"\x01\0\x80" + bytes(16)
    (call,) = heard((True, bytes([0x80, len(client)]) + client), (False, bytes([0x80, len(server)]) + server))
    assert call.server is not None
    assert (version_name(call.server.version), call.server.cipher) == ("SSLv2", None)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_a_hello_split_over_records(records_of: Callable[..., list[Any]], size: int) -> None:
    """As some clients do against filters; each record of so many bytes, in turns of seven bytes."""
    turns: list[bytes] = []
    records_of("tls", lambda opening: turns.append(opening.data) if opening.from_client else None)
    whole = next(data for data in turns if starts(data))
    hello = whole[5 : 5 + (whole[3] << 8 | whole[4])]
    pieces = [hello[at : at + size] for at in range(0, len(hello), size)]
    data = b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2) + piece for piece in pieces)
    assert starts(data)
    found = []
    for said in ([whole], [data[at : at + 7] for at in range(0, len(data), 7)]):
        dialogue = TlsDialogue()
        found += [one for part in said for one in dialogue.feed(Turn(part, True, Moment(0)))] + dialogue.end()
    assert found[0].client is not None
    assert found[0].client == found[1].client

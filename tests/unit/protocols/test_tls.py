"""TLS handshakes of a real OpenSSL, beside tshark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.tls import TlsDialogue, starts, version_name


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


def test_an_unknown_version_has_its_number() -> None:
    """And a known one its name."""
    assert (version_name(0x0304), version_name(0x7F1C)) == ("TLSv1.3", "0x7f1c")


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


def test_an_alert_ends_a_handshake() -> None:
    """The server refuses: handshake_failure (RFC 8446 section 6.2)."""
    hello = b"\x03\x03" + bytes(32) + b"\0" + b"\0\x02\x13\x01" + b"\x01\0"
    message = b"\x01" + len(hello).to_bytes(3) + hello
    dialogue = TlsDialogue()
    dialogue.feed(Turn(b"\x16\x03\x01" + len(message).to_bytes(2) + message, True, Moment(0)))
    (call,) = dialogue.feed(Turn(b"\x15\x03\x03\0\2\2\x28", False, Moment(1)))
    assert (call.alert, call.server) == ("server:handshake_failure", None)


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

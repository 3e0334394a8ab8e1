"""tlslog: a line a handshake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pcapdig.chisels.tlslog import Tlslog

NAME = b"\0\0\0\x0b\0\x09\0\0\x06a.test"
HELLO = b"\x03\x03" + bytes(32) + b"\0" + b"\0\x02\x13\x01" + b"\x01\0" + len(NAME).to_bytes(2) + NAME


def record(kind: int, body: bytes) -> bytes:
    """A handshake message in a record."""
    message = bytes([kind]) + len(body).to_bytes(3) + body
    return b"\x16\x03\x03" + len(message).to_bytes(2) + message


def test_others_give_nothing(conversation: Callable[..., Any]) -> None:
    """A server that greets, and a record that is no hello."""
    chisel = Tlslog()
    rows = conversation([(False, b"220 ready\r\n"), (True, b"\x16\x03\x01")])
    assert [*chisel.feed(rows), *chisel.end()] == []


def test_a_server_that_is_the_client_of_tls(conversation: Callable[..., Any]) -> None:
    """It says ClientHello, as an FTP server may that was told to connect (RFC 4217 section 9)."""
    chisel = Tlslog()
    (line,) = [*chisel.feed(conversation([(False, record(1, HELLO))])), *chisel.end()]
    assert " sni=a.test " in line.text  # type: ignore[union-attr]


def test_a_server_alone(conversation: Callable[..., Any]) -> None:
    """Only its packets were captured: what it chose is shown."""
    server = record(2, b"\x03\x03" + bytes(32) + b"\0" + b"\xc0\x2f" + b"\0") + b"\x14\x03\x03\0\x01\x01"
    (line,) = Tlslog().feed(conversation([(False, server)], port=443))
    assert " version=TLSv1.2 sni=<NA> alpn=<NA> cipher=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 " in line.text  # type: ignore[union-attr]


def test_a_handshake(conversation: Callable[..., Any]) -> None:
    """What is encrypted or missing is <NA>."""
    server = b"\x03\x03" + bytes(32) + b"\0" + b"\xc0\x2f" + b"\0"
    turns = [(True, record(1, HELLO)), (False, record(2, server) + b"\x14\x03\x03\0\x01\x01")]
    (line,) = Tlslog().feed(conversation(turns, port=443))
    words = line.text.split(" ", 2)[2]  # type: ignore[union-attr]
    start = "version=TLSv1.2 sni=a.test alpn=<NA> cipher=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 certificate=<NA> ja4=t12d010100_"
    assert words.startswith(start)
    assert words.endswith(" latency=1.50ms client.proc=curl server.proc=httpd")


def test_an_alert(conversation: Callable[..., Any]) -> None:
    """The server refused."""
    (line,) = Tlslog().feed(conversation([(True, record(1, HELLO)), (False, b"\x15\x03\x03\0\2\2\x28")], port=443))
    assert " alert=server:handshake_failure " in line.text  # type: ignore[union-attr]

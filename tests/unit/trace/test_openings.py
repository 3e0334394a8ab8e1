"""What a payload proves of its sender."""

from __future__ import annotations

import random
import struct

import pytest

from pcapdig.trace._openings import sender

TCP, UDP = 6, 17
ANYONE, ASKS, ANSWERS = range(3)
DNS = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\1a\0\0\1\0\1"
HELLO = b"\x16\x03\x01\x00\x60" + b"\x01\0\0\x5c\x03\x03" + bytes(90)
PROOFS = [
    (TCP, 8868, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", ASKS),
    (TCP, 8868, b"HTTP/1.1 200 OK\r\n", ANSWERS),
    (TCP, 8868, b"OPTIONS * RTSP/1.0\r\n", ASKS),
    (TCP, 8868, b"EHLO me\r\n", ASKS),
    (TCP, 25, b"220 mail ESMTP\r\n", ANSWERS),
    (TCP, 8868, HELLO, ASKS),
    (TCP, 8868, HELLO[:5] + b"\x02" + HELLO[6:], ANSWERS),
    (TCP, 8868, struct.pack(">II", 8, 80877103), ASKS),
    (TCP, 8868, struct.pack("<IIII", 30, 9, 0, 2013) + bytes(14), ASKS),
    (TCP, 8868, struct.pack("<IIII", 30, 9, 4, 2013) + bytes(14), ANSWERS),
    (TCP, 3306, b"\x4a\0\0\0\x0a8.0.36\0" + bytes(64), ANSWERS),
    (TCP, 6379, b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", ASKS),
    (TCP, 6379, b"+OK\r\n", ANSWERS),
    (TCP, 11211, b"VALUE k 0 1\r\n", ANSWERS),
    (TCP, 53, struct.pack(">H", len(DNS)) + DNS, ASKS),
    (TCP, 8868, b"$5\r\nhello\r\n", ANSWERS),
    (TCP, 8868, b"$-1\r\n", ANSWERS),
    (TCP, 8868, b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", ASKS),
    (TCP, 8868, b"*2\r\n$3\r\nget\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n", ASKS),
    (TCP, 8868, b"*2\r\n$4\r\nINCR\r\n$9\r\nk", ASKS),
    (TCP, 8868, b"*2\r\n$2\r\n17\r\n:3\r\n", ANSWERS),
    (TCP, 8868, b"*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n", ANSWERS),
    (TCP, 8868, b"VALUE k 0 1\r\nx\r\nEND\r\n", ANSWERS),
    (TCP, 8868, b"STORED\r\n", ANSWERS),
    (TCP, 8868, bytes.fromhex("300c020101600702010304008000"), ASKS),
    (TCP, 8868, bytes.fromhex("300c02010161070a010004000400"), ANSWERS),
    (TCP, 8868, bytes.fromhex("30050201034200"), ASKS),
    (TCP, 8868, b"AMQP\0\0\x09\1", ASKS),
    (TCP, 8868, b"\1\0\0\0\0\0\4\0\x0a\0\x0a\xce", ANSWERS),
    (TCP, 8868, b"\1\0\1\0\0\0\4\0\x32\0\x0a\xce", ASKS),
    (TCP, 8868, struct.pack(">IIIIIIIIIII", 1 << 31 | 40, 9, 0, 2, 100003, 3, 1, 0, 0, 0, 0), ASKS),
    (TCP, 8868, struct.pack(">IIIIIIII", 1 << 31 | 28, 9, 1, 0, 0, 0, 0, 7), ANSWERS),
    (TCP, 8868, struct.pack("<IIII", 40, 9, 4, 1) + bytes(24), ANSWERS),
    (TCP, 8868, struct.pack("<IIII", 40, 9, 0, 2004) + bytes(24), ASKS),
    (TCP, 8554, b"GET_PARAMETER rtsp://a/ RTSP/1.0\r\n", ASKS),
    (UDP, 1900, b"HTTP/1.1 200 OK\r\nST: a\r\n\r\n", ANSWERS),
    (UDP, 1900, b"M-SEARCH * HTTP/1.1\r\nST: a\r\n\r\n", ASKS),
    (UDP, 5070, b"SIP/2.0 200 OK\r\n", ANSWERS),
    (UDP, 5070, b"INVITE sip:a@b SIP/2.0\r\n", ASKS),
    (UDP, 8868, struct.pack(">IIIIIIIIII", 9, 0, 2, 100003, 3, 1, 0, 0, 0, 0), ASKS),
    (UDP, 53, DNS, ASKS),
    (UDP, 53, DNS[:2] + b"\x81\x80" + DNS[4:], ANSWERS),
    (UDP, 67, b"\1" + bytes(235) + b"\x63\x82\x53\x63", ASKS),
    (UDP, 68, b"\2" + bytes(235) + b"\x63\x82\x53\x63", ANSWERS),
    (UDP, 123, b"\x23" + bytes(47), ASKS),
    (UDP, 123, b"\x24" + bytes(47), ANSWERS),
    (UDP, 3478, struct.pack(">HHI", 1, 0, 0x2112A442) + bytes(12), ASKS),
    (UDP, 3478, struct.pack(">HHI", 0x101, 0, 0x2112A442) + bytes(12), ANSWERS),
]


@pytest.mark.parametrize(
    "payload",
    [b"", b"G", b"GET", b"GET /", b"SSH-2.0-OpenSSH_9.2\r\n", b"GET lost in a text\nHTTP/1.1", bytes(100), b"*" * 40],
)
def test_nothing_is_guessed(payload: bytes) -> None:
    """Too little, what both ends begin with, and what only looks alike."""
    assert [sender(payload, protocol, 40000, 50000) for protocol in (TCP, UDP, 132)] == [ANYONE] * 3


@pytest.mark.parametrize(("protocol", "port", "payload", "expected"), PROOFS)
def test_proofs(protocol: int, port: int, payload: bytes, expected: int) -> None:
    """Whoever of the two ends has the service's port."""
    assert sender(payload, protocol, 40000, port) == expected
    assert sender(payload, protocol, port, 40000) == expected


@pytest.mark.parametrize(
    "payload",
    [
        b"$5\r\nhello",
        b"$5\r\nhello!\r\n",
        b"$4294967299\r\nabc\r\n",
        b"*1\r\n$5\r\nabcde\r\n",
        b"*2\r\n$3\r\nGE",
        b"*2\r\n$3\r\nabc\r\n",
        b"*-",
        b"$",
        b":1\r\n",
        b"VALUE of END\r\n",
        b"STORED\r\nx",
        bytes.fromhex("300d020101600702010304008000"),
        bytes.fromhex("3084ffffffff020101600702010304008000"),
        bytes.fromhex("300c0201014c0702010304008000"),
        b"\1\0\0\0\0\0\4\0\x0a\0\x0a\xcf",
        b"\1\0\0\xff\xff\xff\xff\0\x0a\0\x0a\xce",
        struct.pack(">IIIIIIII", 1 << 31 | 29, 9, 1, 0, 0, 0, 0, 7),
    ],
)
def test_lengths_that_do_not_agree_prove_nothing(payload: bytes) -> None:
    """A message that is not whole, or whose lengths are another's; an array of words that may be an answer's or a command's."""
    assert sender(payload, TCP, 40000, 50000) == ANYONE


def test_any_bytes_are_allowed() -> None:
    """Each proof cut at each byte, and with bytes changed, at each port that is looked at."""
    dice = random.Random(7)
    for protocol, port, payload, _ in PROOFS:
        for size in range(len(payload)):
            changed = bytearray(payload[:size])
            if size:
                changed[dice.randrange(size)] = dice.randrange(256)
            for end in (port, 111, 389, 502, 2049, 5432):
                assert sender(changed, protocol, 40000, end) in (ANYONE, ASKS, ANSWERS)

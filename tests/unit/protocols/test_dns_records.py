"""Whole DNS messages, beside dpkt."""

from __future__ import annotations

import struct

import pytest
from dpkt.dns import DNS

from pcapdig.protocols.dns_names import BadMessageError
from pcapdig.protocols.dns_records import RECORDS_LIMIT, read_message, type_name

QUESTION = b"\x01a\x04test\0" + struct.pack(">2H", 1, 1)


def header(flags: int = 0x8180, questions: int = 1, answers: int = 0) -> bytes:
    """Twelve bytes."""
    return struct.pack(">6H", 7, flags, questions, answers, 0, 0)


def record(kind: int, data: bytes, ttl_s: int = 60) -> bytes:
    """An answer for the question's name."""
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, ttl_s, len(data)) + data


@pytest.mark.parametrize("data", [b"", header()[:11], header(), header() + b"\x05ab"])
def test_no_message_is_refused(data: bytes) -> None:
    """No whole header, or no question where one is announced."""
    with pytest.raises(BadMessageError):
        read_message(data)


def test_a_cut_message_gives_its_whole_records() -> None:
    """The second answer is cut."""
    data = header(answers=2) + QUESTION + record(1, b"\xc0\0\2\7") + record(1, b"\xc0\0\2\7")[:-1]
    message = read_message(data)
    assert ([answer.text for answer in message.answers], message.is_cut) == (["192.0.2.7"], True)


def test_too_many_records_are_not_all_read() -> None:
    """Time is bounded."""
    message = read_message(header(answers=5000) + QUESTION + record(1, b"") * 5000)
    assert (len(message.answers), message.is_cut) == (RECORDS_LIMIT, True)


def test_rcode_and_truncation() -> None:
    """TC and NXDOMAIN; a code without a name."""
    assert (read_message(header(0x8383) + QUESTION).rcode, read_message(header(0x8383) + QUESTION).is_truncated) == (
        "NXDOMAIN",
        True,
    )
    assert read_message(header(0x818F) + QUESTION).rcode == "RCODE15"


def test_an_unknown_type_has_its_number() -> None:
    """RFC 3597."""
    message = read_message(header(answers=1) + QUESTION + record(1234, b"\1\2"))
    assert (type_name(1234), message.answers[0].text) == ("TYPE1234", "\\# 2 0102")


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        (1, b"\xc0\0\2\7", "192.0.2.7"),
        (28, bytes(15) + b"\1", "::1"),
        (5, b"\1b\xc0\x0e", "b.test"),
        (15, b"\0\x0a\1m\xc0\x0e", "10 m.test"),
        (16, b'\x03a"b\x01\xff', '"a\\"b" "\\255"'),
        (33, b"\0\1\0\2\0\x35\1s\xc0\x0e", "1 2 53 s.test"),
        (6, b"\1n\0\1r\0" + struct.pack(">5I", 1, 2, 3, 4, 5), "n r 1 2 3 4 5"),
        (257, b"\0\5issueca.test", '0 issue "ca.test"'),
    ],
)
def test_data_of_each_type(kind: int, data: bytes, text: str) -> None:
    """As zone files write it."""
    assert read_message(header(answers=1) + QUESTION + record(kind, data)).answers[0].text == text


def test_dpkt_reads_the_same() -> None:
    """Id, question, addresses."""
    data = header(answers=2) + QUESTION + record(1, b"\xc0\0\2\7", 5) + record(1, b"\xc0\0\2\x08", 6)
    ours, theirs = read_message(data), DNS(data)
    assert (ours.id, [q.name for q in ours.questions]) == (theirs.id, [q.name for q in theirs.qd])
    assert [(a.name, a.ttl_s, a.text) for a in ours.answers] == [
        (a.name, a.ttl, ".".join(map(str, a.ip))) for a in theirs.an
    ]


@pytest.mark.parametrize(("upper", "rcode"), [(0, "NXDOMAIN"), (1, "BADMODE")])
def test_response_codes_of_edns(upper: int, rcode: str) -> None:
    """Their upper bits are in the OPT record, behind the authority section."""
    soa = record(6, b"\0\0" + bytes(20))
    opt = b"\0" + struct.pack(">HHIH", 41, 1232, upper << 24, 0)
    data = struct.pack(">6H", 7, 0x8183, 1, 0, 1, 1) + QUESTION + soa + opt
    assert read_message(data).rcode == rcode
    assert read_message(data[:-1]).rcode == "NXDOMAIN"

"""One DNS message: its header, questions and answers.

In: bytes. Out: `DnsMessage`, as far as the bytes tell. Source: RFC 1035 section 4, RFC 6891 (OPT), RFC 1995 section 3 (the version in a query
for IXFR). What a record says, dns_rdata.py reads.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from pcapdig.protocols.dns_names import BadMessageError, read_name
from pcapdig.protocols.dns_rdata import rdata_text
from pcapdig.protocols.dns_types import RCODES, opcode_name, type_name

__all__ = ["DnsAnswer", "DnsMessage", "DnsQuestion", "opcode_name", "read_message", "type_name"]

RECORDS_LIMIT = 512
"""Answers read of one message, if nobody asks for more; a TCP message of 64 KiB could hold 5,000 empty ones."""
UPDATE = 5
"""The opcode of a dynamic update."""
_OPT = 41


class DnsQuestion(NamedTuple):
    """What is asked."""

    name: str
    """Without the final dot; `.` is the root."""
    type: str
    """A, AAAA, ...; TYPE1234 where it has no name (RFC 3597)."""
    class_number: int = 1
    """1: IN."""


class DnsAnswer(NamedTuple):
    """One record of the answer section."""

    name: str
    type: str
    ttl_s: int
    text: str
    """An address, a name, ...; `\\# 4 c0000201` where the type is not read (RFC 3597)."""


class DnsMessage(NamedTuple):
    """A query or a response."""

    id: int
    is_response: bool
    opcode: int
    """0: a query."""
    rcode: str
    """NOERROR, NXDOMAIN, ...; with the upper bits that EDNS has, BADVERS, ...; RCODE12 where it has no name."""
    is_truncated: bool
    """The server says that the answer did not fit (TC)."""
    questions: tuple[DnsQuestion, ...]
    answers: tuple[DnsAnswer, ...]
    is_cut: bool = False
    """Not all questions and answers could be read: the bytes are cut or wrong, or there are more than the limit."""
    answer_count: int = 0
    """Records that the answer section has, by the header."""
    options: str = ""
    """What the OPT record of EDNS says, in the words of dns_options.py."""
    serial: int | None = None
    """In a query for IXFR, the version of the zone that the client has."""


def read_message(data: bytes, *, records_limit: int = RECORDS_LIMIT) -> DnsMessage:
    """Read a message as far as it goes, at most `records_limit` answers of it.

    Raises:
        BadMessageError: there is no whole header, or no question can be read where one is announced.
    """
    if len(data) < 12:
        raise BadMessageError("header is cut")
    number, flags, question_count, answer_count, authority_count, more_count = struct.unpack_from(">6H", data)
    questions: list[DnsQuestion] = []
    answers: list[DnsAnswer] = []
    at, is_cut = 12, answer_count > records_limit or question_count > RECORDS_LIMIT
    try:
        for _ in range(min(question_count, RECORDS_LIMIT)):
            name, at = read_name(data, at)
            kind, class_number = struct.unpack_from(">2H", data, at)
            at += 4
            questions.append(DnsQuestion(name=name, type=type_name(kind), class_number=class_number & 0x7FFF))
        for _ in range(min(answer_count, records_limit)):
            answer, at = _read_answer(data, at)
            answers.append(answer)
    except (BadMessageError, struct.error):
        if question_count and not questions:
            raise BadMessageError("no question") from None
        is_cut = True
    rcode, options = flags & 15, ""
    if more_count and not is_cut:
        upper, options = _edns(data, at, authority_count, more_count)
        rcode |= upper << 4
    is_response = bool(flags & 0x8000)
    return DnsMessage(
        id=number,
        is_response=is_response,
        opcode=flags >> 11 & 15,
        rcode=RCODES.get(rcode, f"RCODE{rcode}"),
        is_truncated=bool(flags & 0x0200),
        questions=tuple(questions),
        answers=tuple(answers),
        is_cut=is_cut,
        answer_count=answer_count,
        options=options,
        serial=_serial(data, at) if authority_count and not (is_response or is_cut) and _asks_ixfr(questions) else None,
    )


def _edns(data: bytes, at: int, authority_count: int, more_count: int) -> tuple[int, str]:
    """EXTENDED-RCODE and options of the OPT record, which is in the additional section (RFC 6891 section 6.1.3); 0 and nothing without one."""
    try:
        for index in range(min(authority_count + more_count, RECORDS_LIMIT)):
            _, at = read_name(data, at)
            kind, _, ttl_s, size = struct.unpack_from(">HHIH", data, at)
            at += 10
            if kind == _OPT and index >= authority_count:
                return int(ttl_s) >> 24, rdata_text(data, at, size, kind) if 0 < size <= len(data) - at else ""
            at += size
    except (BadMessageError, struct.error):
        pass
    return 0, ""


def _asks_ixfr(questions: list[DnsQuestion]) -> bool:
    return len(questions) == 1 and questions[0].type == "IXFR"


def _serial(data: bytes, at: int) -> int | None:
    """The version in the SOA record at `at`."""
    try:
        record, _ = _read_answer(data, at)
    except (BadMessageError, struct.error):
        return None
    return soa_serial(record)


def soa_serial(record: DnsAnswer) -> int | None:
    """The version that an SOA record has; None: it is none, or does not read as one."""
    words = record.text.split(" ")
    return int(words[2]) if record.type == "SOA" and len(words) == 7 else None


def _read_answer(data: bytes, at: int) -> tuple[DnsAnswer, int]:
    """The record at `at`, and the offset after it."""
    name, at = read_name(data, at)
    kind, _, ttl_s, size = struct.unpack_from(">HHIH", data, at)
    at += 10
    if at + size > len(data):
        raise BadMessageError("record is cut")
    text = rdata_text(data, at, size, kind)
    return DnsAnswer(name=name, type=type_name(kind), ttl_s=ttl_s, text=text), at + size

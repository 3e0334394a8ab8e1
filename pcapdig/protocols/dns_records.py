"""One DNS message: its header, questions and answers.

In: bytes. Out: `DnsMessage`, as far as the bytes tell. Source: RFC 1035 section 4; RFC 3596 (AAAA), 2782 (SRV), 8659 (CAA), 6891 (OPT);
names of types, classes and response codes: IANA registry "Domain Name System (DNS) Parameters".
"""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from pcapdig.protocols.dns_names import BadMessageError, read_name

RECORDS_LIMIT = 512
"""Answers read of one message; a TCP message of 64 KiB could hold 5,000 empty ones."""
TYPES = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 35: "NAPTR",
    39: "DNAME", 41: "OPT", 43: "DS", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 50: "NSEC3", 51: "NSEC3PARAM", 52: "TLSA", 64: "SVCB",
    65: "HTTPS", 249: "TKEY", 250: "TSIG", 251: "IXFR", 252: "AXFR", 255: "ANY", 257: "CAA",
}  # fmt: skip
RCODES = {
    0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN", 7: "YXRRSET", 8: "NXRRSET",
    9: "NOTAUTH", 10: "NOTZONE", 11: "DSOTYPENI", 16: "BADVERS", 17: "BADKEY", 18: "BADTIME", 19: "BADMODE", 20: "BADNAME", 21: "BADALG",
    22: "BADTRUNC", 23: "BADCOOKIE",
}  # fmt: skip
OPCODES = {0: "QUERY", 1: "IQUERY", 2: "STATUS", 4: "NOTIFY", 5: "UPDATE", 6: "DSO"}
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
    """Not all questions and answers could be read: the bytes are cut or wrong, or there are over RECORDS_LIMIT."""


def read_message(data: bytes) -> DnsMessage:
    """Read a message as far as it goes.

    Raises:
        BadMessageError: there is no whole header, or no question can be read where one is announced.
    """
    if len(data) < 12:
        raise BadMessageError("header is cut")
    number, flags, question_count, answer_count, authority_count, more_count = struct.unpack_from(">6H", data)
    questions: list[DnsQuestion] = []
    answers: list[DnsAnswer] = []
    at, is_cut = 12, answer_count > RECORDS_LIMIT or question_count > RECORDS_LIMIT
    try:
        for _ in range(min(question_count, RECORDS_LIMIT)):
            name, at = read_name(data, at)
            kind, class_number = struct.unpack_from(">2H", data, at)
            at += 4
            questions.append(DnsQuestion(name=name, type=type_name(kind), class_number=class_number & 0x7FFF))
        for _ in range(min(answer_count, RECORDS_LIMIT)):
            answer, at = _read_answer(data, at)
            answers.append(answer)
    except (BadMessageError, struct.error):
        if question_count and not questions:
            raise BadMessageError("no question") from None
        is_cut = True
    rcode = flags & 15
    if more_count and not is_cut:
        rcode |= _upper_rcode(data, at, authority_count, more_count) << 4
    return DnsMessage(
        id=number,
        is_response=bool(flags & 0x8000),
        opcode=flags >> 11 & 15,
        rcode=RCODES.get(rcode, f"RCODE{rcode}"),
        is_truncated=bool(flags & 0x0200),
        questions=tuple(questions),
        answers=tuple(answers),
        is_cut=is_cut,
    )


def _upper_rcode(data: bytes, at: int, authority_count: int, more_count: int) -> int:
    """EXTENDED-RCODE of the OPT record, which is in the additional section (RFC 6891 section 6.1.3); 0 without one."""
    try:
        for index in range(min(authority_count + more_count, RECORDS_LIMIT)):
            _, at = read_name(data, at)
            kind, _, ttl_s, size = struct.unpack_from(">HHIH", data, at)
            if kind == _OPT and index >= authority_count:
                return int(ttl_s) >> 24
            at += 10 + size
    except (BadMessageError, struct.error):
        pass
    return 0


def opcode_name(number: int) -> str:
    """An opcode as text."""
    return OPCODES.get(number, f"OPCODE{number}")


def type_name(number: int) -> str:
    """A record type as text."""
    return TYPES.get(number, f"TYPE{number}")


def _read_answer(data: bytes, at: int) -> tuple[DnsAnswer, int]:
    """The record at `at`, and the offset after it."""
    name, at = read_name(data, at)
    kind, _, ttl_s, size = struct.unpack_from(">HHIH", data, at)
    at += 10
    if at + size > len(data):
        raise BadMessageError("record is cut")
    text = _rdata_text(data, at, size, kind)
    return DnsAnswer(name=name, type=type_name(kind), ttl_s=ttl_s, text=text), at + size


def _rdata_text(message: bytes, at: int, size: int, kind: int) -> str:
    """What a record says."""
    data = message[at : at + size]
    if kind == 1 and size == 4:
        return socket.inet_ntop(socket.AF_INET, data)
    if kind == 28 and size == 16:
        return socket.inet_ntop(socket.AF_INET6, data)
    if kind in (2, 5, 12, 39):
        return read_name(message, at)[0]
    if kind == 15 and size > 2:
        return f"{data[0] << 8 | data[1]} {read_name(message, at + 2)[0]}"
    if kind == 33 and size > 6:
        return " ".join(map(str, (*struct.unpack_from(">3H", data), read_name(message, at + 6)[0])))
    if kind == 6:
        primary, next_at = read_name(message, at)
        mailbox, next_at = read_name(message, next_at)
        if next_at + 20 <= at + size:
            return " ".join((primary, mailbox, *map(str, struct.unpack_from(">5I", message, next_at))))
    if kind == 16 and size:
        return " ".join(map(_quoted, _strings(data)))
    if kind == 257 and size > 2 and 2 + data[1] <= size:
        return f"{data[0]} {data[2 : 2 + data[1]].decode('ascii', 'replace')} {_quoted(data[2 + data[1] :])}"
    return f"\\# {size} {data[:64].hex()}".rstrip()


def _strings(data: bytes) -> list[bytes]:
    """The character strings of a TXT record."""
    strings, at = [], 0
    while at < len(data):
        end = at + 1 + data[at]
        if end > len(data):
            raise BadMessageError("string is cut")
        strings.append(data[at + 1 : end])
        at = end
    return strings


def _quoted(data: bytes) -> str:
    """A character string as RFC 1035 section 5.1 writes it."""
    return (
        '"'
        + "".join(
            f"\\{byte:03d}" if not 0x20 <= byte <= 0x7E else f"\\{chr(byte)}" if byte in b'"\\' else chr(byte)
            for byte in data
        )
        + '"'
    )

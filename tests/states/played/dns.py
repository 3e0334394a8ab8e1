"""DNS over TCP."""

from __future__ import annotations

import struct
from typing import Any

from pcapdig.protocols.dns import DnsDialogue
from played.scenario import Scenario


def new() -> DnsDialogue:
    """Over TCP."""
    return DnsDialogue(is_stream=True)


def summary(record: Any) -> tuple[str, str]:
    """`7 AXFR`, `2/3 NOERROR SOA 1,A` : message 2 of a transfer of 3 records."""
    query, answer = record.query, record.answer
    asked = f"{query.id} {query.questions[0].type}" if query else "-"
    if answer is None:
        return asked, "-"
    place = "" if record.message is None else f"{record.message}/{record.records or '?'} "
    records = ",".join(f"SOA {one.text.split()[2]}" if one.type == "SOA" else one.text for one in answer.answers)
    return asked, f"{place}{answer.rcode} {records}"


KINDS = {"A": 1, "SOA": 6, "IXFR": 251, "AXFR": 252}


def soa(serial: int) -> bytes:
    """A version of the zone."""
    data = b"\0\0" + struct.pack(">5I", serial, 1, 1, 1, 1)
    return b"\1z\0" + struct.pack(">HHIH", 6, 1, 60, len(data)) + data


def a(number: int) -> bytes:
    """An address."""
    return b"\1z\0" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([192, 0, 2, number])


def ask(number: int, kind: str, *, serial: int | None = None) -> bytes:
    """A query."""
    data = (
        struct.pack(">6H", number, 0, 1, 0, int(serial is not None), 0) + b"\1z\0" + struct.pack(">HH", KINDS[kind], 1)
    )
    data += b"" if serial is None else soa(serial)
    return len(data).to_bytes(2) + data


def answer(number: int, kind: str | None, *records: bytes, rcode: int = 0) -> bytes:
    """A message of an answer; without a kind it does not repeat the question."""
    question = b"\1z\0" + struct.pack(">HH", KINDS[kind], 1) if kind else b""
    data = (
        struct.pack(">6H", number, 0x8000 | rcode, int(kind is not None), len(records), 0, 0)
        + question
        + b"".join(records)
    )
    return len(data).to_bytes(2) + data


AFTER = (("c", ask(1, "A") + ask(2, "A")), ("s", answer(2, "A", a(102)) + answer(1, "A", a(101))))
AFTERWARDS = ("2 A = NOERROR 192.0.2.102", "1 A = NOERROR 192.0.2.101")
NEWER = "IXFR: the SOA of the new version in the place of an older one's"
FULL = "AXFR: the second SOA"

SCENARIOS = (
    Scenario(
        "zone transfer",
        FULL,
        (
            ("c", ask(7, "AXFR")),
            ("s", answer(7, "AXFR", soa(3), a(1)) + answer(7, None, a(2)) + answer(7, "AXFR", a(3), soa(3))),
            *AFTER,
            ("s", answer(7, "AXFR", a(4))),
        ),
        (
            "7 AXFR = 1/? NOERROR SOA 3,192.0.2.1",
            "7 AXFR = 2/? NOERROR 192.0.2.2",
            "7 AXFR = 3/5 NOERROR 192.0.2.3,SOA 3",
            *AFTERWARDS,
            "- = NOERROR 192.0.2.4",
        ),
    ),
    Scenario(
        "zone transfer",
        FULL,
        (("c", ask(7, "AXFR")), ("s", answer(7, "AXFR", soa(3), soa(3))), *AFTER),
        ("7 AXFR = 1/2 NOERROR SOA 3,SOA 3", *AFTERWARDS),
    ),
    Scenario(
        "zone transfer",
        FULL,
        (
            ("c", ask(7, "AXFR") + ask(8, "AXFR") + ask(9, "A")),
            (
                "s",
                answer(7, "AXFR", soa(3))
                + answer(8, "AXFR", soa(4))
                + answer(9, "A", a(9))
                + answer(8, "AXFR", soa(4))
                + answer(7, "AXFR", soa(3)),
            ),
        ),
        (
            "7 AXFR = 1/? NOERROR SOA 3",
            "8 AXFR = 1/? NOERROR SOA 4",
            "9 A = NOERROR 192.0.2.9",
            "8 AXFR = 2/2 NOERROR SOA 4",
            "7 AXFR = 2/2 NOERROR SOA 3",
        ),
    ),
    Scenario(
        "zone transfer",
        NEWER,
        (
            ("c", ask(7, "IXFR", serial=1)),
            (
                "s",
                answer(7, "IXFR", soa(3), soa(1), a(1), soa(2)) + answer(7, "IXFR", a(2), soa(2), soa(3), a(3), soa(3)),
            ),
            *AFTER,
        ),
        (
            "7 IXFR = 1/? NOERROR SOA 3,SOA 1,192.0.2.1,SOA 2",
            "7 IXFR = 2/9 NOERROR 192.0.2.2,SOA 2,SOA 3,192.0.2.3,SOA 3",
            *AFTERWARDS,
        ),
    ),
    Scenario(
        "zone transfer",
        NEWER,
        (
            ("c", ask(7, "IXFR", serial=1)),
            ("s", b"".join(answer(7, "IXFR", one) for one in (soa(3), a(1), soa(3)))),
            *AFTER,
        ),
        ("7 IXFR = 1/? NOERROR SOA 3", "7 IXFR = 2/? NOERROR 192.0.2.1", "7 IXFR = 3/3 NOERROR SOA 3", *AFTERWARDS),
    ),
    Scenario(
        "zone transfer",
        "IXFR: a version that is not newer than the client's",
        (("c", ask(7, "IXFR", serial=3)), ("s", answer(7, "IXFR", soa(3))), *AFTER, ("s", answer(7, None, a(1)))),
        ("7 IXFR = 1/1 NOERROR SOA 3", *AFTERWARDS, "- = NOERROR 192.0.2.1"),
    ),
    Scenario(
        "zone transfer",
        "IXFR: a version that is not newer than the client's",
        (("c", ask(7, "IXFR", serial=0xFFFFFFFF)), ("s", answer(7, "IXFR", soa(1)) + answer(7, "IXFR", a(1))), *AFTER),
        ("7 IXFR = 1/? NOERROR SOA 1", "7 IXFR = 2/? NOERROR 192.0.2.1", *AFTERWARDS),
    ),
    Scenario(
        "zone transfer",
        "a message with an error",
        (("c", ask(7, "AXFR")), ("s", answer(7, "AXFR", soa(3)) + answer(7, "AXFR", rcode=2)), *AFTER),
        ("7 AXFR = 1/? NOERROR SOA 3", "7 AXFR = 2/1 SERVFAIL ", *AFTERWARDS),
    ),
    Scenario(
        "zone transfer",
        "a query with the same id",
        (
            ("c", ask(7, "AXFR")),
            ("s", answer(7, "AXFR", soa(3))),
            ("c", ask(7, "A")),
            ("s", answer(7, "A", a(1))),
            *AFTER,
        ),
        ("7 AXFR = 1/? NOERROR SOA 3", "7 A = NOERROR 192.0.2.1", *AFTERWARDS),
    ),
)

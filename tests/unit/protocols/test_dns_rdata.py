"""What records say: damaged ones, each kind as a real server (BIND 9.18) was given it, and beside tshark."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcapdig.protocols.dns import DnsDialogue
from pcapdig.protocols.dns_rdata import _READERS, rdata_text

sys.path.insert(0, str(Path(__file__).parent / "captures"))
from zone import RECORDS, SOA


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (1, b"\1\2\3"),
        (28, b"\0" * 15),
        (6, b"\0\0" + bytes(19)),
        (15, b"\0"),
        (16, b"\5ab"),
        (29, bytes(16)),
        (29, b"\1" + bytes(15)),
        (29, b"\0\xaa" + bytes(14)),
        (33, bytes(6)),
        (35, b"\0\1\0\1\5a"),
        (43, b"\0\1\2"),
        (46, bytes(17)),
        (47, b"\0\0\0"),
        (47, b"\0\0\5\1"),
        (48, b"\1\0\3"),
        (50, b"\1\0\0\0\4ab"),
        (50, b"\1\0\0\0\0\5ab"),
        (52, b"\3\1"),
        (44, b"\1"),
        (64, b"\0"),
        (64, b"\0\1\0\0\1\0\5h"),
        (64, b"\0\1\0\0"),
        (108, bytes(5)),
        (256, b"\0\1\0"),
        (257, b"\0\5iss"),
        (257, b"\0\0x"),
        (257, b"\0\3a=b"),
        (2, b"\x05ab"),
        (5, b"\xc0\3"),
        (41, b"\0\x0a\0\5a"),
        (99, b"\2a"),
    ],
)
def test_what_does_not_read_as_its_type_is_shown_as_bytes(kind: int, data: bytes) -> None:
    """RFC 3597 section 5: nothing is guessed."""
    assert rdata_text(b"\1a\0" + data, 3, len(data), kind) == f"\\# {len(data)} {data.hex()}".rstrip()


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(sorted(_READERS)), st.binary(max_size=80), st.binary(max_size=12))
def test_any_bytes(kind: int, data: bytes, before: bytes) -> None:
    """Text on one line, of bounded length."""
    text = rdata_text(before + data, len(before), len(data), kind)
    assert "\n" not in text and len(text) < 64 * (len(data) + 16) + 64 * 1024


def calls(records_of: Callable[..., list[Any]], name: str) -> list[Any]:
    """The calls of a capture."""
    return records_of(name, lambda opening: DnsDialogue(is_stream=not opening.is_datagram))


def test_each_kind_is_as_its_server_was_given_it(records_of: Callable[..., list[Any]]) -> None:
    """Each record asked for by itself."""
    texts = {
        call.told.questions[0].name: (call.told.questions[0].type, call.answer.answers[0].text)
        for call in calls(records_of, "dns_zone")
        if call.message is None and call.answer.answers
    }
    for name, kind, text in RECORDS:
        assert texts[f"{name}.example.test"] == (kind, text)


def test_a_signed_zone(records_of: Callable[..., list[Any]], tshark: Callable[..., list[list[str]]]) -> None:
    """DNSKEY, RRSIG, NSEC, NSEC3: fields beside tshark's, which has no presentation format of them."""
    found = [
        one
        for name in ("dns_zone", "dns_nsec3")
        for call in calls(records_of, name)
        for one in (call.answer.answers if call.answer else ())
    ]
    tags = [
        field
        for name in ("dns_zone", "dns_nsec3")
        for (field,) in tshark(name, "dns.rrsig.key_tag", "dns.rrsig.key_tag")
    ]
    assert sorted(int(one.text.split()[6]) for one in found if one.type == "RRSIG") == sorted(
        int(tag) for tags_ in tags for tag in tags_.split(",")
    )
    (nsec,) = (one for one in found if one.type == "NSEC" and one.name == "www.signed.test")
    assert nsec.text == "signed.test A RRSIG NSEC"
    hashed = [one for one in found if one.type == "NSEC3"]
    assert {one.name.partition(".")[0] for one in hashed} == {one.text.split()[4] for one in hashed}
    assert all(one.text.startswith("1 0 0 AABB ") for one in hashed) and len(hashed) == 3


def test_transfers_show_all_their_messages(records_of: Callable[..., list[Any]]) -> None:
    """AXFR in as many messages as records; IXFR over TCP in eight, over UDP in one; a version that is not newer; an error."""
    found = [call for call in calls(records_of, "dns_zone") if call.told.questions[0].type in ("AXFR", "IXFR")]
    zone = [
        call
        for call in found
        if call.told.questions[0].type == "AXFR" and call.told.questions[0].name == "example.test"
    ]
    texts = [(one.name, one.type, one.text) for call in zone for one in call.answer.answers]
    soa = ("example.test", "SOA", SOA % 1)
    assert texts[0] == texts[-1] == soa
    assert sorted(texts[1:-1]) == sorted(
        [
            ("example.test", "NS", "ns.example.test"),
            ("ns.example.test", "A", "127.0.0.1"),
            *((f"{name}.example.test", kind, text) for name, kind, text in RECORDS),
        ]
    )
    assert [call.message for call in zone] == list(range(1, len(texts) + 1))
    assert [call.records for call in zone] == [None] * (len(texts) - 1) + [len(texts)]
    assert [(call.message, call.records) for call in found[len(zone) :]] == [
        *((n, None) for n in range(1, 8)),
        (8, 8),
        (None, None),
        (1, 1),
        (1, 0),
    ]

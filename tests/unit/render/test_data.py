"""Captured bytes as text: hostile bytes first, then each form exactly."""

import base64
import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcapdig.render.data import clipped, data_text, dotted, printable
from pcapdig.render.items import Gap
from pcapdig.render.options import DataStyle

ESCAPE = b"\x1b[2J\x1b]0;owned\x07\x9b31m\xff\x00"


@pytest.mark.parametrize("style", DataStyle)
@given(buffer=st.binary(max_size=70))
def test_no_byte_outside_printable_ascii_gets_through(style: DataStyle, buffer: bytes) -> None:
    """Whatever was captured, a terminal is given printable ASCII, newlines and the tab of a hexadecimal row."""
    assert re.fullmatch(r"[\x20-\x7e\n\t]*", data_text(ESCAPE + buffer, style))


def test_plain_shows_dots() -> None:
    """CRLF is two dots, tabs and UTF-8 are dots, byte for byte."""
    assert "GET /bar HTTP/1.1..a.b.." == data_text("GET /bar HTTP/1.1\r\na\tbé".encode(), DataStyle.DOTTED)


@pytest.mark.parametrize(
    ("buffer", "expected"),
    [
        (b"", "\n"),
        (b"one\r\ntwo\nthree\rfour", "\none\ntwo\nthree\nfour"),
        (b"\nfirst", "\nfirst"),
        (b"\n\nfirst", "\n\nfirst"),
        (b"\r\nfirst", "\n\nfirst"),
        (b"a\r\r\nb", "\na\n\nb"),
        (b"a\n\nb", "\na\n\nb"),
        (b"a\r\0\nb", "\na\n\nb"),
        ("tab\there é\0".encode(), "\ntabhere "),
    ],
)
def test_ascii_keeps_text_and_line_ends(buffer: bytes, expected: str) -> None:
    """CR is a newline; LF is one unless it comes first or right after CR; the rest is dropped."""
    assert expected == data_text(buffer, DataStyle.ASCII)


def test_hex_groups_two_bytes() -> None:
    """Sixteen bytes a row, an odd last byte alone, a newline before each row and after the last."""
    expected = "\n\t0x0000: 7468 6973 2069 7320 6120 7465 7374 2c20\n\t0x0010: 746f 6f\n"
    assert expected == data_text(b"this is a test, too", DataStyle.HEX)


def test_hex_ascii_keeps_its_column_after_an_odd_byte() -> None:
    """The ASCII of a short row stands where that of a full row stands (sysdig shifts it by two)."""
    rows = data_text(b"this is a test, too", DataStyle.HEX_ASCII).split("\n")
    assert "\t0x0000: 7468 6973 2069 7320 6120 7465 7374 2c20  this is a test, " == rows[1]
    assert "\t0x0010: 746f 6f                                  too" == rows[2]
    assert rows[1].index("this") == rows[2].index("too")


@given(st.binary(max_size=300))
def test_hex_can_be_read_back(buffer: bytes) -> None:
    """The digits of all rows are the buffer."""
    rows = data_text(buffer, DataStyle.HEX).split("\n")
    assert buffer == bytes.fromhex("".join(row.split(":")[1] for row in rows if row))


def test_hex_agrees_with_xxd() -> None:
    """An independent dumper shows the same digits and text for the same bytes."""
    buffer = bytes(range(0, 256, 3)) + b"odd"
    try:
        dump = subprocess.run(["xxd"], input=buffer, capture_output=True, check=True).stdout.decode()
    except FileNotFoundError:
        pytest.skip("xxd is not installed")
    theirs = [line.partition(": ")[2] for line in dump.splitlines()]
    ours = [row.partition(": ")[2] for row in data_text(buffer, DataStyle.HEX_ASCII).strip("\n").split("\n")]
    assert theirs == ours


def test_hex_offset_grows_past_four_digits() -> None:
    """Row 4096 of a large buffer is not wrapped."""
    assert "\n\t0x10000: 41\n" == data_text(bytes(65536) + b"A", DataStyle.HEX)[-14:]


def test_base64_is_one_line() -> None:
    """Line breaks are not put in."""
    buffer = bytes(range(256))
    assert base64.b64encode(buffer).decode() == data_text(buffer, DataStyle.BASE64)


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (DataStyle.DOTTED, "ab[12 bytes missing]cd[1 byte missing]"),
        (DataStyle.ASCII, "\nab[12 bytes missing]cd[1 byte missing]"),
        (DataStyle.BASE64, "YWI=[12 bytes missing]Y2Q=[1 byte missing]"),
        (DataStyle.HEX, "\n\t0x0000: 6162\n\t[12 bytes missing]\n\t0x000e: 6364\n\t[1 byte missing]\n"),
    ],
)
def test_missing_bytes_are_marked_where_they_are_missing(style: DataStyle, expected: str) -> None:
    """A gap is never closed silently, and offsets after it count it."""
    assert expected == data_text(b"abcd", style, (Gap(2, 12), Gap(4, 1)))


def test_a_buffer_of_which_nothing_was_captured_says_so() -> None:
    """Length without bytes is not shown as nothing."""
    assert "[551 bytes missing]" == data_text(b"", DataStyle.DOTTED, (Gap(0, 551),))


def test_a_gap_beyond_the_buffer_counts_as_at_its_end() -> None:
    """A wrong offset neither hides bytes nor fails."""
    assert "ab[3 bytes missing]" == data_text(b"ab", DataStyle.DOTTED, (Gap(99, 3),))


def test_line_feed_after_a_cr_across_a_gap_is_kept() -> None:
    """What is missing stood between them."""
    assert "\na\n[1 byte missing]\nb" == data_text(b"a\r\nb", DataStyle.ASCII, (Gap(2, 1),))


def test_clipping_ends_in_three_dots_at_eighty() -> None:
    """80 characters stay, 81 become 77 and three dots."""
    assert ("a" * 80, "a" * 77 + "...") == (clipped("a" * 80), clipped("a" * 81))


def test_names_lose_what_a_terminal_would_act_on() -> None:
    """Escapes, right-to-left marks and surrogates become dots; letters of any language stay."""
    assert "caf\u00e9 .[2J.." == printable("caf\u00e9 \x1b[2J\u202e\udcff")


def test_dotted_has_one_character_a_byte() -> None:
    """So columns of a hexadecimal dump line up."""
    assert 256 == len(dotted(bytes(range(256))))

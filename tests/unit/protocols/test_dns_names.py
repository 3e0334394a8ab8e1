"""Names in DNS messages."""

from __future__ import annotations

import pytest

from pcapdig.protocols.dns_names import POINTERS_LIMIT, BadMessageError, read_name


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x03ww",
        b"\x03www",
        b"\xc0",
        b"\xc0\x00",
        b"\xc0\x02\xc0\x00",
        b"\x01a\xc0\x00",
        b"\x40a\x00",
        b"\x80a\x00",
        (b"\x3f" + b"a" * 63) * 4 + b"\0",
    ],
)
def test_bad_names_are_refused(data: bytes) -> None:
    """Cut, a pointer to itself, two to each other, a reserved label type, over 255 bytes."""
    with pytest.raises(BadMessageError):
        read_name(data, 0)


def test_a_chain_of_pointers_is_refused() -> None:
    """Each goes backwards, but nobody writes so many."""
    chain = b"\0\0" + b"".join((0xC000 | 2 * i).to_bytes(2) for i in range(POINTERS_LIMIT + 5))
    with pytest.raises(BadMessageError):
        read_name(chain, len(chain) - 2)


def test_a_pointer_forwards_is_followed() -> None:
    """It hides the name from readers that are strict."""
    assert read_name(b"\xc0\x04ab\x01c\0", 0) == ("c", 2)


def test_the_root() -> None:
    """A dot."""
    assert read_name(b"\0", 0) == (".", 1)


def test_a_compressed_name() -> None:
    """The offset after it is that after the pointer."""
    data = b"\x07example\x04test\x00\x03www\xc0\x00\xff"
    assert read_name(data, 14) == ("www.example.test", 20)


def test_odd_bytes_are_escaped() -> None:
    """As zone files write them: RFC 1035 section 5.1."""
    assert read_name(b"\x06a.b\\ \xff\0", 0)[0] == "a\\.b\\\\\\032\\255"


def test_utf8_is_shown() -> None:
    """As multicast DNS has it (RFC 6762 section 16); other bytes, blanks and what cannot be printed are escaped."""
    assert read_name(b"\x06B\xc3\xbcr.1\0", 0)[0] == "B\u00fcr\\.1"
    assert read_name(b"\x02\xc3(\0", 0)[0] == "\\195("
    assert read_name(b"\x04\xc2\x85 b\0", 0)[0] == "\\194\\133\\032b"

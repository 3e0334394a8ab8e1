"""Forms, part by part."""

from __future__ import annotations

from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP

import pytest

from pcapdig.protocols.multipart import HEAD_LIMIT, Multipart, Part, boundary_of

BODY = (
    b'before\r\n--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--XX\r\nA: b\r\n\r\n\r\n--XX\r\n'
    b"A: c\r\n\r\n--XX  \r\n\r\nhey\r\n-\r\n--X\r\n--XX--\r\nafter"
)


def parts(*chunks: bytes) -> list[tuple[tuple[tuple[str, str], ...], bytes, bool]]:
    """(headers, content, complete) of each part."""
    form = Multipart("XX")
    pieces = [piece for chunk in chunks for piece in form.feed(chunk)] + list(form.end())
    found: dict[Part, bytes] = {}
    complete = {}
    for piece in pieces:
        found[piece.part] = found.get(piece.part, b"") + piece.data
        complete[piece.part] = piece.is_end and piece.is_complete
    return [(part.headers, content, complete[part]) for part, content in found.items()]


@pytest.mark.parametrize(
    "value", ["", "text/plain; boundary=x", "multipart/form-data", "multipart/mixed; boundary=" + '""']
)
def test_what_has_no_boundary(value: str) -> None:
    """It is no multipart, or says none."""
    assert boundary_of(value) is None


@pytest.mark.parametrize(("value", "boundary"), [("boundary=a-b;x=1", "a-b"), ('charset=x; BOUNDARY="a b"', "a b")])
def test_boundary(value: str, boundary: str) -> None:
    """Bare or quoted."""
    assert boundary_of(f"Multipart/Form-Data; {value}") == boundary


def test_a_head_without_end_is_no_part() -> None:
    """Nothing is held of it."""
    assert parts(b"--XX\r\n" + b"a" * HEAD_LIMIT * 2 + b"\r\n\r\nx\r\n--XX--") == []


def test_a_cut_part_is_not_complete() -> None:
    """What was there of it is given."""
    assert parts(b"--XX\r\nA: b\r\n\r\nsome\r\n--X") == [((("a", "b"),), b"some\r\n--X", False)]


def test_parts() -> None:
    """With what only looks like a delimiter, an empty one, and words before and after."""
    whole = parts(BODY)
    assert [content for _, content, _ in whole] == [b"1", b"", b"", b"hey\r\n-\r\n--X"]
    assert all(is_complete for _, _, is_complete in whole)


def test_each_byte_alone_is_the_same() -> None:
    """It may come in any pieces."""
    assert parts(*(bytes([byte]) for byte in BODY)) == parts(BODY)


def test_contents_are_the_standard_librarys() -> None:
    """email.parser reads the same."""
    data = b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\none\r\n--XX\r\nContent-Type: text/x\r\n\r\ntwo\r\n3\r\n--XX--\r\n'
    message = BytesParser(EmailMessage, policy=HTTP).parsebytes(
        b"Content-Type: multipart/form-data; boundary=XX\r\n\r\n" + data
    )
    theirs = [part.get_payload(decode=True) for part in message.walk() if not part.is_multipart()]
    assert [content for _, content, _ in parts(data)] == theirs

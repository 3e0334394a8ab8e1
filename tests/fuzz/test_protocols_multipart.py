"""Forms of any bytes, and names of any text."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pcapdig.protocols.file_types import disposition_name, safe_name, type_of, url_name
from pcapdig.protocols.multipart import Multipart, boundary_of

WORDS = [b"--X", b"\r\n", b"--", b"\r\n--X\r\n", b"\r\n--X--", b"A: b", b"a"]


def contents(chunks: list[bytes]) -> list[tuple[tuple[tuple[str, str], ...], bytes, bool]]:
    """(headers, content, complete) of each part."""
    form = Multipart("X")
    pieces = [piece for chunk in chunks for piece in form.feed(chunk)] + list(form.end())
    parts = list(dict.fromkeys(piece.part for piece in pieces))
    return [
        (
            part.headers,
            b"".join(piece.data for piece in pieces if piece.part is part),
            any(piece.is_complete for piece in pieces if piece.part is part),
        )
        for part in parts
    ]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=5)), max_size=30))
def test_any_pieces(chunks: list[bytes]) -> None:
    """A form gives the same parts whole and byte by byte, each ends once, and no byte comes from nowhere."""
    body = b"".join(chunks)
    whole = contents([body])
    assert contents([bytes([byte]) for byte in body]) == whole
    assert contents(chunks) == whole
    assert all(content in body for _, content, _ in whole)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=300))
def test_any_name(text: str) -> None:
    """A name that is made of it is one in the directory, and can be written."""
    boundary_of(f"multipart/form-data; boundary={text}")
    for name in (text, disposition_name(f"attachment; filename={text}"), disposition_name(text), url_name(text)):
        safe = safe_name(name or "")
        assert safe and not set(safe) & set("/\\\0\r\n") and safe[0] != "." and len(safe.encode()) <= 100


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([b"", b"MZ", b"RIFF", b"PK\3\4"]), st.binary(max_size=300))
def test_any_file(start: bytes, data: bytes) -> None:
    """A type or none."""
    assert type_of(start + data) is None or "/" in (type_of(start + data) or "")

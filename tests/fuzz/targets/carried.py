"""What HTTP carries: multipart bodies in pieces of any size, and the names that files are given."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable

from pcapdig.protocols.file_types import disposition_name, safe_name, type_of, url_name
from pcapdig.protocols.multipart import Multipart, boundary_of
from targets.target import Target

NAME_BYTES = 100

Parts = list[tuple[tuple[tuple[str, str], ...], bytes, bool]]
"""(headers, content, came to its end) of each."""


def parts_of(boundary: str, data: bytes, edges: Iterable[int]) -> Parts:
    """What is in a body that comes in pieces which end at `edges`."""
    reader, found = Multipart(boundary), dict[int, list[bytes]]()
    headers, whole, kept = {}, {}, []
    pieces = [list(reader.feed(data[start:stop])) for start, stop in itertools.pairwise([0, *edges, len(data)])]
    for piece in itertools.chain(*pieces, reader.end()):
        kept.append(piece.part)
        headers[id(piece.part)] = piece.part.headers
        found.setdefault(id(piece.part), []).append(piece.data)
        if piece.is_end:
            assert id(piece.part) not in whole
            whole[id(piece.part)] = piece.is_complete
    assert whole.keys() == found.keys()
    return [(headers[part], b"".join(found[part]), whole[part]) for part in found]


def run_parts(data: bytes) -> None:
    """The first line is a Content-Type, the rest a body: any cut gives the same parts, which are of its bytes."""
    first, _, body = data.partition(b"\n")
    boundary = boundary_of("multipart/form-data; boundary=" + first.decode("latin-1"))
    if boundary is None:
        return
    whole = parts_of(boundary, body, ())
    assert sum(len(content) for _, content, _ in whole) <= len(body)
    assert all(content in body for _, content, _ in whole)
    cuts = sorted(zlib.crc32(body) % (shift + 1) % (len(body) + 1) for shift in (7, 97, 1009, 65537))
    assert parts_of(boundary, body, cuts) == whole
    assert parts_of(boundary, body, range(1, len(body))) == whole


def run_names(data: bytes) -> None:
    """Whatever a header or URL says: a name that stays in its folder, and that a disk takes."""
    text = data.decode("utf-8", "replace")
    for name in (text, data.decode("latin-1"), disposition_name(text), url_name(text)):
        if name is None:
            continue
        safe = safe_name(name)
        assert 0 < len(safe.encode()) <= NAME_BYTES
        assert "/" not in safe and not safe.startswith(".") and safe.isprintable()
        assert safe_name(safe)
    assert type_of(data) is None or "/" in str(type_of(data))


def part_seeds() -> list[bytes]:
    """A form, a part without content, without an end, and delimiters that are none."""
    form = b'B\n--B\r\nContent-Disposition: form-data; name="a"; filename="x.txt"\r\n\r\nhello\r\n--B\r\n\r\n\r\n--B--\r\nafter'
    return [
        form,
        form[:70],
        form.replace(b"--B--", b"--Bx"),
        b'"a b"\nbefore\r\n--a b\r\n\r\n\r\n-\r\n--a b\r\n--a b--',
        b"B\n--B\r\n\r\n--B--",
    ]


NAMES = (
    *(
        b'attachment; filename="a\\"b.txt"',
        b"attachment; filename=x.tar.gz",
        b"inline; filename*=UTF-8''%e2%82%ac%20a",
        b"/a/b/../c%2f..%00.php?x#y",
    ),
    *(
        b"http://h/a.",
        b"....",
        b"\xe2\x82\xac" * 60 + b".pdf",
        b"filename*=iso-8859-1'en'%A3",
        b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0",
    ),
)

TARGETS = (
    Target(
        name="parts", run=run_parts, seeds=part_seeds, words=(b"\r\n--B", b"--\r\n", b"\r\n\r\n", b"B\n"), longest=300
    ),
    Target(
        name="names",
        run=run_names,
        seeds=lambda: NAMES,
        words=(b"filename=", b"filename*=", b"''", b"%2f", b"..", b"UTF-8"),
    ),
)

"""How any block and option of a pcapng file is laid out, in either byte order (draft-ietf-opsawg-pcapng, sections 3.1 and 3.5).

For whoever takes blocks apart and puts parts of them together anew. `order` is "<" or ">" throughout. Must not know what they say.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

BYTE_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
"""The byte-order magic of a section header as it lies in the file, and what it means."""


def read_options(body: bytes, at: int, order: str) -> list[tuple[int, bytes]]:
    """Every option from `at` on as code and value, in order. Reading ends at the end mark, or at what runs past the block."""
    found = []
    while at + 4 <= len(body):
        code, size = struct.unpack_from(f"{order}HH", body, at)
        at += 4
        if code == 0 or at + size > len(body):
            break
        found.append((code, body[at : at + size]))
        at += size + -size % 4
    return found


def option(code: int, value: bytes, order: str) -> bytes:
    """One option, or one record of a name resolution block: they are laid out alike."""
    return struct.pack(f"{order}HH", code, len(value)) + padded(value)


def block(kind: int, body: bytes, order: str, options: Iterable[tuple[int, bytes]] = ()) -> bytes:
    """A whole block. `body` is padded to a multiple of 4; options are closed by an end mark if there are any."""
    written = b"".join(option(code, value, order) for code, value in options)
    body = padded(body) + (written + bytes(4) if written else b"")
    size = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + size + body + size


def padded(value: bytes) -> bytes:
    """With zero bytes up to a multiple of 4."""
    return value + bytes(-len(value) % 4)

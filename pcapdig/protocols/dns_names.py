"""Domain names in DNS messages.

In: a message and an offset. Out: text as zone files write it. Source: RFC 1035 sections 3.1 and 4.1.4 (labels, compression), 5.1 (escapes).
dpkt.dns is not used: it raises on a label that is not UTF-8, gives up a whole message for one bad record, and follows a chain of 8,000
pointers for each of its records.
"""

from __future__ import annotations

from functools import lru_cache

POINTERS_LIMIT = 64
"""Pointers followed for one name. A name has at most 127 labels, and no writer needs a pointer for every second."""
_NAME_LIMIT = 255
"""RFC 1035 section 2.3.4."""


class BadMessageError(Exception):
    """The bytes are not a DNS message, from here on."""


def read_name(message: bytes, at: int) -> tuple[str, int]:
    """The name that begins at `at`, and the offset after it. The root is `.`; others have no final dot.

    Raises:
        BadMessageError: it is cut, too long, or its pointers do not go backwards.
    """
    labels: list[str] = []
    after, size, pointers, lowest = -1, 0, 0, at
    while True:
        if at >= len(message):
            raise BadMessageError("name is cut")
        length = message[at]
        if length >= 0xC0:
            if at + 1 >= len(message):
                raise BadMessageError("pointer is cut")
            target = (length & 0x3F) << 8 | message[at + 1]
            pointers += 1
            if target >= lowest or pointers > POINTERS_LIMIT:
                raise BadMessageError("pointer does not go backwards")
            after = at + 2 if after < 0 else after
            at = lowest = target
            continue
        if length > 63:
            raise BadMessageError(f"label type {length >> 6}")
        at += 1
        if not length:
            return ".".join(labels) or ".", at if after < 0 else after
        size += length + 1
        if size >= _NAME_LIMIT or at + length > len(message):
            raise BadMessageError("name is too long or cut")
        labels.append(_label_text(message[at : at + length]))
        at += length


@lru_cache(maxsize=4096)
def _label_text(label: bytes) -> str:
    """A label with dots and backslashes escaped, and what is not printable ASCII as `\\DDD`."""
    if label.isalnum():
        return label.decode("ascii")
    return "".join(
        f"\\{byte:03d}" if not 0x21 <= byte <= 0x7E else f"\\{chr(byte)}" if byte in b'.\\"' else chr(byte)
        for byte in label
    )

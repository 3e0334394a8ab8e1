"""Domain names in DNS messages.

In: a message and an offset. Out: text as zone files write it. Source: RFC 1035 sections 3.1 and 4.1.4 (labels, compression), 5.1 (escapes).
dpkt.dns is not used: it raises on a label that is not UTF-8, gives up a whole message for one bad record, and follows a chain of 8,000
pointers for each of its records.
"""

from __future__ import annotations

from functools import lru_cache

POINTERS_LIMIT = 64
"""Pointers followed for one name. A name has at most 127 labels, and no writer needs a pointer for every second. They may go forwards, which
RFC 1035 section 4.1.4 forbids: some readers follow them, so what they hide is shown."""
_NAME_LIMIT = 255
"""RFC 1035 section 2.3.4."""


class BadMessageError(Exception):
    """The bytes are not a DNS message, from here on."""


def read_name(message: bytes, at: int) -> tuple[str, int]:
    """The name that begins at `at`, and the offset after it. The root is `.`; others have no final dot.

    Raises:
        BadMessageError: it is cut or too long, or follows over POINTERS_LIMIT pointers, as one that goes in a circle does.
    """
    labels: list[str] = []
    after, size, pointers = -1, 0, 0
    while True:
        if at >= len(message):
            raise BadMessageError("name is cut")
        length = message[at]
        if length >= 0xC0:
            if at + 1 >= len(message):
                raise BadMessageError("pointer is cut")
            target = (length & 0x3F) << 8 | message[at + 1]
            pointers += 1
            if pointers > POINTERS_LIMIT:
                raise BadMessageError("too many pointers")
            after = at + 2 if after < 0 else after
            at = target
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
    """A label with dots and backslashes escaped, and bytes that are no printable UTF-8 as `\\DDD`.

    UTF-8 is what multicast DNS writes (RFC 6762 section 16).
    """
    if label.isalnum():
        return label.decode("ascii")
    if not label.isascii() and (text := _printable(label)) is not None:
        return "".join(f"\\{character}" if character in '.\\"' else character for character in text)
    return "".join(
        f"\\{byte:03d}" if not 0x21 <= byte <= 0x7E else f"\\{chr(byte)}" if byte in b'.\\"' else chr(byte)
        for byte in label
    )


def _printable(label: bytes) -> str | None:
    """UTF-8 that has no blank or control character; None: it is none."""
    try:
        text = label.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() and " " not in text else None

"""EDNS options: what two resolvers tell each other beside the question.

In: the data of an OPT record. Out: text. Source: RFC 6891 section 6.1.2; 5001 (NSID), 7828 (TCP keepalive), 7830 (padding), 7871 (client
subnet), 7873 (cookie), 8914 (extended errors), 7314 (expire).
"""

from __future__ import annotations

import ipaddress
import struct

from pcapdig.protocols.dns_names import BadMessageError
from pcapdig.protocols.dns_types import quoted

_NAMES = {
    3: "NSID", 5: "DAU", 6: "DHU", 7: "N3U", 8: "ECS", 9: "EXPIRE", 10: "COOKIE", 11: "KEEPALIVE", 12: "PADDING", 13: "CHAIN", 14: "KEY-TAG",
    15: "EDE", 18: "REPORT-CHANNEL",
}  # fmt: skip
_OPTIONS_LIMIT = 64
"""Options shown of one record."""


def options_text(data: bytes) -> str:
    """`ECS=192.0.2.0/24/0 COOKIE=0102030405060708 OPT65001=00`; bytes in hexadecimal where an option is not read.

    Raises:
        BadMessageError: one is cut.
    """
    words, at = list[str](), 0
    while at < len(data) and len(words) < _OPTIONS_LIMIT:
        if at + 4 > len(data):
            raise BadMessageError("option is cut")
        code, size = struct.unpack_from(">HH", data, at)
        at += 4 + size
        if at > len(data):
            raise BadMessageError("option is cut")
        words.append(_option(code, data[at - size : at]))
    return " ".join(words)


def _option(code: int, value: bytes) -> str:
    name = _NAMES.get(code, f"OPT{code}")
    try:
        text = _value(code, value)
    except (ValueError, struct.error, IndexError):
        text = value[:64].hex()
    return f"{name}={text}" if text else name


def _value(code: int, value: bytes) -> str:
    """Raises ValueError, struct.error or IndexError: it is not as its code has it."""
    if code == 8:
        family, source, scope = struct.unpack_from(">HBB", value)
        size = {1: 4, 2: 16}[family] if family in (1, 2) else -1
        if not 0 <= len(value) - 4 <= size:
            raise ValueError
        return f"{ipaddress.ip_address(value[4:].ljust(size, bytes(1)))}/{source}/{scope}"
    if code == 9 and value:
        return str(*struct.unpack(">I", value))
    if code == 11 and value:
        return f"{int(*struct.unpack('>H', value)) / 10:.1f}s"
    if code == 12:
        return f"{len(value)}B"
    if code == 14:
        return ",".join(str(tag) for (tag,) in struct.iter_unpack(">H", value))
    if code == 15:
        (number,) = struct.unpack_from(">H", value)
        return f"{number} {quoted(value[2:])}" if value[2:] else str(number)
    return value[:64].hex()

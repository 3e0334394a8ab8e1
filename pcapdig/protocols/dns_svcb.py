"""SVCB and HTTPS records: where a service is, and how it is spoken to.

In: a message, and a record's data. Out: text as zone files write it. Source: RFC 9460 (sections 2.1 and 2.2: presentation
and wire format, 7: keys, appendix A: lists), RFC 9461 (dohpath), RFC 9540 (ohttp), RFC 9848 (ech).
"""

from __future__ import annotations

import base64
import ipaddress
import struct

from pcapdig.protocols.dns_names import BadMessageError, read_name
from pcapdig.protocols.dns_types import escaped, quoted, strings

_KEYS = {
    0: "mandatory", 1: "alpn", 2: "no-default-alpn", 3: "port", 4: "ipv4hint", 5: "ech", 6: "ipv6hint", 7: "dohpath", 8: "ohttp",
    9: "tls-supported-groups",
}  # fmt: skip


def service_text(message: bytes, at: int, data: bytes) -> str:
    """Priority, target, parameters: `1 . alpn="h2,h3" port=8443`. A parameter whose value does not fit its key is shown as bytes: `key3="\\001"`.

    Raises:
        BadMessageError: the target or a parameter is cut.
        struct.error: there is no priority.
    """
    (priority,) = struct.unpack_from(">H", data)
    target, after = read_name(message, at + 2)
    words, place, end = [str(priority), target], after, at + len(data)
    if after > end:
        raise BadMessageError("target is cut")
    while place < end:
        if place + 4 > end:
            raise BadMessageError("parameter is cut")
        key, size = struct.unpack_from(">HH", message, place)
        place += 4 + size
        if place > end:
            raise BadMessageError("parameter is cut")
        words.append(_parameter(key, message[place - size : place]))
    return " ".join(words)


def key_name(key: int) -> str:
    """A key as text; `key65535` where it has no name."""
    return _KEYS.get(key, f"key{key}")


def _parameter(key: int, value: bytes) -> str:
    """`key=value`, or the key alone."""
    try:
        text = _value(key, value)
    except (BadMessageError, ValueError, struct.error):
        return f"key{key}={quoted(value)}"
    return key_name(key) if text is None else f"{key_name(key)}={text}"


def _value(key: int, value: bytes) -> str | None:
    """A value as text; None: the key has none.

    Raises:
        BadMessageError, ValueError, struct.error: it is not as its key has it.
    """
    if key == 0:
        return ",".join(key_name(number) for (number,) in struct.iter_unpack(">H", _some(value)))
    if key == 1:
        return f'"{",".join(_listed(one) for one in strings(_some(value)))}"'
    if key in (2, 8):
        if value:
            raise BadMessageError("a key without a value has one")
        return None
    if key == 3:
        return str(*struct.unpack(">H", value))
    if key == 4:
        return ",".join(str(ipaddress.IPv4Address(one)) for (one,) in struct.iter_unpack("4s", _some(value)))
    if key == 5:
        return base64.b64encode(_some(value)).decode("ascii")
    if key == 6:
        return ",".join(str(ipaddress.IPv6Address(one)) for (one,) in struct.iter_unpack("16s", _some(value)))
    if key == 9:
        return ",".join(str(number) for (number,) in struct.iter_unpack(">H", _some(value)))
    return quoted(value) if value else None


def _some(value: bytes) -> bytes:
    """A value that may not be empty."""
    if not value:
        raise BadMessageError("value is empty")
    return value


def _listed(value: bytes) -> str:
    """A member of a list in quotes: a comma or backslash in it is escaped twice, once for the list and once for the string (appendix A.1)."""
    return escaped(value.replace(b"\\", b"\\\\").replace(b",", b"\\,"))

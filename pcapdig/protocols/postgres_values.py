"""PostgreSQL's parameters: texts, and the binary form of the types that come with the server.

In: the bytes of one value, its format and type. Out: a value. What cannot be read exactly is hex digits, as bytea shows them. Source:
PostgreSQL 15 documentation, chapter 8 (types) and section 55.2.3 (formats); type numbers: src/include/catalog/pg_type.dat; binary forms: the
send functions in src/backend/utils/adt (numeric.c, timestamp.c, date.c, network.c, arrayfuncs.c, uuid.c, jsonb.c).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from datetime import date, datetime, timedelta
from ipaddress import ip_address
from uuid import UUID

from pcapdig.protocols.sql import VALUE_KEPT, Value

_TEXTS = {18, 19, 25, 114, 142, 705, 1042, 1043, 2278}
"""char, name, text, json, xml, unknown, bpchar, varchar: their bytes are their text."""
_INTEGERS = {20: ">q", 21: ">h", 23: ">i", 26: ">I", 28: ">I", 29: ">I"}
"""int8, int2, int4, oid, xid, cid."""
_FLOATS = {700: ">f", 701: ">d"}
_ARRAYS = {
    1000: 16, 1001: 17, 1002: 18, 1003: 19, 1005: 21, 1007: 23, 1009: 25, 1014: 1042, 1015: 1043, 1016: 20, 1021: 700, 1022: 701,
    1028: 26, 1041: 869, 1115: 1114, 1182: 1082, 1183: 1083, 1185: 1184, 1231: 1700, 199: 114, 2951: 2950, 3807: 3802,
}  # fmt: skip
"""Types of arrays, with those of their elements."""
_EPOCH = datetime(2000, 1, 1)
_PARTS_LIMIT = 256
"""Elements of an array that are read; VALUE_KEPT bytes hold about as many."""
_WHOLE = re.compile(rb"-?[0-9]{1,20}")


def text_value(data: bytes, kind: int) -> Value:
    """A value sent as text: a number where its type is an integer."""
    if kind in _INTEGERS and _WHOLE.fullmatch(data):
        return int(data)
    return data[:VALUE_KEPT].decode("utf-8", "replace")


def binary_value(data: bytes, kind: int) -> Value:
    """A value sent in binary form. `kind`: its type's number; 0: not known."""
    if kind in _TEXTS:
        return data[:VALUE_KEPT].decode("utf-8", "replace")
    try:
        if kind in _INTEGERS:
            number: int = struct.unpack(_INTEGERS[kind], data)[0]
            return number
        if kind in _FLOATS:
            real: float = struct.unpack(_FLOATS[kind], data)[0]
            return real
        if kind in _ARRAYS:
            return _array(data, _ARRAYS[kind])
        if kind in _READERS:
            return _READERS[kind](data)
    except (struct.error, ValueError, OverflowError, IndexError):
        pass  # longer or shorter than its type, or a date that Python has not
    return _hex(data)


def _hex(data: bytes) -> str:
    r"""As bytea is shown: \x0102."""
    return "\\x" + data[: VALUE_KEPT // 2].hex()


def _bool(data: bytes) -> str:
    return {b"\0": "f", b"\1": "t"}[data] if data in (b"\0", b"\1") else _hex(data)


def _jsonb(data: bytes) -> str:
    """A version, 1, before the text."""
    return data[1 : 1 + VALUE_KEPT].decode("utf-8", "replace") if data[:1] == b"\1" else _hex(data)


def _date(data: bytes) -> str:
    (days,) = struct.unpack(">i", data)
    if days in (0x7FFFFFFF, -0x80000000):
        return "infinity" if days > 0 else "-infinity"
    return (date(2000, 1, 1) + timedelta(days=days)).isoformat()


def _clock(microseconds: int) -> str:
    """HH:MM:SS[.ffffff]."""
    seconds, fraction = divmod(microseconds, 1_000_000)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{fraction:06d}".rstrip("0") if fraction else text


def _time(data: bytes) -> str:
    return _clock(struct.unpack(">q", data)[0])


def _zone(seconds_west: int) -> str:
    """An offset, +02 or -03:30; the wire counts west of Greenwich."""
    sign, minutes = ("-" if seconds_west > 0 else "+"), abs(seconds_west) // 60
    return f"{sign}{minutes // 60:02d}" + (f":{minutes % 60:02d}" if minutes % 60 else "")


def _time_zoned(data: bytes) -> str:
    microseconds, west = struct.unpack(">qi", data)
    return _clock(microseconds) + _zone(west)


def _timestamp(data: bytes) -> str:
    (microseconds,) = struct.unpack(">q", data)
    if microseconds in ((1 << 63) - 1, -1 << 63):
        return "infinity" if microseconds > 0 else "-infinity"
    moment = _EPOCH + timedelta(microseconds=microseconds)
    text = moment.strftime("%H:%M:%S.%f").rstrip("0").rstrip(".") if moment.microsecond else moment.strftime("%H:%M:%S")
    return f"{moment.date().isoformat()} {text}"


def _timestamp_zoned(data: bytes) -> str:
    """In UTC, as it is sent."""
    text = _timestamp(data)
    return text if text.endswith("infinity") else f"{text}+00"


def _interval(data: bytes) -> str:
    microseconds, days, months = struct.unpack(">qii", data)
    parts = [f"{months} mons"] if months else []
    parts += [f"{days} days"] if days else []
    if microseconds or not parts:
        parts.append(("-" if microseconds < 0 else "") + _clock(abs(microseconds)))
    return " ".join(parts)


def _numeric(data: bytes) -> str:
    """Digits of base 10000, the first of which has the weight 10000**weight; `scale` decimals are shown."""
    count, weight, sign, scale = struct.unpack_from(">HhHH", data)
    if sign in (0xC000, 0xD000, 0xF000):
        return {0xC000: "NaN", 0xD000: "Infinity", 0xF000: "-Infinity"}[sign]
    if sign not in (0, 0x4000) or len(data) != 8 + 2 * count or count > VALUE_KEPT or abs(weight) > VALUE_KEPT:
        return _hex(data)
    digits = struct.unpack_from(f">{count}H", data, 8)
    if any(digit > 9999 for digit in digits) or scale > 0x3FFF:
        return _hex(data)
    whole = "".join(f"{digits[i] if i < count else 0:04d}" for i in range(weight + 1)).lstrip("0") or "0"
    first = weight + 1
    groups = range(first, first + (scale + 3) // 4)
    fraction = "".join(f"{digits[i] if 0 <= i < count else 0:04d}" for i in groups)[:scale]
    return ("-" if sign else "") + whole + (f".{fraction}" if fraction else "")


def _uuid(data: bytes) -> str:
    return str(UUID(bytes=data))


def _network(data: bytes) -> str:
    """inet and cidr: family (2: IPv4, 3: IPv6), bits, is cidr, size, address."""
    family, bits, is_cidr, size = data[:4]
    address = data[4:]
    if (family, size) not in ((2, 4), (3, 16)) or len(address) != size:
        return _hex(data)
    return str(ip_address(address)) + (f"/{bits}" if is_cidr or bits != size * 8 else "")


def _array(data: bytes, kind: int) -> str:
    """Dimensions, whether there are NULLs, type; each dimension's size and lower bound; each element's size and bytes."""
    dimensions, _, sent_kind = struct.unpack_from(">iiI", data)
    if dimensions == 0:
        return "{}"
    if dimensions != 1:
        return _hex(data)
    (count,) = struct.unpack_from(">i", data, 12)
    if not 0 <= count <= _PARTS_LIMIT:
        return _hex(data)
    parts, at = [], 20
    for _ in range(count):
        (size,) = struct.unpack_from(">i", data, at)
        at += 4
        if size < 0:
            parts.append("NULL")
            continue
        if at + size > len(data):
            return _hex(data)
        parts.append(_element(binary_value(data[at : at + size], sent_kind or kind)))
        at += size
    return "{" + ",".join(parts) + "}"


def _element(value: Value) -> str:
    """Quoted where the text form of arrays needs it: section 8.15.6."""
    text = repr(value) if isinstance(value, float) else str(value)
    if text and text.upper() != "NULL" and not re.search(r'[\s{},"\\]', text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_READERS: dict[int, Callable[[bytes], str]] = {
    16: _bool, 17: _hex, 650: _network, 869: _network, 1082: _date, 1083: _time, 1114: _timestamp, 1184: _timestamp_zoned,
    1186: _interval, 1266: _time_zoned, 1700: _numeric, 2950: _uuid, 3802: _jsonb,
}  # fmt: skip

"""The bytes inside MySQL packets: integers, strings, parameters of prepared statements.

In: the payload of one packet. Out: values. Source: MySQL Source Code Documentation, "Client/Server Protocol" (Basic Data Types, Binary
Protocol Resultset, COM_STMT_EXECUTE), and the MariaDB knowledge base, "Client/Server Protocol".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from pcapdig.protocols.sql import VALUE_KEPT, Value

_NUMBERS = {1: "bB", 2: "hH", 3: "iI", 8: "qQ", 9: "iI", 13: "hH"}
"""struct codes, signed and unsigned, by type of the binary protocol: TINY, SHORT, LONG, LONGLONG, INT24, YEAR."""
_FLOATS = {4: "<f", 5: "<d"}
_DATES = {7, 10, 12}
_TIME, _NULL = 11, 6


class CutPacketError(Exception):
    """The packet ends before the value does."""


@dataclass(slots=True)
class Bytes:
    """Reads values from a payload one after the other. Each method raises CutPacketError at its end."""

    data: bytes
    at: int = 0

    def take(self, count: int) -> bytes:
        """The next bytes."""
        if count < 0 or self.at + count > len(self.data):
            raise CutPacketError
        self.at += count
        return self.data[self.at - count : self.at]

    def integer(self, size: int) -> int:
        """Fixed width, unsigned, little-endian."""
        return int.from_bytes(self.take(size), "little")

    def length(self) -> int:
        """Length-encoded integer."""
        first = self.integer(1)
        if first < 0xFB:
            return first
        if first in (0xFB, 0xFF):  # NULL and an error, no numbers
            raise CutPacketError
        return self.integer({0xFC: 2, 0xFD: 3, 0xFE: 8}[first])

    def string(self) -> str:
        """Length-encoded string; of a long one the beginning, also where the packet was cut within it."""
        size = self.length()
        text = self.data[self.at : self.at + min(size, VALUE_KEPT)].decode("utf-8", "replace")
        self.take(min(size, len(self.data) - self.at))
        return text

    def until_zero(self) -> str:
        """NUL-terminated string."""
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise CutPacketError
        text = self.data[self.at : end].decode("utf-8", "replace")
        self.at = end + 1
        return text

    def rest(self) -> bytes:
        """What is left."""
        return self.take(len(self.data) - self.at)


def read_value(data: Bytes, kind: int) -> Value:
    """One parameter of the binary protocol. `kind`: its type, with 0x8000 for unsigned."""
    code, is_unsigned = kind & 0xFF, bool(kind & 0x8000)
    if code in _NUMBERS:
        form = "<" + _NUMBERS[code][is_unsigned]
        number: int = struct.unpack(form, data.take(struct.calcsize(form)))[0]
        return number
    if code in _FLOATS:
        value: float = struct.unpack(_FLOATS[code], data.take(struct.calcsize(_FLOATS[code])))[0]
        return value
    if code in _DATES:
        return _date(data.take(data.integer(1)))
    if code == _TIME:
        return _time(data.take(data.integer(1)))
    return None if code == _NULL else data.string()


def _date(data: bytes) -> str:
    """DATE, DATETIME, TIMESTAMP: 0, 4, 7 or 11 bytes."""
    if len(data) < 4:
        return "0000-00-00"
    text = f"{data[0] | data[1] << 8:04d}-{data[2]:02d}-{data[3]:02d}"
    if len(data) >= 7:
        text += f" {data[4]:02d}:{data[5]:02d}:{data[6]:02d}"
    return text + (f".{int.from_bytes(data[7:11], 'little'):06d}" if len(data) >= 11 else "")


def _time(data: bytes) -> str:
    """TIME: 0, 8 or 12 bytes; hours may exceed a day."""
    if len(data) < 8:
        return "00:00:00"
    hours = int.from_bytes(data[1:5], "little") * 24 + data[5]
    text = f"{'-' if data[0] else ''}{hours:02d}:{data[6]:02d}:{data[7]:02d}"
    return text + (f".{int.from_bytes(data[8:12], 'little'):06d}" if len(data) >= 12 else "")

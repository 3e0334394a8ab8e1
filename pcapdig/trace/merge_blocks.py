"""Blocks without packets on their way from one of several captures into the merged one.

Each is read whole, refused where the scanner would refuse it, and made anew in this machine's byte order. Dropped are section
headers, since there will be one section; custom blocks that ask not to be copied; and unknown blocks in the other byte order, whose
numbers nobody here can find. Layouts: draft-ietf-opsawg-pcapng, section 4; Apple's block: pcapdig/pcapng/blocks.py.
"""

from __future__ import annotations

import struct
import sys
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from pcapdig.pcapng import blocks
from pcapdig.trace.blocks import DamageError, check_section, read_interface, read_names, read_statistics

if TYPE_CHECKING:
    from pcapdig.trace.blocks import PcapHeader
    from pcapdig.trace.columns import Interface

_NATIVE = "<" if sys.byteorder == "little" else ">"
_TOO_SHORT = "a block shorter than its kind can be"

_INTERFACE_NUMBERS = {8: "Q", 14: "q", 16: "Q", 17: "Q"}
"""Options of an interface that hold numbers: if_speed, if_tsoffset, if_txspeed, if_rxspeed. Addresses are in network order."""
_STATISTICS_NUMBERS = {2: "II", 3: "II", 4: "Q", 5: "Q", 6: "Q", 7: "Q", 8: "Q"}
_CUSTOM_NUMBERS = {2988: "I", 2989: "I"}
"""Custom options that may be copied: their value begins with an enterprise number. Those that may not are 19372 and 19373."""
_NOT_COPIED = (19372, 19373)
_TIME_OPTIONS = (blocks.InterfaceOption.TIME_RESOLUTION, blocks.InterfaceOption.TIME_OFFSET)


class Kind(Enum):
    """What a block means to a merge."""

    INTERFACE = auto()
    STATISTICS = auto()
    PROCESS = auto()
    """Apple's: packets refer to it by its number."""
    OTHER = auto()


class Described(NamedTuple):
    """A block that holds no packet."""

    kind: Kind
    block: bytes | None
    """The whole block as it goes out; None where it does not."""
    number: int = 0
    """STATISTICS: of which interface of its section."""
    interface: Interface | None = None
    """INTERFACE."""
    resolution: int = 0
    """INTERFACE: if_tsresol."""
    offset_s: int = 0
    """INTERFACE: if_tsoffset."""
    timeless: bytes | None = None
    """INTERFACE: the same without if_tsoffset, for packets that have no time: theirs would become the offset. None where it has none."""


def described(kind: int, body: bytes, order: str) -> Described:
    """Read a block.

    Args:
        kind: its type.
        body: the block without its framing.
        order: "<" or ">".

    Raises:
        DamageError: it cannot be one of its kind.
    """
    if kind == blocks.SECTION_HEADER:
        _check_size(body, 16)
        check_section(body, order)
        return Described(Kind.OTHER, None)
    if kind == blocks.INTERFACE_DESCRIPTION:
        return _interface(body, order)
    if kind == blocks.INTERFACE_STATISTICS:
        _check_size(body, 12)
        head = struct.unpack_from(f"{order}III", body)
        rest = _options(body, 12, order, _STATISTICS_NUMBERS)
        return Described(
            Kind.STATISTICS, _block(kind, struct.pack("=III", *head) + rest), read_statistics(body, order).interface
        )
    if kind == blocks.APPLE_PROCESS:
        _check_size(body, 4)
        (pid,) = struct.unpack_from(f"{order}I", body)
        return Described(Kind.PROCESS, _block(kind, struct.pack("=I", pid) + _options(body, 4, order, {})))
    if kind == blocks.NAME_RESOLUTION:
        read_names(body, order)
    if kind == blocks.CUSTOM_NOT_COPIED:
        return Described(Kind.OTHER, None)
    if order == _NATIVE:
        return Described(Kind.OTHER, _block(kind, body))
    return Described(Kind.OTHER, _swapped(kind, body, order))


def of_pcap(header: PcapHeader) -> bytes:
    """The interface of a classic pcap."""
    options = _option(blocks.InterfaceOption.TIME_RESOLUTION, bytes([header.resolution]))
    head = struct.pack("=HHI", header.interface.link_type, 0, header.interface.snap_length)
    return _block(blocks.INTERFACE_DESCRIPTION, head + options + bytes(4))


def renumbered(block: bytes, number: int) -> bytes:
    """A block that begins with the number of an interface, with another one."""
    return block[:8] + struct.pack("=I", number) + block[12:]


def _interface(body: bytes, order: str) -> Described:
    _check_size(body, 8)
    found = read_interface(body, order)
    head = struct.pack("=HHI", *struct.unpack_from(f"{order}HHI", body))
    timeless = None
    if found.offset_s != 0:
        timeless = _block(
            blocks.INTERFACE_DESCRIPTION, head + _options(body, 8, order, _INTERFACE_NUMBERS, without=_TIME_OPTIONS)
        )
    return Described(
        Kind.INTERFACE,
        _block(blocks.INTERFACE_DESCRIPTION, head + _options(body, 8, order, _INTERFACE_NUMBERS)),
        interface=found.interface,
        resolution=found.resolution,
        offset_s=found.offset_s,
        timeless=timeless,
    )


def _swapped(kind: int, body: bytes, order: str) -> bytes | None:
    """A block of the other byte order, None if its numbers are not known."""
    if kind == blocks.NAME_RESOLUTION:
        return _block(kind, _names(body, order))
    if kind == blocks.DECRYPTION_SECRETS:
        _check_size(body, 8)
        secrets, size = struct.unpack_from(f"{order}II", body)
        end = 8 + size + -size % 4
        if end > len(body):
            raise DamageError("secrets run past their block")
        return _block(kind, struct.pack("=II", secrets, size) + body[8:end] + _options(body, end, order, {}))
    if kind == blocks.CUSTOM:
        _check_size(body, 4)
        return _block(kind, struct.pack("=I", *struct.unpack_from(f"{order}I", body)) + body[4:])
    return None


def _names(body: bytes, order: str) -> bytes:
    """Records of a name resolution block, each a type, a size and a value, ended by zeros; then options."""
    parts: list[bytes] = []
    at = 0
    while at + 4 <= len(body):
        record, size = struct.unpack_from(f"{order}HH", body, at)
        at += 4
        if record == 0:
            return b"".join(parts) + bytes(4) + _options(body, at, order, {})
        if size > len(body) - at:
            raise DamageError("a name runs past its block")
        parts.append(_option(record, body[at : at + size]))
        at += size + -size % 4
    return b"".join(parts)


def _options(body: bytes, at: int, order: str, numbers: dict[int, str], *, without: tuple[int, ...] = ()) -> bytes:
    """Options from `at` on, in this machine's order. `numbers`: which of them hold numbers, and how they lie in the value."""
    parts = []
    while at + 4 <= len(body):
        code, size = struct.unpack_from(f"{order}HH", body, at)
        if code == 0:
            break
        at += 4
        if at + size > len(body):
            raise DamageError("an option runs past its block")
        value = body[at : at + size]
        layout = numbers.get(code) or _CUSTOM_NUMBERS.get(code)
        if layout is not None and size >= struct.calcsize(f"={layout}"):
            fields = struct.unpack_from(order + layout, value)
            value = struct.pack(f"={layout}", *fields) + value[struct.calcsize(f"={layout}") :]
        if code not in without and code not in _NOT_COPIED:
            parts.append(_option(code, value))
        at += size + -size % 4
    return b"".join(parts) + bytes(4) if parts else b""


def _check_size(body: bytes, least: int) -> None:
    if len(body) < least:
        raise DamageError(_TOO_SHORT)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("=HH", code, len(value)) + value + bytes(-len(value) % 4)


def _block(kind: int, body: bytes) -> bytes:
    return struct.pack("=II", kind, len(body) + 12) + body + struct.pack("=I", len(body) + 12)

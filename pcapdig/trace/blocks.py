"""pcapng blocks that are not packets, and the headers of both file formats, read from their bytes.

The native scanner walks the blocks and calls in here for the few that describe instead of carry. Layouts:
draft-ietf-opsawg-pcapng, sections 4.1 (section header), 4.2 (interface description), 4.6 (interface statistics);
draft-ietf-opsawg-pcap, section 4 (file header).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from pcapdig.pcapng.blocks import InterfaceOption, StatisticsOption
from pcapdig.pcapng.source import MODIFIED_PCAP
from pcapdig.pcapng.text import decode
from pcapdig.trace.columns import Interface

MODIFIED_RECORD = 24
"""Bytes of a record of the modified pcap, Alexey Kuznetzov's for Linux 2.0: to the four words of a record it adds the interface's
number (u32), the Ethernet type (u16), the packet's type as in a cooked capture (u8) and a byte of padding (libpcap, sf-pcap.c)."""

UNALIGNED = "blocks of a length that is no multiple of 4, as old ntar wrote them, are read as padded"
"""What is said of a file that has such blocks: nothing of them is lost."""

IN_ORDER, SWAPPED, EITHER = 0, 1, 2
"""The length in the file and the length on the wire: in this order since pcap 2.4, the other way round before 2.3; of 2.3 there are
both (libpcap, sf-pcap.c), and the shorter one is what was captured."""

DEFAULT_RESOLUTION = 6
"""if_tsresol where the option is absent: microseconds."""

LINK_TYPES = frozenset(
    {
        0,
        1,
        9,
        10,
        12,
        14,
        50,
        51,
        100,
        101,
        104,
        105,
        107,
        108,
        113,
        127,
        149,
        192,
        228,
        229,
        239,
        258,
        274,
        276,
        281,
        282,
        284,
        285,
    }
)
"""LINKTYPE numbers (tcpdump.org's list) whose packets `packets/` reads. Packets of others have no flow."""


class DamageError(ValueError):
    """A block or header cannot be what it claims; the text says why. The scanner adds where."""


class InterfaceDescription(NamedTuple):
    """An interface, and how its time stamps and packets are to be read."""

    interface: Interface
    resolution: int
    """if_tsresol: 10^-n s, or 2^-n s with the high bit set."""
    offset_s: int
    """if_tsoffset: seconds to add to each time stamp."""


class Statistics(NamedTuple):
    """The counts of one interface statistics block."""

    interface: int
    """Number of the interface in its section."""
    received: int | None
    """isb_ifrecv."""
    dropped: int | None
    """isb_ifdrop, else isb_osdrop."""


class Name(NamedTuple):
    """A name of an address."""

    address: bytes
    """16 bytes, IPv4-mapped."""
    text: str
    """Without control characters."""


class PcapHeader(NamedTuple):
    """The file header of a classic pcap."""

    interface: Interface
    resolution: int
    """6 or 9, as if_tsresol."""
    record_size: int
    """Bytes of a record before its packet."""
    lengths: int
    """Which way round a record has its two lengths: IN_ORDER, SWAPPED or EITHER."""
    remark: str = ""
    """What is to be said of a header that is not as it should be; empty: nothing."""


def check_section(body: bytes, order: str) -> None:
    """Refuse a section that is not pcapng 1.0 (minor 2 is in use and reads the same; other versions no reader knows).

    Args:
        body: the block without its framing: from the byte-order magic on, at least 16 bytes.
        order: "<" or ">".
    """
    major, minor = struct.unpack_from(f"{order}HH", body, 4)
    if major != 1 or minor not in (0, 2):
        raise DamageError(f"pcapng version {major}.{minor} is not known")


def read_interface(body: bytes, order: str) -> InterfaceDescription:
    """Read the body of an interface description block, at least 8 bytes.

    Raises:
        DamageError: an option runs past the block.
    """
    link_type, _, snap_length = struct.unpack_from(f"{order}HHI", body)
    options = read_options(body, 8, order)
    name = options.get(InterfaceOption.NAME)
    resolution = options.get(InterfaceOption.TIME_RESOLUTION, b"")
    offset = options.get(InterfaceOption.TIME_OFFSET, b"")
    return InterfaceDescription(
        interface=Interface(
            name=None if name is None else name.split(b"\0")[0].decode("utf-8", "replace"),
            link_type=link_type,
            snap_length=snap_length,
            fcs_size=_fcs_size(options.get(InterfaceOption.FCS_LENGTH, b"")),
        ),
        resolution=resolution[0] if resolution else DEFAULT_RESOLUTION,
        offset_s=struct.unpack(f"{order}q", offset)[0] if len(offset) == 8 else 0,
    )


def read_names(body: bytes, order: str) -> list[Name]:
    """The names of IPv4 and IPv6 addresses in the body of a name resolution block (draft section 4.5), in its order.

    Of an address with several names the first. Records of other kinds and of wrong lengths are passed over.

    Raises:
        DamageError: a record runs past the block.
    """
    names = []
    at = 0
    while at + 4 <= len(body):
        kind, size = struct.unpack_from(f"{order}HH", body, at)
        if kind == _END_OF_NAMES:
            break
        at += 4
        if size > len(body) - at:
            raise DamageError("a name runs past its block")
        address_size, prefix = _ADDRESSES.get(kind, (size, b""))
        name = decode(body[at + address_size : at + size])
        if name:
            names.append(Name(prefix + body[at : at + address_size], name))
        at += -(-size // 4) * 4
    return names


def read_statistics(body: bytes, order: str) -> Statistics:
    """Read the body of an interface statistics block, at least 12 bytes.

    Raises:
        DamageError: an option runs past the block.
    """
    options = read_options(body, 12, order)

    def count(code: int) -> int | None:
        value = options.get(code, b"")
        return int(struct.unpack(f"{order}Q", value)[0]) if len(value) == 8 else None

    dropped = count(StatisticsOption.DROPPED)
    return Statistics(
        interface=struct.unpack_from(f"{order}I", body)[0],
        received=count(StatisticsOption.RECEIVED),
        dropped=count(StatisticsOption.OS_DROPPED) if dropped is None else dropped,
    )


def read_pcap_header(header: bytes) -> PcapHeader:
    """Read the 24 bytes that begin a classic pcap file. The link type word holds the type (bits 0-15), "FCS length is given"
    (bit 26) and that length in units of two bytes (bits 28-31).

    Raises:
        DamageError: no magic number of a pcap file, or a version before 2.0.
    """
    order, resolution = PCAP_MAGICS.get(header[:4], ("", 0))
    if not order:
        raise DamageError("neither pcapng nor pcap")
    major, minor, _, _, snap_length, link_word = struct.unpack(f"{order}HHiIII", header[4:24])
    remark = ""
    if (major, minor) in _SWAPPED_VERSIONS:
        major, minor = 2, minor >> 8
        remark = f"its version is written in the other byte order: read as {major}.{minor}"
    elif major < 2:
        raise DamageError(f"pcap version {major}.{minor} is not known")
    elif major > 2 or minor > 4:
        remark = f"pcap version {major}.{minor} is not known: read as 2.4"
    return PcapHeader(
        interface=Interface(
            link_type=link_word & 0xFFFF,
            snap_length=snap_length,
            in_pcap=True,
            fcs_size=(link_word >> 28) * 2 if link_word & 1 << 26 else 0,
        ),
        resolution=resolution,
        record_size=MODIFIED_RECORD if header[:4] in MODIFIED_PCAP else 16,
        lengths=_lengths_of(major, minor),
        remark=remark,
    )


def _lengths_of(major: int, minor: int) -> int:
    """Which way round the lengths are. Version 543 is a writer's own, which libpcap takes for an old one (sf-pcap.c)."""
    if major == _ODD_VERSION or (major, minor) == (2, 3):
        return EITHER
    return SWAPPED if major == 2 and minor < 3 else IN_ORDER


_ODD_VERSION = 543
_SWAPPED_VERSIONS = frozenset((0x0200, minor << 8) for minor in range(5))
"""2.0 to 2.4 with both words in the other byte order, as some programs wrote them; Wireshark reads on too."""


PCAP_MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 6),
    b"\xa1\xb2\xc3\xd4": (">", 6),
    b"\x4d\x3c\xb2\xa1": ("<", 9),
    b"\xa1\xb2\x3c\x4d": (">", 9),
    **dict.fromkeys(MODIFIED_PCAP[:1], ("<", 6)),
    **dict.fromkeys(MODIFIED_PCAP[1:], (">", 6)),
}
"""First bytes of a pcap file: byte order, and its resolution as if_tsresol."""


_END_OF_NAMES = 0
_ADDRESSES = {1: (4, bytes(10) + b"\xff\xff"), 2: (16, b"")}
"""Record types of a name resolution block: bytes of the address, and what makes it 16."""


def _fcs_size(value: bytes) -> int:
    """Bytes that if_fcslen means. The draft says bits and has 4 as its example; what is written is bytes, as Wireshark reads it."""
    if len(value) != 1:
        return 0
    return value[0] // 8 if value[0] in (16, 32) else value[0]


def read_options(body: bytes, start: int, order: str) -> dict[int, bytes]:
    """Options by code, the first of each; the end mark may be missing.

    Args:
        body: a block without its framing.
        start: where its options begin.
        order: "<" or ">".

    Raises:
        DamageError: an option runs past the block.
    """
    options: dict[int, bytes] = {}
    while start + 4 <= len(body):
        code, size = struct.unpack_from(f"{order}HH", body, start)
        if code == 0:
            break
        start += 4
        if start + size > len(body):
            raise DamageError("an option runs past its block")
        options.setdefault(code, body[start : start + size])
        start += -(-size // 4) * 4
    return options

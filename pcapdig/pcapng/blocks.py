"""The blocks of a pcapng file that we write, as bytes.

draft-ietf-opsawg-pcapng: section, interface and statistics blocks, the enhanced packet block, and two blocks that name a process:
Apple's (read by Wireshark 4.6) and Wireshark 5's. One section in host byte order, its length not given (-1), options closed by
opt_endofopt: the profile that Wireshark 4.0 to 4.6, tcpdump and libpcap all read without a word.

The record loop lays out enhanced packet blocks natively; `enhanced_packet` here makes the same bytes for everything that is not
live. Texts are cleaned (pcapng/text.py). Must not know files, or what a process is beyond its arguments.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from pcapdig.pcapng.text import encode

if TYPE_CHECKING:
    import ipaddress
    from collections.abc import Iterable

SECTION_HEADER, INTERFACE_DESCRIPTION, SIMPLE_PACKET, NAME_RESOLUTION = 0x0A0D0D0A, 1, 3, 4
INTERFACE_STATISTICS, ENHANCED_PACKET, DECRYPTION_SECRETS = 5, 6, 10
OBSOLETE_PACKET, JOURNAL_ENTRY = 2, 9
CUSTOM, CUSTOM_NOT_COPIED = 0x0BAD, 0x40000BAD
"""Block types, draft section 4. CUSTOM is the kind that a program may copy which does not know it."""
APPLE_PROCESS = 0x80000001
"""Apple's process information, a block type for local use (apple-oss-distributions/libpcap, pcap-ng.h)."""

BYTE_ORDER_MAGIC = 0x1A2B3C4D

WIRESHARK_PEN = 32622
WIRESHARK_PROCESS_ENTRY = 3
"""Process information inside Wireshark's own custom block (wiretap/pcapng-wireshark-custom.c, master of 2026)."""

MAX_CAPTURED = 262144
"""Bytes; Wireshark and libpcap refuse a file with a longer packet."""
NANOSECONDS = 9
"""if_tsresol: 10^-9 seconds."""

_MOST_TEXT = 65532
"""Bytes of a text option: its length field is 16 bits wide, and a multiple of 4 needs no padding beyond them."""

END_OF_OPTIONS, COMMENT = 0, 1


class SectionOption:
    """Options of a section header block."""

    HARDWARE = 2
    OS = 3
    APPLICATION = 4


class InterfaceOption:
    """Options of an interface description block."""

    NAME = 2
    DESCRIPTION = 3
    IPV4_ADDRESS = 4
    IPV6_ADDRESS = 5
    MAC_ADDRESS = 6
    SPEED = 8
    TIME_RESOLUTION = 9
    FILTER = 11
    OS = 12
    FCS_LENGTH = 13
    TIME_OFFSET = 14


class StatisticsOption:
    """Options of an interface statistics block."""

    START_TIME = 2
    END_TIME = 3
    RECEIVED = 4
    DROPPED = 5
    FILTER_ACCEPTED = 6
    OS_DROPPED = 7
    DELIVERED = 8


class PacketOption:
    """Options of an enhanced packet block."""

    FLAGS = 2
    HASH = 3
    DROP_COUNT = 4
    PACKET_ID = 5
    QUEUE = 6
    VERDICT = 7
    PROCESS_AND_THREAD = 8
    APPLE_PROCESS = 0x8001
    APPLE_EFFECTIVE_PROCESS = 0x8003


class ProcessOption:
    """Options of Apple's process block."""

    NAME = 2
    PATH = 3
    UUID = 4


class WiresharkProcessOption:
    """Options of Wireshark's process entry."""

    NAME = 2
    PATH = 3
    COMMAND_LINE = 4
    PARENT = 5
    USER_ID = 6
    USER_NAME = 7
    START_TIME = 9


def section_header(
    *, hardware: str | None = None, os: str | None = None, application: str | None = None, comment: str | None = None
) -> bytes:
    """The block that begins a file (draft section 4.1). None leaves a text out."""
    options = [
        _text(SectionOption.HARDWARE, hardware),
        _text(SectionOption.OS, os),
        _text(SectionOption.APPLICATION, application),
        _text(COMMENT, comment),
    ]
    return _block(SECTION_HEADER, struct.pack("=IHHq", BYTE_ORDER_MAGIC, 1, 0, -1), options)


def interface_description(
    *,
    name: str | None,
    link_type: int,
    snap_length: int = MAX_CAPTURED,
    description: str | None = None,
    filter_text: str | None = None,
    speed: int | None = None,
    mac: bytes | None = None,
    addresses: Iterable[ipaddress.IPv4Interface | ipaddress.IPv6Interface] = (),
    os: str | None = None,
    fcs_size: int = 0,
) -> bytes:
    """The block that describes one interface, with times in nanoseconds (draft section 4.2).

    libpcap refuses a file whose interfaces differ in link type or snap length.

    Args:
        link_type: LINKTYPE number, 0-65535.
        snap_length: most bytes kept of a packet; 0: no limit.
        filter_text: the capture filter in libpcap's language.
        speed: bits per second.
        fcs_size: bytes of frame check sequence at the end of each packet, 0 to 255.
        mac: 6 bytes.
        addresses: the interface's own, each with its prefix.
    """
    options = [
        _text(InterfaceOption.NAME, name),
        _text(InterfaceOption.DESCRIPTION, description),
        *(_address(address) for address in addresses),
        b"" if mac is None else _option(InterfaceOption.MAC_ADDRESS, mac),
        _counter(InterfaceOption.SPEED, speed),
        _option(InterfaceOption.TIME_RESOLUTION, bytes([NANOSECONDS])),
        # The first byte says what follows; 0: libpcap's language.
        b"" if filter_text is None else _option(InterfaceOption.FILTER, b"\0" + encode(filter_text, _MOST_TEXT - 1)),
        _text(InterfaceOption.OS, os),
        _option(InterfaceOption.FCS_LENGTH, bytes([fcs_size])) if fcs_size else b"",
    ]
    return _block(INTERFACE_DESCRIPTION, struct.pack("=HHI", link_type, 0, snap_length), options)


def interface_statistics(
    *,
    interface: int,
    start_ns: int,
    end_ns: int,
    received: int | None = None,
    dropped: int | None = None,
    os_dropped: int | None = None,
    delivered: int | None = None,
) -> bytes:
    """What became of one interface's packets (draft section 4.6). Written at the end, stamped with `end_ns`.

    Args:
        interface: its number in the file, from 0.
        start_ns, end_ns: of the capture, ns since 1970.
        received: packets that the interface gave to the capture, dropped ones included; None: not known.
        dropped: packets lost for want of room in the capture's ring.
        os_dropped: packets lost by the operating system before that.
        delivered: packets handed to the user, which are those in the file.
    """
    options = [
        _option(StatisticsOption.START_TIME, _time(start_ns)),
        _option(StatisticsOption.END_TIME, _time(end_ns)),
        _counter(StatisticsOption.RECEIVED, received),
        _counter(StatisticsOption.DROPPED, dropped),
        _counter(StatisticsOption.OS_DROPPED, os_dropped),
        _counter(StatisticsOption.DELIVERED, delivered),
    ]
    return _block(INTERFACE_STATISTICS, struct.pack("=I", interface) + _time(end_ns), options)


def enhanced_packet(
    *,
    interface: int,
    time_ns: int,
    data: bytes,
    original_length: int | None = None,
    flags: int | None = None,
    comments: Iterable[bytes] = (),
    process_and_thread: tuple[int, int] | None = None,
    apple_process: int | None = None,
) -> bytes:
    """One packet (draft section 4.3), with its options in the order in which the record loop writes them.

    Args:
        interface: its number in the file, from 0.
        time_ns: since 1970.
        data: the captured bytes, at most MAX_CAPTURED.
        original_length: bytes on the wire; None: len(data).
        flags: epb_flags; bits 0-1 are the direction, 1 in, 2 out.
        comments: UTF-8, one line each, below 64 KiB; pcapng/comments.py makes them.
        process_and_thread: option 8, ids in the initial pid namespace.
        apple_process: how many APPLE_PROCESS blocks precede that of this packet's process.
    Raises:
        ValueError: data or a comment is too long.
    """
    if len(data) > MAX_CAPTURED:
        raise ValueError(f"{len(data)} bytes captured: readers take at most {MAX_CAPTURED}")
    options = [b"" if flags is None else _option(PacketOption.FLAGS, struct.pack("=I", flags))]
    options += [_option(COMMENT, comment) for comment in comments]
    if process_and_thread is not None:
        options.append(_option(PacketOption.PROCESS_AND_THREAD, struct.pack("=II", *process_and_thread)))
    if apple_process is not None:
        options.append(_option(PacketOption.APPLE_PROCESS, struct.pack("=I", apple_process)))
    lengths = struct.pack("=II", len(data), len(data) if original_length is None else original_length)
    return _block(ENHANCED_PACKET, struct.pack("=I", interface) + _time(time_ns) + lengths + _padded(data), options)


def apple_process(*, pid: int, name: str, path: str | None = None) -> bytes:
    """Apple's process block: goes once before a process's first packet, which refers to it by counting these blocks from 0.

    Wireshark 4.6 shows it on the packet's frame line and in frame.darwin.process_info.*; others pass over it without a word.
    """
    options = [_text(ProcessOption.NAME, name), _text(ProcessOption.PATH, path)]
    return _block(APPLE_PROCESS, struct.pack("=I", pid), options)


def wireshark_process(
    *,
    pid: int,
    name: str,
    start_ns: int | None = None,
    path: str | None = None,
    arguments: Iterable[bytes] | None = None,
    ppid: int | None = None,
    uid: int | None = None,
    user: str | None = None,
) -> bytes:
    """Wireshark 5's process entry in a custom block. Versions up to 4.6 show it as a frame, so nothing writes it unasked.

    Wireshark matches it to the packets of `pid` (option 8) from `start_ns` (ns since 1970) on.
    Source: wiretap/pcapng-wireshark-custom.c. Inside the block all is little-endian, whatever the section.
    """
    options = [
        _text(WiresharkProcessOption.NAME, name, "<"),
        _text(WiresharkProcessOption.PATH, path, "<"),
        b""
        if arguments is None
        else _option(WiresharkProcessOption.COMMAND_LINE, b"\0".join(arguments)[:_MOST_TEXT], "<"),
        b"" if ppid is None else _option(WiresharkProcessOption.PARENT, struct.pack("<I", ppid), "<"),
        b"" if uid is None else _option(WiresharkProcessOption.USER_ID, struct.pack("<I", uid), "<"),
        _text(WiresharkProcessOption.USER_NAME, user, "<"),
        b"" if start_ns is None else _option(WiresharkProcessOption.START_TIME, struct.pack("<Q", start_ns), "<"),
    ]
    entry = struct.pack("<I", pid) + b"".join(options) + bytes(4)
    body = struct.pack("=I", WIRESHARK_PEN) + struct.pack("<II", WIRESHARK_PROCESS_ENTRY, len(entry)) + entry
    return _block(CUSTOM, body, [])


def _block(kind: int, body: bytes, options: Iterable[bytes]) -> bytes:
    """A whole block: type, length, body, options closed if there are any, length again. `body` is a multiple of 4 long."""
    body += b"".join(options)
    if any(options):
        body += bytes(4)
    length = len(body) + 12
    return struct.pack("=II", kind, length) + body + struct.pack("=I", length)


def _option(code: int, value: bytes, order: str = "=") -> bytes:
    """One option, padded.

    Raises:
        ValueError: the value is longer than its 16-bit length can say.
    """
    if len(value) > 0xFFFF:
        raise ValueError(f"option {code} of {len(value)} bytes: at most 65535 fit")
    return struct.pack(order + "HH", code, len(value)) + _padded(value)


def _text(code: int, text: str | None, order: str = "=") -> bytes:
    """A text option; nothing for None."""
    return b"" if text is None else _option(code, encode(text, _MOST_TEXT), order)


def _counter(code: int, count: int | None) -> bytes:
    """A 64-bit number as an option; nothing for None."""
    return b"" if count is None else _option(code, struct.pack("=Q", count))


def _address(address: ipaddress.IPv4Interface | ipaddress.IPv6Interface) -> bytes:
    """An interface address: IPv4 with its mask, IPv6 with its prefix length."""
    if address.version == 4:
        return _option(InterfaceOption.IPV4_ADDRESS, address.ip.packed + address.netmask.packed)
    return _option(InterfaceOption.IPV6_ADDRESS, address.ip.packed + bytes([address.network.prefixlen]))


def _time(time_ns: int) -> bytes:
    """A time as blocks have it: the upper 32 bits first, each half in host order."""
    return struct.pack("=II", time_ns >> 32 & 0xFFFFFFFF, time_ns & 0xFFFFFFFF)


def _padded(value: bytes) -> bytes:
    """With zero bytes up to a multiple of 4."""
    return value + bytes(-len(value) % 4)

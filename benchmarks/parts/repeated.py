"""A large capture out of a small recorded one: its packets again and again, from other clients and at other times.

fixtures/lamp.pcapng.gz, recorded by pcapdig, holds 22 connections of a web server, a database and sshd. Each repetition is one more
visitor: the clients' addresses become its own, its packets come a little later than those of the visitor before it, and visits
overlap, so that thousands of visits are under way at any time. The file is as the server itself would have recorded it: clients
are elsewhere, so a packet has the comment of the server's end alone, and its direction, and the interface is no loopback: of packets
that passed one, both ends are on the machine. Payloads, sequence numbers, process comments and the process blocks before the first
packet stay as recorded, but for WORD, which all visits but a few have lost.

IP checksums are right; TCP's are as recorded on a loopback, left to the card.
"""

from __future__ import annotations

import gzip
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LAMP = Path(__file__).parents[2] / "fixtures" / "lamp.pcapng.gz"
WORD, OTHER_WORD = b"form", b"farm"
VISITS_A_WORD = 2000
"""One visit in so many still has WORD."""
FIRST_OCTETS = np.array([octet for octet in range(11, 212) if octet != 127], np.uint8)
"""Of the clients' addresses. tcpdump hashes addresses by their first 12 bits, so clients of one network would fall into a few long
chains and make it three times slower than it is on the traffic of a server."""
VISIT_NS = 1_000_000
"""From the start of one visit to that of the next."""
SERVER_4, SERVER_6 = bytes([192, 0, 2, 10]), bytes.fromhex("20010db8000000000000000000000010")
CHUNK_PACKETS = 200_000
BLOCK_INTERFACE, BLOCK_ENHANCED = 1, 6
ETHERNET = 14
OPTION_FLAGS, OPTION_COMMENT = 2, 1
LOOPBACK, CARD = struct.pack("<HH4s", 2, 2, b"lo"), struct.pack("<HH4s", 2, 4, b"eth0")
"""The option if_name of the interface that was recorded, and of one that clients elsewhere come through; both take 8 bytes."""
FLAGS_IN, FLAGS_OUT = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A packet to be repeated."""

    block: bytes
    """Its block, with the server's address in place."""
    other_block: bytes
    """The same without WORD."""
    time_ns: int
    """After the first packet."""
    is_ipv6: bool
    client_at: int
    """Of the client's address, in the block."""


def write_capture(path: Path, *, size_bytes: int, both_ends: bool = False) -> int:
    """Write a pcapng of about `size_bytes`; gives the number of packets.

    `both_ends`: packets keep both comments, as on the loopback where they were recorded.
    """
    head, first_ns, recorded = read_recorded(LAMP, both_ends=both_ends)
    visits = max(1, size_bytes // sum(len(packet.block) for packet in recorded))
    times = np.array([packet.time_ns for packet in recorded])
    moments = (first_ns + np.arange(visits) * VISIT_NS)[:, None] + times[None, :]
    order = np.argsort(moments, axis=None, kind="stable")
    with path.open("wb") as file:
        file.write(head)
        for start in range(0, len(order), CHUNK_PACKETS):
            chosen = order[start : start + CHUNK_PACKETS]
            file.write(repeated(recorded, *np.divmod(chosen, len(recorded)), moments.ravel()[chosen]))
    return len(order)


def repeated(
    recorded: list[Recorded], visit: NDArray[Any], which: NDArray[Any], time_ns: NDArray[Any]
) -> NDArray[np.uint8]:
    """The blocks of some packets, one after the other: packet `which` of each `visit` at `time_ns`."""
    has_word = (visit % VISITS_A_WORD == 0).tolist()
    blocks = [
        recorded[i].block if word else recorded[i].other_block for i, word in zip(which.tolist(), has_word, strict=True)
    ]
    data = np.frombuffer(bytearray().join(blocks), np.uint8)
    at = np.zeros(len(blocks), np.int64)
    np.cumsum([len(block) for block in blocks[:-1]], out=at[1:])
    ticks = time_ns.astype(np.uint64)
    words = np.stack([ticks >> np.uint64(32), ticks & np.uint64(0xFFFFFFFF)], axis=1).astype("<u4")
    data[(at + 12)[:, None] + np.arange(8)] = words.view(np.uint8)
    client_at = at + np.array([packet.client_at for packet in recorded])[which]
    is_ipv6 = np.array([packet.is_ipv6 for packet in recorded])[which]
    address = np.stack(
        [FIRST_OCTETS[visit % len(FIRST_OCTETS)], *((visit // len(FIRST_OCTETS) >> shift) & 255 for shift in (16, 8, 0))],
        axis=1,
    ).astype(np.uint8)  # fmt: skip
    for family, first in ((False, 0), (True, 4)):
        data[(client_at[is_ipv6 == family] + first)[:, None] + np.arange(4)] = address[is_ipv6 == family]
    set_checksums(data, at[~is_ipv6] + 28 + ETHERNET)
    return data


def set_checksums(data: NDArray[np.uint8], at: NDArray[np.int64]) -> None:
    """IPv4 header checksums (RFC 1071); headers at `at`, 20 bytes each."""
    data[at[:, None] + np.arange(10, 12)] = 0
    words = data[at[:, None] + np.arange(20)].view(">u2").astype(np.uint32)
    total = words.sum(axis=1)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    data[at[:, None] + np.arange(10, 12)] = (~total & 0xFFFF).astype(">u2")[:, None].view(np.uint8)


def read_recorded(path: Path, *, both_ends: bool) -> tuple[bytes, int, list[Recorded]]:
    """What stands before the first packet, the first packet's time, and the packets of a recording by pcapdig on Ethernet."""
    data = gzip.decompress(path.read_bytes())
    head, packets = bytearray(), []
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        block = data[at : at + size]
        if kind == BLOCK_ENHANCED:
            packets.append(block)
        elif kind == BLOCK_INTERFACE and not both_ends:
            head += on_card(block)
        elif kind != 5:  # statistics of the recording would be wrong here
            head += block
        at += size
    times = [high << 32 | low for high, low in (struct.unpack_from("<II", block, 12) for block in packets)]
    recorded = [
        recorded_packet(block, time_ns - times[0], both_ends=both_ends)
        for block, time_ns in zip(packets, times, strict=True)
    ]
    return bytes(head), times[0], recorded


def on_card(block: bytes) -> bytes:
    """The interface's block with a card's name and the server's addresses (options if_IPv4addr and if_IPv6addr) instead of a loopback's."""
    return (
        block.replace(LOOPBACK, CARD)
        .replace(bytes([127, 0, 0, 1, 255, 0, 0, 0]), SERVER_4 + bytes([255, 255, 255, 0]))
        .replace(bytes(15) + b"\x01\x80", SERVER_6 + b"\x40")
    )


def recorded_packet(block: bytes, time_ns: int, *, both_ends: bool) -> Recorded:
    """One packet as the server sees it."""
    captured = struct.unpack_from("<I", block, 20)[0]
    frame = bytearray(block[28 : 28 + captured])
    is_ipv6 = frame[ETHERNET - 2 : ETHERNET] == b"\x86\xdd"
    source, size, server = (ETHERNET + 8, 16, SERVER_6) if is_ipv6 else (ETHERNET + 12, 4, SERVER_4)
    ports = struct.unpack_from(">HH", frame, ETHERNET + (40 if is_ipv6 else 20))
    from_server = ports[0] < ports[1]
    server_at, client_at = (source, source + size) if from_server else (source + size, source)
    frame[server_at : server_at + size] = server
    if is_ipv6:
        frame[client_at : client_at + 16] = SERVER_6[:4] + bytes(12)
    options = block[28 + -(-captured // 4) * 4 : -4]
    if not both_ends:
        options = server_options(options, is_write=from_server)
    made = [
        struct.pack("<II", BLOCK_ENHANCED, size) + block[8:28] + body + options + struct.pack("<I", size)
        for body in (padded(bytes(frame)), padded(bytes(frame).replace(WORD, OTHER_WORD)))
        for size in (32 + len(body) + len(options),)
    ]
    return Recorded(
        block=made[0], other_block=made[1], time_ns=time_ns, is_ipv6=is_ipv6, client_at=28 + client_at + (4 if is_ipv6 else 0)
    )  # fmt: skip


def server_options(options: bytes, *, is_write: bool) -> bytes:
    """A packet's options without those of the client's end."""
    kept = struct.pack("<HHI", OPTION_FLAGS, 4, FLAGS_OUT if is_write else FLAGS_IN)
    end = b"evt.io_dir=write " if is_write else b"evt.io_dir=read "
    at = 0
    while at + 4 <= len(options):
        code, size = struct.unpack_from("<HH", options, at)
        value = options[at + 4 : at + 4 + size]
        if code == OPTION_COMMENT and end in value:
            kept += struct.pack("<HH", code, size) + padded(value)
        at += 4 + -(-size // 4) * 4
    return kept + bytes(4)


def padded(data: bytes) -> bytes:
    """Zeros added up to a multiple of 4."""
    return data + bytes(-len(data) % 4)

"""-r with -w: the packets that pass, from files into a file, their blocks untouched.

In: open sources. Out: batches of whole pcapng blocks, for dig/'s BlockFilter. Interfaces, comments and all other blocks go along;
a classic pcap is given the blocks that pcapng wants. Several files become one section in the order of time (trace/merge.py).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from pcapdig.errors import InputError
from pcapdig.pcapng import blocks
from pcapdig.trace.columns import DIRECTION_BITS
from pcapdig.trace.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pcapdig.dig import BlockFilter
    from pcapdig.pcapng.source import CaptureSource
    from pcapdig.trace.columns import Packets

BATCH_BYTES = 4 << 20
"""Blocks handed on at once."""
_SECTION_HEADER = b"\n\r\r\n"
_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_LONGEST_BLOCK = 1 << 24
"""Bytes; a block that claims more is damage. So that a wrong length cannot make us gather a whole file in memory."""


def blocks_of(sources: Sequence[CaptureSource], trace: Trace) -> Iterator[bytes]:
    """Give one capture, or several merged by time, as batches of whole pcapng blocks. Arguments and errors as `section_of`."""
    if len(sources) == 1:
        return section_of(sources[0], trace)
    from pcapdig.trace.merge import merged

    trace.begin("the merged captures")
    return merged(sources)


def manifest(keep: BlockFilter) -> str:
    """What a copy lacks of the blocks without packets, and what it has that may be too much: lines for stderr, after the end."""
    if keep.carrier is None:
        return ""
    said = "".join(f"note: {note}\n" for note in keep.carrier.notes)
    left_out = ", ".join(f"{count} {_plural(kind, count)}" for kind, count in keep.carrier.left_out.items())
    if left_out:
        said += f"left out, since no packet in the copy needs them: {left_out} (--keep-all-blocks keeps them)\n"
    return said


def _plural(kind: str, count: int) -> str:
    """`kind` for that many: the word before " of " changes, else the last."""
    if count == 1:
        return kind
    word, of, rest = kind.partition(" of ")
    word = word.replace("comment or option", "comments and option")
    return (
        (word[:-1] + "ies" if word.endswith("y") else word if word.endswith("statistics") else word + "s") + of + rest
    )


def section_of(source: CaptureSource, trace: Trace) -> Iterator[bytes]:
    """Give a capture as batches of whole pcapng blocks.

    Args:
        source: will be closed. It is noted there how far it has been read.
        trace: will be fed with the blocks, and is told what to call them in errors.

    Raises:
        InputError: it is damaged, after all whole blocks before that.
    """
    with source:
        chunks = source.chunks()
        first = next(chunks, b"")
        unit = "uncompressed byte" if source.compression else "byte"
        trace.begin(source.name, unit)
        if bytes(first[:4]) != _SECTION_HEADER:
            yield from _converted(_with_first(first, chunks), source, unit)
            return
        for whole in whole_blocks(_with_first(first, chunks), f"{source.name}: damaged at {unit}"):
            source.walked_bytes += len(whole)
            yield whole


def whole_blocks(chunks: Iterable[memoryview | bytes], where: str) -> Iterator[bytes]:
    """Give chunks of any size as batches of whole blocks.

    Args:
        chunks: bytes of a pcapng file, in order.
        where: begins the error message, before the offset.

    Raises:
        InputError: a block cannot be one, or the last one is cut; all before it have been handed out.
    """
    waiting = b""
    order = "<"
    offset = 0
    for chunk in chunks:
        for start in range(0, len(chunk), BATCH_BYTES):
            view = waiting + bytes(chunk[start : start + BATCH_BYTES])
            end, order, is_damaged = _whole_until(view, order)
            if end:
                yield view[:end]
            offset += end
            waiting = view[end:]
            if is_damaged:
                raise InputError(f"{where} {offset}: no pcapng block begins here")
    if waiting:
        raise InputError(f"{where} {offset}: cut short, {len(waiting)} bytes are there of the block that begins here")


def _whole_until(view: bytes, order: str) -> tuple[int, str, bool]:
    """Give where the last whole block ends, the byte order there, and whether what follows is damaged."""
    at = 0
    while len(view) - at >= 12:
        if view[at : at + 4] == _SECTION_HEADER:
            section_order = _ORDERS.get(view[at + 8 : at + 12])
            if section_order is None:
                return at, order, True
            order = section_order
        (size,) = struct.unpack_from(order + "I", view, at + 4)
        size += -size % 4
        if not 12 <= size <= _LONGEST_BLOCK:
            return at, order, True
        if size > len(view) - at:
            break
        at += size
    return at, order, False


def _converted(chunks: Iterable[memoryview | bytes], source: CaptureSource, unit: str) -> Iterator[bytes]:
    """Give a classic pcap as pcapng blocks."""
    trace = Trace()
    trace.batch_bytes = BATCH_BYTES
    trace.begin(source.name, unit)
    is_begun = False
    for packets in _batches(trace, chunks):
        source.walked_bytes = trace.offset  # of the batch's beginning
        if not is_begun:
            yield _head(trace)
            is_begun = True
        yield from _packet_blocks(packets)
    if not is_begun:
        yield _head(trace)


def _batches(trace: Trace, chunks: Iterable[memoryview | bytes]) -> Iterator[Packets]:
    for chunk in chunks:
        yield from trace.feed(chunk)
    yield from trace.feed(b"", final=True)


def _head(trace: Trace) -> bytes:
    """Give the section and interface blocks of a classic pcap."""
    interface = trace.interfaces[0]
    described = blocks.interface_description(
        name=None,
        link_type=interface.link_type,
        snap_length=min(interface.snap_length, blocks.MAX_CAPTURED),
        fcs_size=interface.fcs_size,
    )
    return blocks.section_header(application="pcapdig") + described


def _packet_blocks(packets: Packets) -> Iterator[bytes]:
    """Give the packets of a batch as enhanced packet blocks, some at once."""
    data = memoryview(packets.data)
    columns = (packets.time_ns, packets.offset, packets.captured, packets.original, packets.direction)
    lists = [column.tolist() for column in columns]
    gathered: list[bytes] = []
    gathered_bytes = 0
    for time_ns, offset, captured, original, direction in zip(*lists, strict=True):
        kept = bytes(data[offset : offset + min(captured, blocks.MAX_CAPTURED)])
        gathered.append(
            blocks.enhanced_packet(
                interface=0,
                time_ns=time_ns,
                data=kept,
                original_length=original,
                flags=direction & DIRECTION_BITS or None,
            )
        )
        gathered_bytes += len(gathered[-1])
        if gathered_bytes >= BATCH_BYTES:
            yield b"".join(gathered)
            gathered, gathered_bytes = [], 0
    if gathered:
        yield b"".join(gathered)


def _with_first(first: memoryview | bytes, rest: Iterator[memoryview | bytes]) -> Iterator[memoryview | bytes]:
    yield first
    yield from rest

"""evt.*: what one row says for itself. Times, sizes, direction, what kind of packet, its payload."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from pcapdig.filters import values
from pcapdig.filters.fields import Field, FieldType
from pcapdig.filters.values import Buffers, Choices, Column, Flags, Index, Numbers, Texts
from pcapdig.trace.columns import EVIDENCE_NAMES, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN

if TYPE_CHECKING:
    from pcapdig.trace.rows import Rows

BILLION = 1_000_000_000
TCP = 6

TYPES = ("read", "write", "connect", "accept", "close", "reset", "control", "packet")
READ, WRITE, CONNECT, ACCEPT, CLOSE, RESET, CONTROL, PACKET = range(len(TYPES))

EVIDENCE = EVIDENCE_NAMES[1:]
"""Code 0 is no value."""


def type_codes(rows: Rows) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    """Position in TYPES for each row. Payload goes first: a FIN that carries the last bytes is a write."""
    codes = np.where(rows.is_write, WRITE, READ).astype(np.int8)
    plain = ~rows.is_io
    if not plain.any():
        return codes
    flags = rows.tcp_flags
    protocols = np.append(rows.trace.flows.protocol, np.uint8(0))  # flow -1 takes the last one
    is_tcp = protocols[rows.flow] == TCP
    sent = plain & is_tcp & rows.is_write
    codes[plain] = np.where(is_tcp[plain], CONTROL, PACKET)
    codes[sent & (flags & TCP_FIN != 0)] = CLOSE
    codes[sent & (flags & (TCP_SYN | TCP_ACK) == TCP_SYN)] = CONNECT
    codes[sent & (flags & (TCP_SYN | TCP_ACK) == TCP_SYN | TCP_ACK)] = ACCEPT
    codes[plain & is_tcp & (flags & TCP_RST != 0)] = RESET
    return codes


def _type(rows: Rows, index: Index) -> Choices:
    return Choices(type_codes(rows)[index], TYPES)


def _is_reset(rows: Rows, index: Index) -> Flags:
    return Flags(type_codes(rows)[index] == RESET)


def _result(rows: Rows, index: Index) -> Choices:
    return Choices((type_codes(rows)[index] == RESET).astype(np.int8), ("SUCCESS", "RESET"))


def _constant(name: str) -> Callable[[Rows, Index], Choices]:
    return lambda rows, index: Choices(np.zeros(len(rows.number[index]), dtype=np.int8), (name,))


def _one(rows: Rows, index: Index) -> Numbers:
    return Numbers(np.ones(len(rows.number[index]), dtype=np.int64))


def _number(rows: Rows, index: Index) -> Numbers:
    return values.numbers(rows.number[index])


def _size(rows: Rows, index: Index) -> Numbers:
    return values.numbers(rows.size[index])


def _io_size(rows: Rows, index: Index) -> Numbers:
    return values.numbers(rows.size[index], rows.is_io[index])


def _is_io(rows: Rows, index: Index) -> Flags:
    return Flags(rows.is_io[index])


def _is_read(rows: Rows, index: Index) -> Flags:
    return Flags(rows.is_io[index] & ~rows.is_write[index])


def _is_write(rows: Rows, index: Index) -> Flags:
    return Flags(rows.is_io[index] & rows.is_write[index])


def _direction(rows: Rows, index: Index) -> Choices:
    return Choices(rows.is_write[index].astype(np.int8), ("read", "write"))


def _evidence(rows: Rows, index: Index) -> Choices:
    return Choices(rows.evidence[index].astype(np.int16) - np.int16(1), EVIDENCE)


def _buffer(rows: Rows, index: Index) -> Buffers:
    positions = np.arange(len(rows), dtype=np.intp)[index]
    is_io = rows.is_io

    def read(row: int) -> bytes:
        return rows.buffer(row) if is_io[row] else b""

    return Buffers(positions, read, rows.gaps)


def _interface(rows: Rows, index: Index) -> Choices:
    names = [interface.name for interface in rows.trace.interfaces]
    shown = [position if name else -1 for position, name in enumerate(names)]
    return Choices(np.array([*shown, -1], dtype=np.int32)[rows.interface[index]], tuple(name or "" for name in names))


def _raw_time(rows: Rows, index: Index) -> Numbers:
    return Numbers(rows.time_ns[index])


def _raw_seconds(rows: Rows, index: Index) -> Numbers:
    return Numbers(rows.time_ns[index] // BILLION)


def _raw_fraction(rows: Rows, index: Index) -> Numbers:
    return Numbers(rows.time_ns[index] % BILLION)


def start_ns(rows: Rows) -> int:
    """Time of the capture's first IP packet, ns since 1970; flows come in the order of their first packets."""
    flows = rows.trace.flows
    return int(flows.first_ns[0]) if len(flows) else int(rows.time_ns[0])


def _since_start(rows: Rows, index: Index) -> Numbers:
    return Numbers(rows.time_ns[index] - start_ns(rows))


def _since_start_seconds(rows: Rows, index: Index) -> Numbers:
    return Numbers((rows.time_ns[index] - start_ns(rows)) // BILLION)


def _since_start_fraction(rows: Rows, index: Index) -> Numbers:
    return Numbers((rows.time_ns[index] - start_ns(rows)) % BILLION)


def time_texts(
    layout: str, *, fraction: bool, zone: Callable[[float], time.struct_time], after: str = ""
) -> Callable[[Rows, Index], Texts]:
    """A column of times as text: `strftime` once for each second that occurs, by the zone's rules of that second."""

    def column(rows: Rows, index: Index) -> Texts:
        seconds, fractions = np.divmod(rows.time_ns[index], BILLION)
        distinct, positions = np.unique(seconds, return_inverse=True)
        starts = [time.strftime(layout, zone(second)) for second in distinct.tolist()]
        if not fraction:
            return Texts([starts[position] + after for position in positions.tolist()])
        pairs = zip(positions.tolist(), fractions.tolist(), strict=True)
        return Texts([f"{starts[position]}.{ns:09d}{after}" for position, ns in pairs])

    return column


def _around(rows: Rows, index: Index, centre_ns: int) -> Numbers:
    """Whole ms from a moment, rounded up, so that `distance <= N` is exact."""
    return Numbers(-(-np.abs(rows.time_ns[index] - centre_ns) // 1_000_000))


def _text(name: str, column: Callable[[Rows, Index], Column], help: str, *, choices: tuple[str, ...] = ()) -> Field:
    return Field(name=name, type=FieldType.TEXT, domain="event", help=help, of_rows=column, choices=choices)


def _flag(name: str, column: Callable[[Rows, Index], Column], help: str) -> Field:
    return Field(name=name, type=FieldType.BOOL, domain="event", help=help, of_rows=column)


def _varying(
    name: str, type: FieldType, column: Callable[[Rows, Index], Column], help: str, *, digits: int = 1
) -> Field:
    """A number that a message does not share with its packets."""
    return Field(
        name=name, type=type, domain="event", help=help, of_rows=column, differs_in_message=True, digits=digits
    )


def _clock(name: str, column: Callable[[Rows, Index], Column], help: str) -> Field:
    return Field(
        name=name, type=FieldType.TEXT, domain="event", help=help, of_rows=column, differs_in_message=True, costly=True
    )


def _bytes(name: str, help: str) -> Field:
    return Field(
        name=name,
        type=FieldType.BYTES,
        domain="event",
        help=help,
        of_rows=_buffer,
        differs_in_message=True,
        costly=True,
    )


def _shown(name: str, help: str) -> Field:
    return Field(name=name, type=FieldType.TEXT, domain="event", help=help, print_only=True)


_ABSOLUTE, _RELATIVE = FieldType.ABSOLUTE_TIME, FieldType.RELATIVE_TIME
_UNSIGNED = FieldType.UNSIGNED
_local, _utc = time.localtime, time.gmtime

EVENT = (
    _varying("evt.num", _UNSIGNED, _number, "number of the packet in the capture, from 1; of a message, that of its first packet. "
             "Both ends of one packet have the same number."),
    _clock("evt.time", time_texts("%H:%M:%S", fraction=True, zone=_local), "time of day, this machine's time zone, with nanoseconds."),
    _clock("evt.time.s", time_texts("%H:%M:%S", fraction=False, zone=_local), "time of day, this machine's time zone, whole seconds."),
    _clock("evt.time.iso8601", time_texts("%Y-%m-%dT%H:%M:%S", fraction=True, zone=_utc, after="+0000"),
           "date and time in ISO 8601 with nanoseconds, always UTC."),
    _clock("evt.datetime", time_texts("%Y-%m-%d %H:%M:%S", fraction=True, zone=_local),
           "date and time, this machine's time zone, with nanoseconds."),
    _clock("evt.datetime.s", time_texts("%Y-%m-%d %H:%M:%S", fraction=False, zone=_local),
           "date and time, this machine's time zone, whole seconds."),
    _varying("evt.rawtime", _ABSOLUTE, _raw_time, "time in ns since 1970."),
    _varying("evt.rawtime.s", _ABSOLUTE, _raw_seconds, "time in whole seconds since 1970."),
    _varying("evt.rawtime.ns", _ABSOLUTE, _raw_fraction, "the ns that evt.rawtime.s leaves out.", digits=9),
    _varying("evt.reltime", _RELATIVE, _since_start, "ns since the first packet of the capture.", digits=9),
    _varying("evt.reltime.s", _RELATIVE, _since_start_seconds, "whole seconds since the first packet of the capture."),
    _varying("evt.reltime.ns", _RELATIVE, _since_start_fraction, "the ns that evt.reltime.s leaves out.", digits=9),
    _shown("evt.outputtime", "the time as -t asks for it."),
    Field(name="evt.around", type=_UNSIGNED, domain="event", argument="T", of_argument=_around, filter_only=True, differs_in_message=True,
          help="evt.around[T]=MS: at most MS milliseconds before or after T, in ns since 1970."),
    _text("evt.dir", _constant("<"), "'<': each event is one that has happened. ('>', the start of a system call, does not exist in packets.)"),
    _text("evt.type", _type, "what the packet is to this end. With payload: 'read' if this end received it, 'write' if it sent it. TCP without "
          "payload: 'connect' a SYN sent, 'accept' a SYN+ACK sent, 'close' a FIN sent, 'reset' a RST sent or received, 'control' "
          "the others (ACKs, and what the other end's connect, accept and close look like here). Not TCP, without payload: 'packet'.",
          choices=TYPES),
    _text("evt.category", _constant("net"), "'net'."),
    _text("evt.io_dir", _direction, "'write' if this end sent the packet, 'read' if it received it, with payload or without.",
          choices=("read", "write")),
    Field(name="evt.interface", type=FieldType.TEXT, domain="event", of_rows=_interface, differs_in_message=True,
          help="name of the interface the packet was captured on. Not sysdig's."),
    _flag("evt.is_io", _is_io, "true if the packet carries payload."),
    _flag("evt.is_io_read", _is_read, "true if this end received payload."),
    _flag("evt.is_io_write", _is_write, "true if this end sent payload."),
    _bytes("evt.buffer", "the payload captured. In a filter it makes events of whole messages, put together in TCP's order, so that a word split "
           "over two packets is found. No value where nothing was captured."),
    _varying("evt.buflen", _UNSIGNED, _io_size, "payload bytes moved, captured or not, each counted once: 0 for a retransmission. No value without "
             "payload."),
    _text("evt.res", _result, "'RESET' for evt.type 'reset', else 'SUCCESS'."),
    _varying("evt.rawres", FieldType.SIGNED, _size, "payload bytes moved, as evt.buflen, and 0 without payload."),
    _flag("evt.failed", _is_reset, "true for evt.type 'reset': the connection was refused or broken off."),
    _varying("evt.rawarg.res", FieldType.SIGNED, _size, "the same as evt.rawres."),
    _varying("evt.arg.res", FieldType.SIGNED, _size, "the same as evt.rawres."),
    _bytes("evt.rawarg.data", "the same as evt.buffer."),
    _bytes("evt.arg.data", "the same as evt.buffer."),
    _shown("evt.args", "'res=BYTES data=PAYLOAD ' with payload, else 'tuple=CONNECTION '."),
    _shown("evt.info", "the same as evt.args."),
    Field(name="evt.count", type=_UNSIGNED, domain="event", of_rows=_one, help="1, to be summed."),
    Field(name="evidence", type=FieldType.TEXT, domain="event", of_rows=_evidence, choices=EVIDENCE, differs_in_message=True,
          help="how the process at this end is known: 'socket' by an event of that very socket, 'snapshot' it held the socket when recording "
               "started, 'listener' never accepted, so the listening socket's process, 'procfs' polled. Not sysdig's."),
)  # fmt: skip

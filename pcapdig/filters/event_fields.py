"""evt.*: what one row says for itself. Sizes, direction, what kind of packet, its payload."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from pcapdig.filters import values
from pcapdig.filters.fields import Field, FieldType, Getter, shown, varying
from pcapdig.filters.time_fields import TIMES
from pcapdig.filters.values import Buffers, Choices, Flags, Index, Numbers, Texts
from pcapdig.trace.columns import EVIDENCE_NAMES, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN

if TYPE_CHECKING:
    from pcapdig.trace.rows import Rows

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


def _is_type(code: int) -> Getter:
    return lambda rows, index: Numbers((type_codes(rows)[index] == code).astype(np.int64))


def _failures(rows: Rows, index: Index) -> Numbers:
    is_reset = type_codes(rows)[index] == RESET
    return Numbers(is_reset.astype(np.int64), is_reset)


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


def _size_of(*, is_write: bool) -> Getter:
    def column(rows: Rows, index: Index) -> Numbers:
        return values.numbers(rows.size[index], (rows.is_io & (rows.is_write == is_write))[index])

    return column


def _is_io(rows: Rows, index: Index) -> Flags:
    return Flags(rows.is_io[index])


def _is_out_of_window(rows: Rows, index: Index) -> Flags:
    return Flags(rows.out_of_window[index])


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


def _comment(rows: Rows, index: Index) -> Texts:
    return Texts(rows.trace.history.comments(rows.facts, rows.packet[index]))


def _interface(rows: Rows, index: Index) -> Choices:
    names = [interface.name for interface in rows.trace.interfaces]
    shown = [position if name else -1 for position, name in enumerate(names)]
    return Choices(np.array([*shown, -1], dtype=np.int32)[rows.interface[index]], tuple(name or "" for name in names))


def _text(name: str, column: Getter, meaning: str, *, choices: tuple[str, ...] = ()) -> Field:
    return Field(name=name, type=FieldType.TEXT, domain="event", help=meaning, of_rows=column, choices=choices)


def _flag(name: str, column: Getter, meaning: str) -> Field:
    return Field(name=name, type=FieldType.BOOL, domain="event", help=meaning, of_rows=column)


def _bytes(name: str, meaning: str) -> Field:
    return varying(name, FieldType.BYTES, _buffer, meaning, costly=True)


_UNSIGNED = FieldType.UNSIGNED

_KINDS = (
    _text(
        "evt.dir",
        _constant("<"),
        "'<': an event is something that has happened. sysdig's '>', a call begun, has no packet.",
    ),
    _text(
        "evt.type",
        _type,
        "what the packet is to this end. With payload: 'write' if this end sent it, 'read' if it received it. TCP without "
        "payload: 'connect' a SYN sent, 'accept' a SYN+ACK sent, 'close' a FIN sent, 'reset' an RST sent or received, "
        "'control' all others, such as ACKs and whatever the other end's connect, accept and close look like at this one. "
        "Not TCP and without payload: 'packet'.",
        choices=TYPES,
    ),
    *(
        Field(
            name=f"evt.type.is.{name}",
            type=_UNSIGNED,
            domain="event",
            of_rows=_is_type(code),
            help=f"1 where evt.type is '{name}', else 0.",
        )
        for code, name in enumerate(TYPES)
    ),
    _text("evt.category", _constant("net"), "'net'."),
    _text(
        "evt.io_dir",
        _direction,
        "'write' if this end sent the packet, 'read' if it received it, with payload or without.",
        choices=("read", "write"),
    ),
    _flag("evt.is_io", _is_io, "true if the packet carries payload."),
    _flag("evt.is_io_read", _is_read, "true if this end received payload."),
    _flag("evt.is_io_write", _is_write, "true if this end sent payload."),
    _flag(
        "evt.is_out_of_window",
        _is_out_of_window,
        "true for a TCP packet that its receiver would not accept: it belongs to an older connection, was injected, or lies far "
        "outside the window. It counts as a packet; its bytes and flags count for nothing.",
    ),
    _text("evt.res", _result, "'RESET' where evt.type is 'reset', else 'SUCCESS'."),
    _flag("evt.failed", _is_reset, "true where evt.type is 'reset': the connection was refused or broken off."),
)

_DATA = (
    _bytes(
        "evt.buffer",
        "payload, as far as captured; no value if nothing was. A filter on it looks at whole messages, put together in TCP's "
        "order, so that a word split over two packets is found.",
    ),
    varying(
        "evt.buflen",
        _UNSIGNED,
        _io_size,
        "payload bytes moved, captured or not, each counted once: 0 for a retransmission; no value without payload.",
    ),
    *(
        varying(f"evt.buflen.{words}", _UNSIGNED, _size_of(is_write=is_write), f"evt.buflen of what this end {did}.")
        for words, is_write, did in (
            ("in", False, "received"),
            ("out", True, "sent"),
            ("net.in", False, "received"),
            ("net.out", True, "sent"),
        )
    ),
    varying("evt.buflen.net", _UNSIGNED, _io_size, "the same as evt.buflen."),
    varying("evt.rawres", FieldType.SIGNED, _size, "payload bytes moved, as evt.buflen, and 0 without payload."),
    varying("evt.rawarg.res", FieldType.SIGNED, _size, "the same as evt.rawres."),
    varying("evt.arg.res", FieldType.SIGNED, _size, "the same as evt.rawres."),
    _bytes("evt.rawarg.data", "the same as evt.buffer."),
    _bytes("evt.arg.data", "the same as evt.buffer."),
    shown("evt.args", "with payload 'res=BYTES data=PAYLOAD tuple=CONNECTION', else 'tuple=CONNECTION'."),
    shown("evt.info", "the same as evt.args."),
)

EVENT = (
    varying(
        "evt.num",
        _UNSIGNED,
        _number,
        "number of the packet in the capture, from 1; of a message, that of its first packet. Both ends of a packet have it.",
    ),
    *TIMES,
    *_KINDS,
    *_DATA,
    Field(name="evt.count", type=_UNSIGNED, domain="event", of_rows=_one, help="1, to be summed."),
    Field(name="evt.count.exit", type=_UNSIGNED, domain="event", of_rows=_one, help="the same as evt.count."),
    *(
        Field(
            name=name,
            type=_UNSIGNED,
            domain="event",
            of_rows=_failures,
            help="1 where evt.failed is true, else no value.",
        )
        for name in ("evt.count.error", "evt.count.error.net")
    ),
    varying(
        "evt.interface", FieldType.TEXT, _interface, "name of the interface the packet was captured on. Not in sysdig."
    ),
    varying(
        "evt.comment",
        FieldType.TEXT,
        _comment,
        "the packet's comments in a pcapng, whoever wrote them, those that name its processes included; several are joined by "
        "'; ', each is on one line; no value without any. A message has those of its first packet. Not in sysdig.",
        costly=True,
        uses_history=True,
    ),
    Field(
        name="evidence",
        type=FieldType.TEXT,
        domain="event",
        help="how the process is known: 'socket' by an event of that very socket, 'snapshot' it held the socket when recording "
        "started, 'listener' nobody accepted, so it is the listening socket's, 'procfs' polled from /proc. Not in sysdig.",
        of_rows=_evidence,
        choices=EVIDENCE,
        differs_in_message=True,
    ),
)

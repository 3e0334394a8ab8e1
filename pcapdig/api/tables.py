"""Packets, flows, processes and interfaces as tables: named columns that belong to no library yet.

    packets     one row a packet: numbers, and ids of the other tables
    flows       one row a flow of which a packet passed, with its totals
    processes   one row a process
    interfaces  one row an interface of a section

`joined` is the packets table with what people ask of the others beside it. An id is null where there is none. Names end in their unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from pcapdig.api.events import FlowBook
from pcapdig.trace.columns import EVIDENCE_NAMES, Tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pcapdig.api.packets import PacketColumns
    from pcapdig.api.summaries import FlowTotals
    from pcapdig.procs.process import Process
    from pcapdig.trace.columns import Interface

TableName: TypeAlias = Literal["packets", "flows", "processes", "interfaces"]
TABLE_NAMES: tuple[TableName, ...] = ("packets", "flows", "processes", "interfaces")

_DIRECTIONS = ("in", "out")


class Numbers(NamedTuple):
    """Integers or booleans."""

    values: NDArray[Any]
    missing: NDArray[np.bool_] | None = None
    """Where there is none; None: all are there."""


class Times(NamedTuple):
    """Moments in UTC."""

    ns: NDArray[np.int64]
    """Since 1970."""


class Coded(NamedTuple):
    """Texts of which there are few."""

    codes: NDArray[np.int32]
    """Position in `texts`, -1: none."""
    texts: Sequence[str]


class Texts(NamedTuple):
    """Any texts."""

    values: Sequence[str | None]


Column: TypeAlias = Numbers | Times | Coded | Texts
Columns: TypeAlias = dict[str, Column]


def packet_columns(packets: PacketColumns) -> Columns:
    """The packets table."""
    return {
        "number": Numbers(packets.number),
        "time": Times(packets.time_ns),
        "interface": Numbers(packets.interface),
        "flow": _ids(packets.flow),
        "to_server": Numbers(packets.forward, packets.flow < 0),
        "captured_bytes": Numbers(packets.captured),
        "original_bytes": Numbers(packets.original),
        "payload_bytes": Numbers(packets.payload_length),
        "fresh_bytes": Numbers(packets.fresh),
        "seq": Numbers(packets.seq),
        "ack": Numbers(packets.ack),
        "tcp_flags": Numbers(packets.tcp_flags),
        "direction": Coded(packets.direction.astype(np.int32) - 1, _DIRECTIONS),
        "writer": _ids(packets.writer),
        "reader": _ids(packets.reader),
        "writer_evidence": Coded(packets.writer_evidence.astype(np.int32) - 1, EVIDENCE_NAMES[1:]),
        "reader_evidence": Coded(packets.reader_evidence.astype(np.int32) - 1, EVIDENCE_NAMES[1:]),
        "out_of_window": Numbers(packets.out_of_window),
    }


def joined(packets: PacketColumns) -> Columns:
    """The packets table with connection, process and interface names."""
    used, position = np.unique(packets.flow, return_inverse=True)
    flows = FlowBook(Tables(flows=packets.flows)).flows(used[used >= 0].tolist())
    if len(used) > len(flows):
        position = position - 1  # flow -1 comes first
    known = packets.flow >= 0
    names = [interface.name for interface in packets.interfaces]
    return {
        **packet_columns(packets),
        "interface_name": _looked_up(names, packets.interface.astype(np.int32)),
        "protocol": _looked_up([flow.protocol for flow in flows], position),
        "client": _looked_up([flow.client for flow in flows], position),
        "client_port": _ports([flow.client_port for flow in flows], position, known),
        "server": _looked_up([flow.server for flow in flows], position),
        "server_port": _ports([flow.server_port for flow in flows], position, known),
        "writer_name": _looked_up([process.name for process in packets.processes], packets.writer),
        "writer_pid": _pids(packets.processes, packets.writer),
        "reader_name": _looked_up([process.name for process in packets.processes], packets.reader),
        "reader_pid": _pids(packets.processes, packets.reader),
    }


def flow_columns(totals: Sequence[FlowTotals], processes: Sequence[Process]) -> Columns:
    """The flows table."""
    rows = {process: row for row, process in enumerate(processes)}
    flows = [total.flow for total in totals]
    ends = {
        f"{end}_process": [None if process is None else rows[process] for process in found]
        for end, found in (
            ("client", [total.client_process for total in totals]),
            ("server", [total.server_process for total in totals]),
        )
    }
    counted = ("packets", "bytes", "retransmits", "out_of_window")
    return {
        "id": Numbers(np.array([flow.id for flow in flows], np.int32)),
        "protocol": Texts([flow.protocol for flow in flows]),
        "family": Numbers(np.array([flow.family for flow in flows], np.uint8)),
        "client": Texts([flow.client for flow in flows]),
        "client_port": _optional([flow.client_port for flow in flows], np.uint16),
        "server": Texts([flow.server for flow in flows]),
        "server_port": _optional([flow.server_port for flow in flows], np.uint16),
        "first": Times(np.array([total.first_ns for total in totals], np.int64)),
        "last": Times(np.array([total.last_ns for total in totals], np.int64)),
        **{
            f"{what}_to_{end}": Numbers(np.array([getattr(total, f"{what}_to_{end}") for total in totals], np.int64))
            for what in counted
            for end in ("server", "client")
        },
        "round_trip_ns": _optional([total.round_trip_ns for total in totals], np.int64),
        **{name: _optional(ids, np.int32) for name, ids in ends.items()},
    }


def process_columns(processes: Sequence[Process]) -> Columns:
    """The processes table."""
    texts = ("name", "exepath", "cmdline", "user", "pname", "container_id")
    numbers = ("pid", "ppid", "uid", "start_boot_ns")
    return {
        "id": Numbers(np.arange(len(processes), dtype=np.int32)),
        **{name: Texts([getattr(process, name) for process in processes]) for name in texts},
        **{name: _optional([getattr(process, name) for process in processes], np.int64) for name in numbers},
    }


def interface_columns(interfaces: Sequence[Interface]) -> Columns:
    """The interfaces table."""
    return {
        "id": Numbers(np.arange(len(interfaces), dtype=np.int32)),
        "name": Texts([interface.name for interface in interfaces]),
        "link_type": Numbers(np.array([interface.link_type for interface in interfaces], np.int32)),
        "snap_length": Numbers(np.array([interface.snap_length for interface in interfaces], np.int64)),
        "received": _optional([interface.received for interface in interfaces], np.int64),
        "dropped": _optional([interface.dropped for interface in interfaces], np.int64),
    }


def _ids(rows: NDArray[np.int32]) -> Numbers:
    return Numbers(rows, rows < 0)


def _optional(values: Sequence[int | None], kind: Any) -> Numbers:
    return Numbers(
        np.array([value or 0 for value in values], kind), np.array([value is None for value in values], np.bool_)
    )


def _looked_up(texts: Sequence[str | None], rows: NDArray[Any]) -> Coded:
    """The text of each row number, -1 having none, as codes of the different texts."""
    codes: dict[str, int] = {}
    code_of_row = [-1 if text is None else codes.setdefault(text, len(codes)) for text in texts]
    return Coded(np.array([*code_of_row, -1], np.int32)[rows], list(codes))


def _ports(ports: Sequence[int | None], position: NDArray[Any], known: NDArray[np.bool_]) -> Numbers:
    of_flow = np.array([*(-1 if port is None else port for port in ports), -1], np.int32)[position]
    return Numbers(of_flow.astype(np.uint16), ~known | (of_flow < 0))


def _pids(processes: Sequence[Process], rows: NDArray[np.int32]) -> Numbers:
    return Numbers(np.array([*(process.pid for process in processes), -1], np.int64)[rows], rows < 0)

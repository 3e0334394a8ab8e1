"""Packets, flows, processes and interfaces as named columns."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

import pcapdig
from pcapdig.api import tables
from pcapdig.api.tables import Coded, Numbers, Texts
from pcapdig.trace.columns import Interface


def texts(column: object) -> list[str | None]:
    """What a column of few texts says."""
    assert isinstance(column, Coded)
    return [column.texts[code] if code >= 0 else None for code in column.codes.tolist()]


def values(column: object) -> list[object]:
    """What a column of numbers says; None where there is none."""
    assert isinstance(column, Numbers)
    missing = np.zeros(len(column.values), np.bool_) if column.missing is None else column.missing
    return [None if gone else value for value, gone in zip(column.values.tolist(), missing.tolist(), strict=True)]


def test_joined_names_are_those_of_the_events(lamp: Path) -> None:
    """Connection and both processes of each packet."""
    trace = pcapdig.open(lamp)
    columns = tables.joined(trace.packets())
    by_number = {
        (event.number, event.direction): event
        for event in trace
        if event.process is not None and event.flow is not None
    }
    rows = zip(
        values(columns["number"]),
        texts(columns["client"]),
        values(columns["server_port"]),
        texts(columns["writer_name"]),
        values(columns["reader_pid"]),
        texts(columns["interface_name"]),
        strict=True,
    )
    for number, client, server_port, writer, reader_pid, interface in rows:
        write, read = by_number[number, "write"], by_number[number, "read"]  # type: ignore[index]
        assert write.flow is not None
        assert write.process is not None
        assert read.process is not None
        assert (client, server_port, interface) == (write.flow.client, write.flow.server_port, "lo")
        assert (writer, reader_pid) == (write.process.name, read.process.pid)


def test_a_packet_without_a_flow_has_none_of_its_names(to_ports: object) -> None:
    """Null, not -1 and not 0; its neighbours keep theirs."""
    assert callable(to_ports)
    data = bytearray(to_ports(53, 54, 55))
    second = data.index(b"\x08\x00\x45", data.index(b"\x08\x00\x45") + 1)
    data[second : second + 2] = b"\x08\x06"  # ARP
    columns = tables.joined(pcapdig.open(io.BytesIO(data)).packets())
    assert values(columns["flow"]) == [0, None, 1]
    assert texts(columns["client"]) == ["10.0.0.1", None, "10.0.0.1"]
    assert texts(columns["protocol"]) == ["udp", None, "udp"]
    assert values(columns["server_port"]) == [53, None, 55]
    assert values(columns["to_server"]) == [True, None, True]
    assert values(columns["writer_pid"]) == [None] * 3
    assert texts(columns["direction"]) == [None] * 3


def test_flows_have_ids_of_processes(lamp: Path) -> None:
    """Rows of the processes table."""
    trace = pcapdig.open(lamp)
    processes = trace.processes()
    totals = list(trace.flows("fd.sport=3306"))
    columns = tables.flow_columns(totals, processes)
    servers = {processes[row].name for row in values(columns["server_process"])}  # type: ignore[call-overload]
    assert servers == {"mysqld"}
    assert values(columns["id"]) == [total.flow.id for total in totals]


def test_no_rows_have_the_same_columns(lamp: Path) -> None:
    """So that files of an empty capture can be read like others."""
    totals = list(pcapdig.open(lamp).flows())
    processes = pcapdig.open(lamp).processes()
    for some, none in (
        (tables.flow_columns(totals, processes), tables.flow_columns([], [])),
        (tables.process_columns(processes), tables.process_columns([])),
        (tables.interface_columns([Interface()]), tables.interface_columns([])),
    ):
        assert list(some) == list(none)
        kinds = [
            [column.values.dtype for column in part.values() if isinstance(column, Numbers)] for part in (some, none)
        ]
        assert kinds[0] == kinds[1]


def test_what_an_interface_does_not_tell_is_none() -> None:
    """Its name and its counts."""
    columns = tables.interface_columns([Interface(name=None, link_type=113), Interface(name="lo", received=5)])
    assert columns["name"] == Texts([None, "lo"])
    assert values(columns["received"]) == [None, 5]
    assert values(columns["link_type"]) == [113, 1]

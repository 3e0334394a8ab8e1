"""Packets as numpy columns, beside tshark."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pcapdig
from pcapdig.api.packets import COLUMN_NAMES, in_groups, joined, passing_columns
from pcapdig.filters import ALWAYS, compile_filter
from pcapdig.trace.columns import Packets, Tables


def numbers(texts: list[str]) -> list[int]:
    """What tshark shows of a number; nothing is 0."""
    return [int(text, 0) if text else 0 for text in texts]


def test_columns_are_those_of_tshark(capture: Path, tshark: Any) -> None:
    """Number, time, lengths, TCP header, payload."""
    fields = ("frame.number", "frame.cap_len", "frame.len", "tcp.seq", "tcp.ack", "tcp.flags")
    rows = tshark(capture, "frame.time_epoch", "tcp.len", "udp.length", "tcp.srcport", "udp.srcport", *fields)
    packets = pcapdig.open(capture).packets()
    times = [f"{ns // 10**9}.{ns % 10**9:09d}" for ns in packets.time_ns.tolist()]
    assert times == [row[0] for row in rows]
    payloads = [int(tcp or int(udp or 8) - 8) for _, tcp, udp, *_ in rows]
    assert packets.payload_length.tolist() == payloads
    sources = numbers([row[3] or row[4] for row in rows])
    flows = packets.flows
    assert (
        sources == np.where(packets.forward, flows.client_port[packets.flow], flows.server_port[packets.flow]).tolist()
    )
    for name, *column in zip(
        ("number", "captured", "original", "seq", "ack", "tcp_flags"), *[row[5:] for row in rows], strict=True
    ):
        assert getattr(packets, name).tolist() == numbers(column), name


def test_time_as_datetime64(small: bytes) -> None:
    """UTC, nanoseconds, the same memory."""
    packets = pcapdig.open(io.BytesIO(small)).packets()
    assert packets.time[0] == np.datetime64("2023-11-14T22:13:20.123456789")
    assert np.shares_memory(packets.time, packets.time_ns)


def test_columns_by_name(small: bytes) -> None:
    """For whoever makes tables of them; all of the same length."""
    packets = pcapdig.open(io.BytesIO(small)).packets()
    columns = packets.columns()
    assert tuple(columns) == COLUMN_NAMES
    assert {len(column) for column in columns.values()} == {len(packets)} == {3}
    assert [packets.processes[row].name for row in packets.writer.tolist()] == ["dig"] * 3


def test_no_packet_is_empty_columns(small: bytes) -> None:
    """Of the same types."""
    trace = pcapdig.open(io.BytesIO(small))
    nothing, every = trace.packets("evt.num>99"), trace.packets()
    assert len(nothing) == 0
    assert {name: column.dtype for name, column in nothing.columns().items()} == {
        name: column.dtype for name, column in every.columns().items()
    }


def test_batches_are_the_whole(lamp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the same order."""
    monkeypatch.setattr("pcapdig.trace.trace.BATCH_PACKETS", 50)
    trace = pcapdig.open(lamp)
    parts = list(trace.packets("proc.name=httpd", batches=True))
    assert len(parts) > 3
    whole = trace.packets("proc.name=httpd")
    assert np.array_equal(np.concatenate([part.number for part in parts]), whole.number)
    assert len(whole) == 172


def test_a_packet_passes_if_an_end_does() -> None:
    """And is there once."""
    packets = Packets.from_payloads(Tables(), [b"form", b"x", b"a form"])
    columns, passing = passing_columns(packets, compile_filter("evt.buffer contains form"))
    assert columns.number.tolist() == [1, 3]
    assert passing is not None
    assert passing.tolist() == [True, False, True]
    assert passing_columns(packets, ALWAYS)[1] is None


def test_groups_are_large_enough() -> None:
    """Small batches are joined, the last one may be small."""
    trace = Tables()
    parts = [passing_columns(Packets.from_payloads(trace, [b"x"] * 3), ALWAYS)[0] for _ in range(5)]
    assert [len(group) for group in in_groups(iter(parts), 6, trace)] == [6, 6, 3]
    assert len(joined([], trace)) == 0


def test_shown_in_a_line(lamp: Path) -> None:
    """A shell does not print a million numbers."""
    assert repr(pcapdig.open(lamp).packets("evt.num<=3")) == (
        "<PacketColumns 3 packets: number time_ns interface captured original flow forward payload_length fresh seq ack "
        "tcp_flags direction writer reader writer_evidence reader_evidence out_of_window>"
    )

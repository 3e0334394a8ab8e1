"""Batches written by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pcapdig.procs.process import Process
from pcapdig.trace.columns import Interface, Messages, Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows


@pytest.fixture(name="tables")
def _tables() -> Tables:
    """One flow, two processes."""
    return Tables(
        flows=Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", server_port=80)]),
        processes=[Process(name="a", pid=1), Process(name="b", pid=2)],
    )


def test_unknown_columns_are_refused(tables: Tables) -> None:
    """A misspelt column is an error, not nothing."""
    with pytest.raises(TypeError, match="no such column: flwo"):
        Packets.from_payloads(tables, [b""], flwo=0)
    with pytest.raises(TypeError, match="no such column: seq"):
        Messages.from_buffers(tables, [b""], number=1, seq=0)


def test_columns_of_another_length_are_refused(tables: Tables) -> None:
    """Each has one value a packet, or one for all."""
    with pytest.raises(ValueError, match="broadcast"):
        Packets.from_payloads(tables, [b"", b""], flow=[0, 0, 0])


def test_packets_by_hand(tables: Tables) -> None:
    """What is not given has the documented value, and every column its type."""
    packets = Packets.from_payloads(tables, [b"abc", b"", b"de"], flow=0, writer=[0, -1, 1], payload_length=[3, 0, 9])
    assert len(packets) == 3
    assert packets.number.tolist() == [1, 2, 3]
    assert [packets.buffer(i) for i in range(3)] == [b"abc", b"", b"de"]
    assert [packets.packet_bytes(i) for i in range(3)] == [b"abc", b"", b"de"]
    assert packets.fresh.tolist() == [3, 0, 9]
    assert packets.writer_evidence.tolist() == [1, 0, 1]
    assert packets.reader.tolist() == [-1, -1, -1]
    assert packets.gaps(2) == ((2, 7),)
    assert packets.gaps(0) == ()
    kinds = {
        packets.time_ns.dtype,
        packets.number.dtype,
        packets.flow.dtype,
        packets.forward.dtype,
        packets.fresh.dtype,
    }
    assert kinds == {np.dtype(kind) for kind in ("i8", "u8", "i4", "?", "u4")}


def test_no_packets(tables: Tables) -> None:
    """An empty batch is a batch."""
    assert len(Packets.from_payloads(tables, [])) == 0


def test_messages_by_hand(tables: Tables) -> None:
    """Their length is what is there and what is missing."""
    messages = Messages.from_buffers(tables, [b"abc", b"d"], number=[4, 9], gaps=[((1, 5), (3, 2)), ()], reader=1)
    assert messages.payload_length.tolist() == messages.fresh.tolist() == [10, 1]
    assert messages.buffer(0) == b"abc"
    assert messages.gaps(0) == ((1, 5), (3, 2))
    assert messages.number.tolist() == [4, 9]
    assert messages.reader_evidence.tolist() == [1, 1]
    assert len(messages) == 2


def test_counts_of_an_interface() -> None:
    """What a statistics block leaves out stays as it was."""
    interface = Interface(name="lo").with_counts(5, None).with_counts(None, 2)
    assert (interface.name, interface.received, interface.dropped) == ("lo", 5, 2)

"""evt.* and evidence over the sample trace. Rows: see conftest.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcapdig.filters.catalogue import FIELDS
from pcapdig.trace.columns import Messages, Packets
from pcapdig.trace.rows import rows_of

if TYPE_CHECKING:
    from pcapdig.trace.rows import Rows

START_NS = 1_506_127_469_905_003_444


def values(rows: Rows, name: str) -> list[object]:
    """One value a row."""
    return list(FIELDS[name].values(rows))


def test_type_is_what_the_packet_is_to_its_end(rows: Rows) -> None:
    """SYN, SYN+ACK, ACK and FIN look different at the two ends; payload goes first; ARP is a packet."""
    assert values(rows, "evt.type") == [
        *("connect", "control", "accept", "control", "control", "control"),
        *("write", "read", "write", "read", "write"),
        *("close", "control", "write", "write", "reset", "packet"),
    ]


def test_payload_goes_before_the_flags(packets: Packets) -> None:
    """A FIN that carries bytes is a write and a read."""
    both = Packets.from_payloads(packets.trace, [b"bye"], flow=0, writer=0, reader=1, tcp_flags=0x11)
    assert values(rows_of(both), "evt.type") == ["write", "read"]


def test_a_reset_is_a_reset_at_both_ends(packets: Packets) -> None:
    """Sent or received."""
    both = Packets.from_payloads(packets.trace, [b""], flow=0, writer=0, reader=1, tcp_flags=0x14)
    rows = rows_of(both)
    assert values(rows, "evt.type") == ["reset", "reset"]
    assert values(rows, "evt.failed") == [True, True]
    assert values(rows, "evt.res") == ["RESET", "RESET"]


def test_only_a_reset_has_failed(rows: Rows) -> None:
    """evt.failed, evt.res and evt.type agree."""
    is_reset = [kind == "reset" for kind in values(rows, "evt.type")]
    assert values(rows, "evt.failed") == is_reset
    assert values(rows, "evt.res") == ["RESET" if reset else "SUCCESS" for reset in is_reset]


def test_messages_are_read_and_written(packets: Packets) -> None:
    """Whatever flags their packets had."""
    messages = Messages.from_buffers(packets.trace, [b"all"], number=[4], flow=0, writer=0, reader=1, tcp_flags=0x1B)
    assert values(rows_of(messages), "evt.type") == ["write", "read"]


def test_io_is_payload(rows: Rows) -> None:
    """With its direction as the row's end sees it."""
    assert values(rows, "evt.is_io") == [False] * 6 + [True] * 5 + [False] * 2 + [True] * 2 + [False] * 2
    is_io, kinds = values(rows, "evt.is_io"), values(rows, "evt.io_dir")
    assert values(rows, "evt.is_io_read") == [io and kind == "read" for io, kind in zip(is_io, kinds, strict=True)]
    assert values(rows, "evt.is_io_write") == [io and kind == "write" for io, kind in zip(is_io, kinds, strict=True)]


def test_direction_is_known_without_payload_too(rows: Rows) -> None:
    """As in the comments of the file."""
    assert values(rows, "evt.io_dir")[:4] == ["write", "read", "write", "read"]


def test_both_ends_have_the_packets_number(rows: Rows) -> None:
    """From 1."""
    assert values(rows, "evt.num") == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 7, 8, 9, 10, 11]


def test_bytes_are_counted_once(packets: Packets) -> None:
    """A retransmission moves 0 bytes; without payload buflen has no value and rawres is 0."""
    again = Packets.from_payloads(packets.trace, [b"abc", b"abc", b""], flow=0, writer=0, fresh=[3, 0, 0])
    rows = rows_of(again)
    assert values(rows, "evt.buflen") == [3, 0, None]
    for name in ("evt.rawres", "evt.rawarg.res", "evt.arg.res"):
        assert values(rows, name) == [3, 0, 0]


def test_buflen_is_what_was_sent_not_what_was_captured(packets: Packets) -> None:
    """The snap length does not change it."""
    cut = Packets.from_payloads(packets.trace, [b"abc"], payload_length=[1460], flow=0, writer=0)
    assert values(rows_of(cut), "evt.buflen") == [1460]


def test_buffer_is_the_captured_payload(rows: Rows) -> None:
    """None where there is none."""
    for name in ("evt.buffer", "evt.arg.data", "evt.rawarg.data"):
        found = values(rows, name)
        assert found[6:11] == [b"GET /fo", b"GET /fo", b"rm HTTP/1.1\r\n", b"rm HTTP/1.1\r\n", b"200 OK\xff"]
        assert found[:6] == [None] * 6


def test_a_payload_that_was_not_captured_is_missing(packets: Packets) -> None:
    """A snap length inside the headers leaves nothing to compare."""
    cut = Packets.from_payloads(packets.trace, [b""], payload_length=[100], flow=0, writer=0)
    assert values(rows_of(cut), "evt.buffer") == [None]


def test_constants(rows: Rows) -> None:
    """What is the same for every packet."""
    for name, expected in (("evt.dir", "<"), ("evt.category", "net"), ("evt.count", 1)):
        assert values(rows, name) == [expected] * len(rows)


def test_evidence_is_that_of_the_rows_end(rows: Rows) -> None:
    """And missing where no process is known."""
    found = values(rows, "evidence")
    assert (found[0], found[2], found[3], found[10], found[13], found[16]) == (
        *("socket", "listener", "socket", "snapshot", "procfs"),
        None,
    )


def test_an_interface_without_name_has_no_value(rows: Rows) -> None:
    """As in a classic pcap."""
    found = values(rows, "evt.interface")
    assert (found[0], found[10]) == ("lo", None)


def test_types_as_numbers(rows: Rows) -> None:
    """1 where evt.type is it, else 0."""
    for name in ("read", "connect", "packet"):
        assert values(rows, f"evt.type.is.{name}") == [int(kind == name) for kind in values(rows, "evt.type")]


def test_sizes_by_direction(rows: Rows) -> None:
    """What this end received or sent; no value where it did the other or nothing."""
    sizes, reads = values(rows, "evt.buflen"), values(rows, "evt.is_io_read")
    received = [size if read else None for size, read in zip(sizes, reads, strict=True)]
    sent = [None if read else size for size, read in zip(sizes, reads, strict=True)]
    assert any(received)
    assert any(sent)
    for name in ("evt.buflen.in", "evt.buflen.net.in"):
        assert values(rows, name) == received
    for name in ("evt.buflen.out", "evt.buflen.net.out"):
        assert values(rows, name) == sent
    assert values(rows, "evt.buflen.net") == sizes


def test_errors_are_counted(rows: Rows) -> None:
    """1 for a reset, and no value for the others, so that sums and counts agree."""
    for name in ("evt.count.error", "evt.count.error.net"):
        assert values(rows, name) == [1 if failed else None for failed in values(rows, "evt.failed")]
    assert values(rows, "evt.count.exit") == values(rows, "evt.count")

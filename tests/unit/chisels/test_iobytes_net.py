"""iobytes_net: bytes a second."""

from __future__ import annotations

from pcapdig.chisels.iobytes_net import IobytesNet
from pcapdig.render.items import Line
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.rows import rows_of


def test_a_second_without_bytes() -> None:
    """A second in which nothing passed the filter has a line of zeros."""
    (line,) = IobytesNet().interval(5_000_000_000)
    assert line == Line(text="in:0 out:0 tot:0", time_ns=5_000_000_000, fields=(("in", 0), ("out", 0), ("tot", 0)))


def test_reads_and_writes() -> None:
    """Traffic between two local processes is both; one end is what it is; retransmissions are nothing."""
    chisel = IobytesNet()
    packets = Packets.from_payloads(
        Tables(), [b"abc", b"de", b"f", b"gggg"], writer=[0, 0, -1, 0], reader=[1, -1, 0, -1], fresh=[3, 2, 1, 0]
    )
    chisel.feed(rows_of(packets))
    (line,) = chisel.interval(0)
    assert line.text == "in:4 out:5 tot:9"


def test_counting_starts_anew() -> None:
    """The next second begins with nothing, and there is nothing left for the end."""
    chisel = IobytesNet()
    chisel.feed(rows_of(Packets.from_payloads(Tables(), [b"abc"], writer=0)))
    chisel.interval(0)
    (line,) = chisel.interval(1_000_000_000)
    assert line.text == "in:0 out:0 tot:0"
    assert list(chisel.end()) == []

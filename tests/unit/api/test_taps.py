"""What stands for a chisel in a dig."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pcapdig.api.taps import Gathering, Tap
from pcapdig.render.items import Extract, Line
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.rows import rows_of


class Talker:
    """Hands out a line at each call, and at the end bytes for a file."""

    name = "talker"
    needs = "messages"

    def feed(self, rows: Any) -> Iterable[Any]:
        """A line."""
        yield Line(text="fed")

    def interval(self, time_ns: int) -> Iterable[Any]:
        """A line."""
        yield Line(text=f"second {time_ns}")

    def end(self) -> Iterable[Any]:
        """A line and a file."""
        yield Line(text="end")
        yield Extract(directory="d", name="n", data=b"x")


def test_a_tap_keeps_what_is_shown_and_passes_on_files() -> None:
    """In order, each once; the rest it answers as the chisel does."""
    tap = Tap(Talker())  # type: ignore[arg-type]
    rows = rows_of(Packets.from_payloads(Tables(), [b"a"]))
    assert [list(tap.feed(rows)), list(tap.interval(5))] == [[], []]
    assert tap.taken() == [{"text": "fed"}, {"text": "second 5"}]
    assert list(tap.end()) == [Extract(directory="d", name="n", data=b"x")]
    assert (tap.taken(), tap.taken()) == ([{"text": "end"}], [])
    assert (tap.name, tap.needs) == ("talker", "messages")


class Log(Talker):
    """Lines with times, as a log hands them out."""

    def feed(self, rows: Any) -> Iterable[Any]:
        """Two, the later one first."""
        yield Line(text="b", order_ns=2)
        yield Line(text="a", order_ns=1)


def test_a_log_comes_in_the_order_of_time() -> None:
    """When all of it is there."""
    tap = Tap(Log())  # type: ignore[arg-type]
    rows = rows_of(Packets.from_payloads(Tables(), [b"a"]))
    assert ([*tap.feed(rows)], tap.taken()) == ([], [])
    assert [*tap.end()] == [Extract(directory="d", name="n", data=b"x")]
    assert tap.taken() == [{"text": "end"}, {"text": "a"}, {"text": "b"}]


def test_a_chisel_that_writes_files_writes_them(lamp: Path, tmp_path: Path) -> None:
    """As from the command line."""
    import pcapdig

    captured = lamp.parent.parent / "tests" / "unit" / "protocols" / "captures" / "dns.pcap.gz"
    list(pcapdig.open(captured).chisel("udp_extract", tmp_path / "out"))
    assert any(path.stat().st_size for path in (tmp_path / "out").iterdir())


def test_gathering_keeps_rows() -> None:
    """And asks for messages when told to."""
    gathering = Gathering(messages=True)
    rows = rows_of(Packets.from_payloads(Tables(), [b"a"]))
    assert [*gathering.feed(rows), *gathering.interval(5), *gathering.end()] == []
    assert (gathering.taken(), gathering.taken()) == ([rows], [])
    assert (gathering.needs, Gathering(messages=False).needs) == ("messages", "packets")

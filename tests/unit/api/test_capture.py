"""A capture from Python beside the command line and tshark."""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from command import dig

import pcapdig

SHOWN = (
    "evt.num",
    "evt.rawtime",
    "evt.type",
    "evt.io_dir",
    "proc.name",
    "proc.pid",
    "fd.name",
    "fd.lport",
    "evt.rawres",
    "evidence",
)
FILTERS = (
    "",
    "proc.name=httpd",
    "fd.sport=80 and evt.is_io=true",
    "evt.buffer contains form",
    "proc.name=httpd and evt.buffer contains form and evt.is_io_read=true",
    "evt.type in (connect, accept, close)",
    "fd.ip=127.0.0.1 or not proc.name exists",
    "evt.latency>1000000",
)


@pytest.mark.parametrize("filter", FILTERS)
def test_events_are_those_of_the_command_line(lamp: Path, filter: str) -> None:
    """The same ones in the same order, and fields have the same values."""
    done = dig("-r", lamp, "-j", "-p", "*" + " ".join(f"%{name}" for name in SHOWN), *filter.split())
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    with pcapdig.open(lamp) as trace:
        assert [{name: event[name] for name in SHOWN} for event in trace.events(filter)] == shown


@pytest.mark.parametrize(
    ("command", "call"),
    [
        ("-c topconns proc.name=httpd", lambda t: t.chisel("topconns", filter="proc.name=httpd")),
        ("-c fdbytes_by proc.name", lambda t: t.chisel("fdbytes_by", "proc.name")),
        ("-c topports_server", lambda t: t.chisel("topports_server")),
    ],
)
def test_tables_are_those_of_the_command_line(lamp: Path, command: str, call: Any) -> None:
    """A dict a row, keyed by the fields."""
    shown = json.loads(dig("-r", lamp, "-j", *command.split()).stdout)
    names = [column["name"] for column in shown["info"]]
    assert list(call(pcapdig.open(lamp))) == [dict(zip(names, row, strict=True)) for row in shown["data"]]


@pytest.mark.parametrize("name", ["httplog", "conns", "iobytes_net", "plaintext"])
def test_lines_are_those_of_the_command_line(lamp: Path, name: str) -> None:
    """A dict a line; a heading is none."""
    shown = [json.loads(line) for line in dig("-r", lamp, "-j", "-c", name).stdout.splitlines()]
    assert list(pcapdig.open(lamp).chisel(name)) == shown
    assert shown


@pytest.mark.parametrize("filter", ["proc.name=mysqld", "evt.buffer contains SELECT", "evt.num<=9"])
def test_packets_pass_as_with_w(lamp: Path, tmp_path: Path, tshark: Any, filter: str) -> None:
    """As many packets, of the same times, as -r -w keeps."""
    assert dig("-r", lamp, "-w", tmp_path / "kept.pcapng", *filter.split()).returncode == 0
    times = [row[0] for row in tshark(tmp_path / "kept.pcapng", "frame.time_epoch")]
    with pcapdig.open(lamp) as trace:
        packets = trace.packets(filter)
        assert [f"{ns // 10**9}.{ns % 10**9:09d}" for ns in packets.time_ns.tolist()] == times
        assert [f"{packet.time:.9f}" for packet in trace.scapy(filter)] == times
        assert trace.to_arrow(filter).num_rows == len(trace.to_pandas(filter)) == len(times) > 0


def test_a_wrong_filter_is_refused_before_reading(lamp: Path) -> None:
    """When it is given, with its column."""
    trace = pcapdig.open(lamp)
    for method in (trace.events, trace.packets, trace.flows, trace.to_arrow, trace.to_pandas, trace.scapy):
        with pytest.raises(pcapdig.FilterError) as caught:
            method("proc.name=httpd and fd.sprt=80")
        assert (caught.value.column, caught.value.detail.splitlines()[1]) == (21, " " * 20 + "^")
    with pytest.raises(pcapdig.FilterError):
        trace.chisel("topconns", filter="proc.name=")


def test_it_can_be_gone_through_again_and_at_once(lamp: Path) -> None:
    """Each pass begins anew and disturbs no other."""
    trace = pcapdig.open(lamp)
    first, second = iter(trace), trace.events()
    ahead = [event.number for event in itertools.islice(first, 100)]
    assert [event.number for event in second] == ahead + [event.number for event in first]
    assert len(list(trace)) == 570


def test_leaving_it_ends_what_is_under_way(lamp: Path) -> None:
    """And nothing new begins."""
    with pcapdig.open(lamp) as trace:
        events = trace.events()
        next(events)
    assert list(events) == []
    for use in (trace.packets, trace.flows, trace.processes, trace.to_arrow, lambda: trace.chisel("topconns")):
        with pytest.raises(pcapdig.UsageError, match="the capture is closed; open it again") as error:
            list(use())
        assert isinstance(error.value, ValueError)


def test_messages_where_they_are_asked_for(lamp: Path) -> None:
    """Whatever the filter; packets otherwise."""
    trace = pcapdig.open(lamp)
    sent = "proc.name=sshd and evt.is_io_write=true"
    packets, messages = list(trace.events(sent)), list(trace.events(sent, messages=True))
    assert len(messages) < len(packets)
    assert sum(event.size for event in messages) == sum(event.size for event in packets)


class TestDamage:
    """Two whole packets, then a cut one."""

    @pytest.fixture
    def cut(self, small: bytes) -> io.BytesIO:
        """The file."""
        return io.BytesIO(small[:-9])

    def test_what_is_whole_is_given_first(self, cut: io.BytesIO) -> None:
        """Then InputError says what and where."""
        trace = pcapdig.open(cut)
        for take in (
            lambda: (event.number for event in trace),
            lambda: (number for part in trace.packets(batches=True) for number in part.number.tolist()),
            lambda: (number for number, _ in enumerate(trace.scapy(), 1)),
            lambda: (number for flow in trace.flows() for number in range(1, flow.packets + 1)),
            lambda: (n for row in trace.chisel("topconns") for n in range(1, row["evt.rawarg.res"] // 3 + 1)),
        ):
            had: list[int] = []
            with pytest.raises(pcapdig.InputError, match=r"damaged at byte \d+: cut short"):
                had.extend(take())
            assert had == [1, 2]

    def test_all_at_once_is_not_given(self, cut: io.BytesIO) -> None:
        """There is no telling that some is missing."""
        for method in (pcapdig.open(cut).packets, pcapdig.open(cut).to_arrow, pcapdig.open(cut).processes):
            with pytest.raises(pcapdig.InputError):
                method()

    def test_or_it_is_only_noted(self, cut: io.BytesIO) -> None:
        """With strict=False."""
        trace = pcapdig.open(cut, strict=False)
        assert trace.damage is None
        assert len(trace.packets()) == len(list(trace)) == len(trace.to_pandas()) == 2
        assert "cut short" in str(trace.damage)

    def test_a_sound_pass_forgets_it(self, small: bytes) -> None:
        """It is what was wrong the last time."""
        stream = io.BytesIO(small[:-9])
        trace = pcapdig.open(stream, strict=False)
        trace.packets()
        stream.seek(0)
        stream.write(small)
        trace.packets()
        assert trace.damage is None

    def test_parquet_holds_what_came_before(self, cut: io.BytesIO, tmp_path: Path) -> None:
        """Whole files, then the error."""
        import pyarrow.parquet

        with pytest.raises(pcapdig.InputError):
            pcapdig.open(cut).to_parquet(tmp_path)
        assert pyarrow.parquet.read_table(tmp_path / "packets.parquet").num_rows == 2
        assert len(list(tmp_path.iterdir())) == 4


def test_processes_and_interfaces(lamp: Path) -> None:
    """Those the file names."""
    trace = pcapdig.open(lamp)
    assert {process.name for process in trace.processes()} == {"curl", "httpd", "mysqld", "mysql", "ssh", "sshd"}
    (interface,) = trace.interfaces()
    assert (interface.name, interface.link_type) == ("lo", 1)


def test_an_unknown_table_is_refused(lamp: Path) -> None:
    """It says which there are."""
    with pytest.raises(pcapdig.UsageError, match="no table 'packet'; there are: packets, flows, processes, interfaces"):
        pcapdig.open(lamp).to_arrow(table="packet")  # type: ignore[call-overload]


def test_tunnels_are_looked_into_when_asked(tmp_path: Path) -> None:
    """decap=True is --decap."""
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Ether
    from scapy.utils import wrpcap

    inner = IP(src="10.1.1.1", dst="10.1.1.2") / TCP(sport=4000, dport=80, flags="S")
    wrpcap(str(tmp_path / "t.pcap"), [Ether() / IP(src="192.0.2.1", dst="192.0.2.2") / inner])
    names = [next(pcapdig.open(tmp_path / "t.pcap", decap=decap).flows()).flow.name for decap in (False, True)]
    assert names == ["192.0.2.1->192.0.2.2", "10.1.1.1:4000->10.1.1.2:80"]


def test_warnings_are_not_made(lamp: Path, recwarn: pytest.WarningsRecorder) -> None:
    """A capture left open in the middle leaves nothing behind."""
    events = iter(pcapdig.open(lamp))
    next(events)
    del events
    assert not list(recwarn)

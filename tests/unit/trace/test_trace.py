"""A trace opened: chunks, batches, files, and what tshark and capinfos say of the same files."""

from __future__ import annotations

import gzip
import itertools
import re
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pcapdig.errors import InputError
from pcapdig.pcapng import blocks, comments
from pcapdig.pcapng.source import open_reads, open_source
from pcapdig.procs.process import Process
from pcapdig.trace import trace as trace_module
from pcapdig.trace.columns import DIRECTION_BITS
from pcapdig.trace.trace import Trace

SYN, FIN, RST, PSH, ACK = 2, 1, 4, 8, 16
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")


def mixed_file(files: Any, wire: Any) -> bytes:
    """All packet blocks, two sections of different byte order, comments, two interfaces."""
    written = comments.line(Process(name="curl", pid=7), is_write=True, evidence="socket")
    other = files.in_order(">")
    return bytes(
        files.section()
        + files.interface(name=b"lo")
        + files.interface(name=b"eth0", resolution=6)
        + files.packet(wire.tcp(flags=SYN, seq=9), ticks=1, comments=(written,))
        + files.block(0x0BAD, bytes(33))
        + files.packet(wire.tcp(b"hello", seq=10), ticks=2, flags=2, interface=1)
        + files.block(3, files.pack("I", 60) + wire.udp(b"x" * 18))
        + files.statistics(0, {4: 5})
        + other.section()
        + other.interface(name=b"lo")
        + other.packet(wire.tcp(b"hello", seq=10), ticks=3, comments=(b"note", written))
        + other.block(2, other.pack("HHIIII", 0, 0, 0, 9, 4, 60) + b"abcd")
    )


def test_any_chunks_give_the_same(take: Any, files: Any, wire: Any) -> None:
    """Whole, one byte at a time, and in pieces of some other sizes."""
    data = mixed_file(files, wire)
    whole = take(data)
    assert whole.error is None
    assert len(whole.number) == 5
    for chunk_bytes in (1, 2, 3, 7, 64, 101, len(data) - 1):
        taken = take(data, chunk_bytes=chunk_bytes)
        assert (taken.columns, taken.buffers, taken.error) == (whole.columns, whole.buffers, None)
        assert (taken.names, taken.trace.interfaces) == (whole.names, whole.trace.interfaces)


def test_a_batch_points_into_the_chunk_it_came_from(files: Any, wire: Any) -> None:
    """What a map or a large chunk holds is not copied."""
    data = files.frames(wire.tcp(b"hello"), wire.udp(b"you"))
    (packets,) = Trace().feed(data)
    assert isinstance(packets.data, memoryview)
    assert packets.data.obj is data
    assert packets.packet_bytes(1) == wire.udp(b"you")
    assert data[packets.payload_offset[0] :][:5] == b"hello"


def test_batches_are_bounded_by_packets(take: Any, files: Any, wire: Any, monkeypatch: Any) -> None:
    """Numbers go on, and flows are found again in the next batch."""
    monkeypatch.setattr(trace_module, "BATCH_PACKETS", 3)
    taken = take(files.frames(*[wire.udp(b"x")] * 11))
    assert taken.batches == 4
    assert taken.number == list(range(1, 12))
    assert taken.flow == [0] * 11


def test_batches_are_bounded_by_bytes(take: Any, files: Any, wire: Any, monkeypatch: Any) -> None:
    """A batch ends with the block that passes the limit."""
    monkeypatch.setattr(trace_module, "BATCH_BYTES", 200)
    taken = take(files.frames(*[wire.udp(b"x" * 50)] * 11))
    assert taken.batches == 6
    assert taken.number == list(range(1, 12))


def test_nothing_is_read_ahead(files: Any, wire: Any, monkeypatch: Any) -> None:
    """A caller that wants the first packets only need not wait for damage behind them."""
    monkeypatch.setattr(trace_module, "BATCH_PACKETS", 1)
    batches = Trace().feed(files.frames(wire.udp()) + b"\xff" * 50)
    assert len(next(batches)) == 1
    with pytest.raises(InputError, match="damaged at byte"):
        next(batches)


def test_damage_in_a_later_chunk_has_the_offset_in_the_file(take: Any, files: Any, wire: Any) -> None:
    """Offsets count from the first byte of the input, however it was cut."""
    good = files.frames(wire.udp(), wire.udp())
    data = good + files.block(6, bytes(16)) + files.packet(b"more")
    for chunk_bytes in (None, 1, 10, 64):
        taken = take(data, chunk_bytes=chunk_bytes)
        assert taken.error == f"file: damaged at byte {len(good)}: a block shorter than its kind can be"
        assert taken.number == [1, 2]


def test_tables_grow_from_batch_to_batch(files: Any, wire: Any) -> None:
    """What was handed out stays valid while more is fed."""
    trace = Trace()
    (first,) = trace.feed(files.frames(wire.udp(b"a", ports=(1000, 53))))
    flows = trace.flows.client_port
    for port in range(1001, 1301):
        list(trace.feed(files.packet(wire.udp(ports=(port, 53)))))
    assert first.flow.tolist() == [0]
    assert flows.tolist() == [1000]
    assert trace.flows.client_port.tolist() == list(range(1000, 1301))
    assert trace.flows.first_ns[0] == 0
    assert first.buffer(0) == b"a"


def test_the_first_packet_tells_when_a_trace_began(files: Any, wire: Any) -> None:
    """Whatever it carries, and however many inputs follow."""
    trace = Trace()
    assert trace.first_ns is None
    list(trace.feed(files.section()))
    assert trace.first_ns is None
    list(trace.feed(files.interface() + files.packet(b"arp", ticks=7) + files.packet(wire.udp(), ticks=5)))
    trace.begin("another")
    list(trace.feed(files.frames(wire.udp())))
    assert trace.first_ns == 7


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    """The words are those of pcapng/source.py."""
    with pytest.raises(InputError, match=r"absent\.pcapng: "):
        list(Trace().read(str(tmp_path / "absent.pcapng")))


def test_files_are_read_one_after_another(tmp_path: Path, files: Any, wire: Any) -> None:
    """Formats may differ; packets are numbered on, flows and sequence numbers are known from the file before."""
    (tmp_path / "1.pcap").write_bytes(files.pcap((1, 0, wire.tcp(flags=SYN, seq=9)), (1, 5, wire.tcp(b"abc", seq=10))))
    (tmp_path / "2.pcapng").write_bytes(files.frames(wire.tcp(b"abcde", seq=10)))
    (tmp_path / "3.pcap").write_bytes(files.pcap((1, 0, wire.tcp(b"de", seq=13)), link_word=101))
    trace = Trace()
    batches = [batch for name in ("1.pcap", "2.pcapng", "3.pcap") for batch in trace.read(str(tmp_path / name))]
    assert [batch.number.tolist() for batch in batches] == [[1, 2], [3], [4]]
    assert [batch.fresh.tolist() for batch in batches] == [[0, 3], [2], [0]]
    assert [batch.interface.tolist() for batch in batches] == [[0, 0], [1], [2]]


def test_a_damaged_file_does_not_harm_the_next(tmp_path: Path, files: Any, wire: Any) -> None:
    """After the error another file can be read into the same trace."""
    good = files.frames(wire.udp())
    (tmp_path / "cut").write_bytes(good[:-5])
    (tmp_path / "good").write_bytes(good)
    trace = Trace()
    with pytest.raises(InputError, match=r"cut: damaged at byte 56: cut short"):
        list(trace.read(str(tmp_path / "cut")))
    assert [len(batch) for batch in trace.read(str(tmp_path / "good"))] == [1]


def test_batches_of_a_mapped_file_stay_readable(tmp_path: Path, files: Any, wire: Any, monkeypatch: Any) -> None:
    """Their pages are given back to the kernel while the next batch is read, and come again when looked at."""
    monkeypatch.setattr(trace_module, "BATCH_BYTES", 1 << 16)
    payloads = [bytes([i % 251]) * 1009 for i in range(499)]
    (tmp_path / "a.pcapng").write_bytes(files.frames(*(wire.udp(payload) for payload in payloads)))
    batches = list(Trace().read(str(tmp_path / "a.pcapng")))
    assert len(batches) == 9
    assert [batch.buffer(i) for batch in batches for i in range(len(batch))] == payloads


def test_any_number_of_packets_fits(take: Any, files: Any, wire: Any) -> None:
    """Packets that are much smaller than those before them only make more batches."""
    frames = [wire.udp(bytes(20_000))] * 101 + [b""] * 100_003
    taken = take(files.frames(*frames, step_ns=1))
    assert taken.number == list(range(1, 100_105))
    assert taken.batches > 1


def test_compressed_files_are_read(tmp_path: Path, files: Any, wire: Any) -> None:
    """And damage is told in uncompressed bytes, which is said."""
    data = mixed_file(files, wire)
    (tmp_path / "a.gz").write_bytes(gzip.compress(data))
    assert sum(len(batch) for batch in Trace().read(str(tmp_path / "a.gz"))) == 5
    (tmp_path / "b.gz").write_bytes(gzip.compress(data + b"\xff" * 20))
    with pytest.raises(InputError, match=f"damaged at uncompressed byte {len(data)}"):
        list(Trace().read(str(tmp_path / "b.gz")))


def test_a_file_that_names_its_own_kind_first() -> None:
    """An interface's rows and the trace's tables are empty before anything is fed."""
    trace = Trace()
    assert (len(trace.flows), trace.processes, trace.interfaces) == (0, [], [])
    assert list(trace.feed(b"")) == []


def tshark(path: Path, *arguments: str) -> list[list[str]]:
    """Rows of fields as tshark prints them."""
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=;", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def gathered(path: Path) -> tuple[Trace, dict[str, list[Any]]]:
    """All columns of a file."""
    trace = Trace()
    columns: dict[str, list[Any]] = {}
    for packets in trace.read(str(path)):
        for name in packets.__dataclass_fields__:
            if name not in ("trace", "data"):
                columns.setdefault(name, []).extend(getattr(packets, name).tolist())
    return trace, columns


def scapy_packets() -> list[Any]:
    """Packets of many kinds, made by scapy."""
    from scapy.layers.dns import DNS, DNSQR
    from scapy.layers.inet import ICMP, IP, TCP, UDP
    from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, IPv6ExtHdrHopByHop
    from scapy.layers.l2 import ARP, Dot1Q, Ether
    from scapy.packet import Raw

    v4, v6 = IP(src="192.0.2.1", dst="192.0.2.99"), IPv6(src="2001:db8::1", dst="2001:db8::99")
    eth = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    return [
        eth / v4 / TCP(sport=40000, dport=8080, flags="S", seq=100),
        eth
        / v4
        / TCP(sport=40000, dport=8080, flags="PA", seq=101, options=[("NOP", None)] * 8)
        / Raw(b"GET / HTTP/1.1\r\n\r\n"),
        eth / Dot1Q(vlan=7) / v4 / TCP(sport=40001, dport=8080, flags="A", seq=2**32 - 3) / Raw(b"wraps around"),
        eth / Dot1Q(vlan=7) / Dot1Q(vlan=8) / v6 / UDP(sport=5000, dport=9999) / Raw(b"six"),
        eth / v6 / IPv6ExtHdrHopByHop() / TCP(sport=40002, dport=8080, flags="FA", seq=5) / Raw(b"bye"),
        eth / v4 / UDP(sport=5353, dport=53) / DNS(qd=DNSQR(qname="example.org")),
        eth / v4 / ICMP(id=77) / Raw(b"ping"),
        eth / v6 / ICMPv6EchoRequest(id=78, data=b"ping6"),
        eth / IP(src="192.0.2.1", dst="192.0.2.99", options=[b"\x01" * 4]) / UDP(sport=1, dport=2) / Raw(b"options"),
        eth / ARP(psrc="192.0.2.1", pdst="192.0.2.99"),
        eth / v4 / TCP(sport=40003, dport=8080, flags="R", seq=1),
    ]


@needs_tshark
def test_fields_are_those_of_tshark(tmp_path: Path) -> None:
    """Times to the ns, lengths, interfaces, addresses, ports, payload lengths, directions and comments."""
    path = tmp_path / "scapy.pcapng"
    texts = [comments.line(Process(name="p", pid=i), is_write=True, evidence="socket") for i in range(3)]
    frames = [bytes(packet) for packet in scapy_packets()]
    path.write_bytes(
        blocks.section_header()
        + b"".join(blocks.interface_description(name=name, link_type=1) for name in ("lo", "eth0"))
        + b"".join(
            blocks.enhanced_packet(
                interface=i % 2,
                time_ns=1_700_000_000_000_000_000 + i * 999_999_937,
                data=frame[: 60 if i == 5 else None],
                original_length=len(frame),
                flags=i % 3,
                comments=(texts[i % 3],),
            )
            for i, frame in enumerate(frames)
        )
    )
    fields = "frame.number frame.time_epoch frame.len frame.cap_len frame.interface_id frame.packet_flags_direction frame.comment"
    fields += " ip.src ip.dst ipv6.src ipv6.dst tcp.srcport tcp.dstport udp.srcport udp.dstport tcp.len udp.length tcp.seq_raw"
    rows = tshark(path, *itertools.chain.from_iterable(("-e", name) for name in fields.split()))
    trace, ours = gathered(path)
    assert len(rows) == len(frames) == len(ours["number"])
    for i, row in enumerate(rows):
        said = dict(zip(fields.split(), row, strict=True))
        seconds, fraction = said["frame.time_epoch"].split(".")
        assert ours["time_ns"][i] == int(seconds) * 10**9 + int(fraction)
        assert ours["number"][i] == int(said["frame.number"])
        assert (ours["original"][i], ours["captured"][i]) == (int(said["frame.len"]), int(said["frame.cap_len"]))
        assert ours["interface"][i] == int(said["frame.interface_id"])
        assert ours["direction"][i] & DIRECTION_BITS == int(said["frame.packet_flags_direction"] or "0", 16)
        process = trace.processes[ours["writer"][i]]
        assert comments.line(process, is_write=True, evidence="socket").decode() == said["frame.comment"]
        if said["tcp.srcport"] or said["udp.srcport"]:
            ends = [
                (said["ip.src"] or said["ipv6.src"], said["tcp.srcport"] or said["udp.srcport"]),
                (said["ip.dst"] or said["ipv6.dst"], said["tcp.dstport"] or said["udp.dstport"]),
            ]
            client, server = ends if ours["forward"][i] else ends[::-1]
            assert trace.flows.name(ours["flow"][i]) == f"{client[0]}:{client[1]}->{server[0]}:{server[1]}"
            length = said["tcp.len"] or int(said["udp.length"]) - 8
            assert ours["payload_length"][i] == int(length)
            assert ours["seq"][i] == int(said["tcp.seq_raw"] or 0)


def recorded_on_loopback(path: Path) -> tuple[int, int]:
    """Record TCP exchanges of this process with tcpdump; the bytes that clients and servers sent."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    rounds, question, answer = 7, b"q" * 1009, b"a" * 300_007
    tcpdump = subprocess.Popen(
        f"tcpdump -i lo -w {path} -U --immediate-mode -B 131072 --nano port {port}".split(),
        stderr=subprocess.PIPE,
    )
    assert tcpdump.stderr is not None
    assert b"listening" in b"".join(iter(lambda: tcpdump.stderr.read(1), b"\n"))  # type: ignore[union-attr]

    def serve() -> None:
        for _ in range(rounds):
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as stream:
                stream.read(len(question))
                connection.sendall(answer)

    server = threading.Thread(target=serve)
    server.start()
    for _ in range(rounds):
        with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as stream:
            connection.sendall(question)
            assert len(stream.read()) == len(answer)
    server.join()
    listener.close()
    # The ring is first in, first out: once the marker is in the file, so is all that was sent before it.
    marker = b"that was all"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
        last.sendto(marker, ("127.0.0.1", port))
    for _ in range(200):
        if marker in path.read_bytes():
            break
        time.sleep(0.1)
    tcpdump.terminate()
    assert b"\n0 packets dropped by kernel" in tcpdump.communicate()[1]
    return rounds * len(question), rounds * len(answer)


@pytest.mark.live
@needs_tshark
def test_a_recording_of_tcpdump(tmp_path: Path) -> None:
    """Real traffic on loopback: fresh bytes are what the programs sent; flows and totals are those of tshark and capinfos."""
    path = tmp_path / "lo.pcap"
    asked, answered = recorded_on_loopback(path)
    trace, ours = gathered(path)
    assert ours["fresh"].pop() == len(b"that was all")
    for column in ours.values():
        del column[len(ours["fresh"]) :]
    by_direction = [0, 0]
    for fresh, forward in zip(ours["fresh"], ours["forward"], strict=True):
        by_direction[forward] += fresh
    assert by_direction == [answered, asked]

    rows = tshark(path, "-Y", "tcp", "-e", "frame.time_epoch", "-e", "tcp.len", "-e", "tcp.stream", "-e", "tcp.flags")
    assert [int(row[0].replace(".", "")) for row in rows] == ours["time_ns"]
    assert [int(row[1]) for row in rows] == ours["payload_length"]
    assert [int(row[2]) for row in rows] == ours["flow"]
    assert [int(row[3], 16) & 0xFF for row in rows] == ours["tcp_flags"]

    done = subprocess.run(
        ["tshark", "-n", "-q", "-z", "conv,tcp", "-r", path], capture_output=True, text=True, check=True
    )
    conversations = re.findall(r"^(\S+:\d+)\s+<->\s+(\S+:\d+)", done.stdout, re.MULTILINE)
    names = {frozenset(trace.flows.name(row).split("->")) for row in range(len(trace.flows) - 1)}
    assert {frozenset(ends) for ends in conversations} == names
    count = subprocess.run(["capinfos", "-Mc", path], capture_output=True, text=True, check=True).stdout
    assert int(count.split()[-1]) == len(ours["number"]) + 1


def test_a_source_that_is_open_is_read(files: Any, wire: Any) -> None:
    """From its start, under its own name."""
    data = files.frames(wire.tcp(b"a"), wire.tcp(b"b"))
    trace = Trace()
    (packets,) = trace.read(open_reads("a socket", iter([data])))
    assert packets.number.tolist() == [1, 2]
    with pytest.raises(InputError, match="^a socket: damaged at byte"):
        list(trace.read(open_reads("a socket", iter([data[:-1]]))))


def test_how_far_a_source_was_walked_is_noted(tmp_path: Path, files: Any, wire: Any) -> None:
    """Batch by batch, of the size that is asked for; at the end all of it."""
    data = files.frames(*[wire.tcp(b"x" * 1000)] * 50)
    (tmp_path / "t").write_bytes(data)
    trace = Trace()
    trace.batch_bytes = 10_000
    source = open_source(str(tmp_path / "t"))
    walked = [source.walked_bytes for _ in trace.read(source)]
    assert walked == sorted(walked)
    assert len(walked) > 4
    assert len(data) // 2 < walked[-1] <= source.walked_bytes == len(data)

"""Files dug by the command line: the tutorial's words, and damage."""

from __future__ import annotations

import gzip
import io
import json
import struct
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from pcapdig.pcapng import blocks

Run = Callable[..., "Ended"]  # noqa: F821  # of conftest.py, which tests cannot import
pytestmark = pytest.mark.usefixtures("folder")
TUPLE = "127.0.0.1:41135->127.0.0.1:80"


def block_ends(capture: bytes) -> list[int]:
    """Give where each pcapng block ends."""
    ends = [0]
    while ends[-1] < len(capture):
        ends.append(ends[-1] + struct.unpack_from("<I", capture, ends[-1] + 4)[0])
    return ends[1:]


def test_a_file_cut_at_any_byte_is_dug_up_to_there(run: Run, folder: Path) -> None:
    """All whole packets are shown first, then one line with file and offset, exit status 1."""
    capture = (folder / "t.pcapng").read_bytes()
    ends = block_ends(capture)
    for cut in range(1, len(capture), 37):
        (folder / "cut.pcapng").write_bytes(capture[:cut])
        ended = run("-r", "cut.pcapng", "-p", "%evt.num %evt.io_dir", "evt.io_dir=write")
        whole = max(0, sum(end <= cut for end in ends) - 2)
        assert whole == len(ended.out.splitlines()), f"cut at {cut}"
        if cut not in ends:
            assert (1, 1) == (ended.status, ended.err.count("\n")), f"cut at {cut}"
            assert "cut.pcapng: " in ended.err


def test_a_table_of_a_cut_file_comes_before_the_error(run: Run, folder: Path) -> None:
    """What could be counted is shown."""
    capture = (folder / "t.pcapng").read_bytes()
    (folder / "cut.pcapng").write_bytes(capture[:-5])
    ended = run("-r", "cut.pcapng", "-c", "topprocs_net")
    assert 1 == ended.status
    assert {"httpd", "curl"} == {line.split()[1] for line in ended.out.splitlines()[2:]}


def test_topprocs_net(run: Run) -> None:
    """Each process with what it read and wrote, largest first, ties by name."""
    ended = run("-r", "t.pcapng", "-c", "topprocs_net")
    assert [
        "Bytes     Process   ",
        "------------------------------",
        "91B       curl",
        "91B       httpd",
    ] == ended.out.splitlines()
    assert (0, "") == (ended.status, ended.err)


@pytest.mark.parametrize(
    "argv",
    [
        ["-r", "t.pcapng", "-c", "topconns", "proc.name=httpd"],
        ["topconns", "-r", "t.pcapng", "proc.name=httpd"],
        ["topconns", "proc.name=httpd", "-r", "t.pcapng"],
        ["-r", "t.pcapng", "proc.name=httpd", "-c", "topconns"],
        ["-r", "t.pcap", "-c", "topconns"],
    ],
)
def test_topconns_in_every_order_of_words(run: Run, argv: list[str]) -> None:
    """As -c and as a subcommand, filter before or after; a pcap too."""
    row = f"91B       tcp       {TUPLE}"
    assert ["Bytes     Proto     Conn      ", "-" * 30, row] == run(*argv).out.splitlines()


def test_echo_fds_of_the_tutorial(run: Run) -> None:
    """The keyword search: options, chisel and filter unquoted."""
    words = "-A -c echo_fds fd.ip=127.0.0.1 and proc.name=httpd and evt.is_io_read=true and evt.buffer contains nosuch"
    ended = run("-r", "t.pcapng", *words.split())
    assert f"------ Read 41B from {TUPLE}\n\nGET /nosuch HTTP/1.1\nHost: localhost\n\n\n" == ended.out


def test_verbose_names_the_process(run: Run) -> None:
    """In the header."""
    ended = run("-r", "t.pcapng", "-v", "-c", "echo_fds", "proc.name=httpd")
    assert [f"------ Read 41B from {TUPLE} (httpd)", f"------ Write 50B to {TUPLE} (httpd)"] == [
        line for line in ended.out.splitlines() if line.startswith("------")
    ]


def test_several_chisels_answer_in_the_order_given(run: Run) -> None:
    """One pass, two tables."""
    ended = run("-r", "t.pcapng", "-c", "topconns", "-c", "topprocs_net")
    assert ended.out.index("Proto") < ended.out.index("Process")


def test_several_files_are_one_trace(run: Run, folder: Path) -> None:
    """Merged by time and numbered through; what both have counts once, as on two interfaces."""
    assert "91B       curl" in run("-r", "t.pcapng", "-r", "t.pcapng", "-c", "topprocs_net").out
    numbers = run("-r", "t.pcapng", "-r", "t.pcapng", "-p", "%evt.num", "evt.io_dir=write").out.split()
    assert [str(number) for number in range(1, 13)] == numbers
    halves = block_ends((folder / "t.pcapng").read_bytes())
    capture = (folder / "t.pcapng").read_bytes()
    (folder / "2").write_bytes(capture[: halves[1]] + capture[halves[4] :])
    (folder / "1").write_bytes(capture[: halves[4]])
    whole = run("-r", "t.pcapng", "-c", "echo_fds").out
    assert whole == run("-r", "2", "-r", "1", "-c", "echo_fds").out


def test_a_damaged_file_among_several(run: Run, folder: Path) -> None:
    """The others are dug to their ends; the error comes after the results."""
    (folder / "cut.pcapng").write_bytes((folder / "t.pcapng").read_bytes()[:-5])
    ended = run("-r", "cut.pcapng", "-r", "t.pcapng", "-c", "topprocs_net")
    assert ended.status == 1
    assert "91B       curl" in ended.out
    assert (1, True) == (ended.err.count("\n"), ended.err.startswith("cut.pcapng: damaged at byte "))


def in_vxlan(capture: bytes) -> bytes:
    """The same capture with each frame in a VXLAN tunnel. Its packets begin 28 bytes into their blocks."""
    udp = struct.pack(">HHHH", 50000, 4789, 0, 0)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, 17, 0, b"\xc0\0\2\1", b"\xc0\0\2\2")
    outer = bytes(12) + b"\x08\x00" + ip + udp + b"\x08" + bytes(7)
    ends = [0, *block_ends(capture)]
    parts = []
    for start, end in pairwise(ends):
        block = capture[start:end]
        if block[0] == 6:
            captured, original = struct.unpack_from("<II", block, 20)
            frame, options = block[28 : 28 + captured], block[28 + captured + -captured % 4 : -4]
            body = block[8:20] + struct.pack("<II", captured + len(outer), original + len(outer)) + outer + frame
            body += bytes(-len(body) % 4) + options
            size = struct.pack("<I", len(body) + 12)
            block = block[:4] + size + body + size
        parts.append(block)
    return b"".join(parts)


def test_decap_looks_into_tunnels(run: Run, folder: Path) -> None:
    """Connections, data and processes are those inside; without it they are the tunnel's."""
    (folder / "vxlan.pcapng").write_bytes(in_vxlan((folder / "t.pcapng").read_bytes()))
    plain = run("-r", "t.pcapng", "-c", "echo_fds").out
    assert "GET /nosuch" in plain
    assert plain == run("--decap", "-r", "vxlan.pcapng", "-c", "echo_fds").out
    assert "192.0.2.1:50000->192.0.2.2:4789" in run("-r", "vxlan.pcapng", "-c", "topconns").out


def test_copying_with_decap_filters_by_the_inner_packet(run: Run, folder: Path) -> None:
    """What passes is written as it was, tunnel and all."""
    capture = in_vxlan((folder / "t.pcapng").read_bytes())
    (folder / "vxlan.pcapng").write_bytes(capture)
    assert run("--decap", "-r", "vxlan.pcapng", "-w", "out.pcapng", "fd.port=80").status == 0
    assert (folder / "out.pcapng").read_bytes() == capture
    assert run("-r", "vxlan.pcapng", "-w", "none.pcapng", "fd.port=80").status == 0
    assert len((folder / "none.pcapng").read_bytes()) < len(capture) // 2


def test_n_counts_events_that_passed(run: Run) -> None:
    """Two of them, whatever was passed over."""
    assert 2 == len(run("-r", "t.pcapng", "-n", "2", "proc.name=httpd").out.splitlines())


def test_quiet_shows_no_lines(run: Run) -> None:
    """-q."""
    assert "" == run("-r", "t.pcapng", "-q").out


def test_json_is_json(run: Run) -> None:
    """Lines, tables and exchanges."""
    lines = run("-r", "t.pcapng", "-j").out.splitlines()
    assert 12 == len([json.loads(line) for line in lines])
    assert [["curl", 91], ["httpd", 91]] == json.loads(run("-r", "t.pcapng", "-j", "-c", "topprocs_net").out)["data"]
    exchanges = run("-r", "t.pcapng", "-j", "-c", "echo_fds", "proc.name=curl").out.splitlines()
    assert [41, 50] == [json.loads(line)["evt.rawres"] for line in exchanges]


def test_no_escape_is_written_into_a_pipe(run: Run) -> None:
    """Colour is for terminals."""
    assert "\x1b" not in run("-r", "t.pcapng").out + run("-r", "t.pcapng", "-c", "echo_fds").out


def test_containers_are_shown_under_pc(run: Run) -> None:
    """In event lines and headers."""
    assert " [59fd49aa4072] httpd (15457) " in run("-r", "t.pcapng", "-pc").out
    assert "from [59fd49aa4072] 127" in run("-r", "t.pcapng", "-pc", "-c", "echo_fds", "proc.name=httpd").out


def test_standard_input_is_a_file_too(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """-r - reads it, packed or not."""
    packed = folder / "t.gz"
    packed.write_bytes(gzip.compress((folder / "t.pcapng").read_bytes()))
    for file in (packed, folder / "t.pcapng"):
        import os

        saved = os.dup(0)
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.dup2(descriptor, 0)
            assert "91B       curl" in run("-r", "-", "-c", "topprocs_net").out
        finally:
            os.dup2(saved, 0)
            os.close(saved)
            os.close(descriptor)


def test_colour_goes_to_a_terminal(folder: Path) -> None:
    """The plan says so where the stream does, and not with -j."""
    from pcapdig.cli.book import Book
    from pcapdig.cli.digging import make_plan
    from pcapdig.cli.scanner import scan
    from pcapdig.cli.settings import settle

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    plans = [make_plan(settle(scan(argv, Book())), Terminal()) for argv in (["-r", "t"], ["-r", "t", "-j"])]
    assert [True, False] == [plan.show.colour for plan in plans]


def test_packets_do_not_go_to_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """-w - is for pipes."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    ended = run("-r", "t.pcapng", "-w", "-")
    assert (1, "") == (ended.status, ended.out)
    assert "terminal" in ended.err


def test_packets_do_not_mix_with_text(run: Run) -> None:
    """-w - with a chisel would put both on one stream."""
    ended = run("-r", "t.pcapng", "-w", "-", "-c", "topconns")
    assert (1, "") == (ended.status, ended.out)


@pytest.mark.parametrize("words", [[], ["-j"], ["-v"], ["fd.port=53"]])
def test_a_table_that_stops_at_its_rows_says_so(run: Run, folder: Path, words: list[str]) -> None:
    """On stderr, so that what reads the table is not disturbed: summed and filtered, as text and as JSON."""
    queries = [(port, struct.pack(">HHHH", port, 53, 10, 0) + b"hi") for port in range(40_000, 40_031)]
    with (folder / "many.pcap").open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 101))
        for _, udp in queries:
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 30, 0, 0, 64, 17, 0, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
            file.write(struct.pack("<IIII", 1, 0, 30, 30) + ip + udp)
    ended = run("-r", "many.pcap", "-c", "topconns", *words)
    assert "note: topconns shows 30 of 31 connections; conns lists each, a filter chooses fewer\n" == ended.err
    whole = run("-r", "many.pcap", "-c", "topconns", "fd.cport!=40000")
    assert ("", 32) == (whole.err, len(whole.out.splitlines()))


def exchange(number: int, start_ns: int, answer_ns: int | None) -> list[tuple[int, bytes]]:
    """A DNS query by time, and its answer if there is one."""
    question = b"\x03www\x07example\0\0\1\0\1"
    packets = []
    for time_ns, flags, (source, target) in ((start_ns, 0x100, (5000, 53)), (answer_ns, 0x8180, (53, 5000))):
        dns = struct.pack(">HHHHHH", number, flags, 1, 0, 0, 0) + question
        ends = (
            (bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
            if target == 53
            else (bytes([10, 0, 0, 2]), bytes([10, 0, 0, 1]))
        )
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(dns), 0, 0, 64, 17, 0, *ends)
        if time_ns is not None:
            packets.append((time_ns, ip + struct.pack(">HHHH", source, target, 8 + len(dns), 0) + dns))
    return packets


def test_a_log_comes_in_the_order_of_time(run: Run, folder: Path) -> None:
    """What is never answered is known at the end only, and has its place by the time of its request."""
    packets = [*exchange(1, 1000, None), *exchange(2, 2000, 9000), *exchange(3, 3000, 4000), *exchange(4, 5000, None)]
    with (folder / "dns.pcap").open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 101))
        for time_ns, data in sorted(packets):
            file.write(struct.pack("<IIII", 0, time_ns, len(data), len(data)) + data)
    ended = run("-r", "dns.pcap", "-c", "dnslog", "-j")
    found = [(entry["evt.rawtime"], entry["id"]) for entry in map(json.loads, ended.out.splitlines())]
    assert ([(1000, 1), (4000, 3), (5000, 4), (9000, 2)], "") == (found, ended.err)


def test_packets_that_nobody_can_read_are_told(run: Run, folder: Path) -> None:
    """A capture of a USB bus, or of encrypted Wi-Fi, gives no empty table without a word. Digging it is no error."""
    capture = (folder / "t.pcap").read_bytes()
    for link_type, note in (
        (189, "6 of 6 packets belong to no connection: 6 of link type 189, which is not read"),
        (105, "6 of 6 packets belong to no connection: 6 Wi-Fi without data"),
    ):
        (folder / "t.pcap").write_bytes(capture[:20] + struct.pack("<I", link_type) + capture[24:])
        ended = run("-r", "t.pcap", "-c", "topconns")
        assert (0, f"note: {note}\n") == (ended.status, ended.err)


@pytest.mark.parametrize(("role", "first"), [("true", "< "), ("false", "> ")])
def test_both_ends_of_a_loopback_are_there_without_processes(run: Run, role: str, first: str) -> None:
    """Each end of a connection that stayed on its machine passes its own filter."""
    assert f"91B       tcp       {TUPLE}" in run("-r", "t.pcap", "-c", "topconns", f"fd.is_server={role}").out
    lines = run("-r", "t.pcap", "-c", "httplog", f"fd.is_server={role}").out.splitlines()
    assert (1, True) == (len(lines), f" {first}method=GET url=localhost/nosuch" in lines[0])
    assert 2 * 91 == sum(map(int, run("-r", "t.pcap", "-p", "%evt.rawres").out.split()))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("-p %proc.pid", ["77", "88", "77", "88"]),
        ("-p %proc.name", []),
        ("-c topprocs_net", ["Bytes     Process", "-" * 30, "28B       <NA>"]),
        ("-c topprocs_net -v proc.pid=88", ["Bytes     Process   PID", "-" * 30, "10B       <NA>      88"]),
        ("-c netstat", ["77/<NA>", "88/<NA>"]),
        ("-c ps", ["77", "88"]),
        ("-c conns", ["<NA>(77)-><NA>(88)"]),
        ("-c fdbytes_by proc.pid", ["Bytes     proc.pid", "-" * 30, "14B       <NA>", "10B       88", "4B        77"]),
    ],
)
def test_processes_without_a_name(run: Run, folder: Path, words: str, expected: list[str]) -> None:
    """A file with nothing but option 8: ids are shown, and <NA> for what is not known, as the other end of the loopback."""
    ends = bytes([0, 0, 127, 0, 0, 1, 127, 0, 0, 1])
    segments = ((4000, 80, 2, b""), (80, 4000, 18, b""), (4000, 80, 24, b"ping"), (80, 4000, 24, b"ten bytes!"))
    numbers = {4000: 0, 80: 0}
    packets = []
    for at, (source, target, flags, payload) in enumerate(segments):
        tcp = (
            struct.pack(">HHIIBBHHH", source, target, numbers[source], numbers[target], 0x50, flags, 0, 0, 0) + payload
        )
        ip = struct.pack(">BBHHHBB", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6) + ends + tcp
        numbers[source] += len(payload) + (flags in (2, 18))
        pid = {4000: 77, 80: 88}[source]
        packets.append(blocks.enhanced_packet(interface=0, time_ns=at, data=ip, flags=2, process_and_thread=(pid, pid)))
    head = blocks.section_header() + blocks.interface_description(name="lo", link_type=101)
    (folder / "ids.pcapng").write_bytes(head + b"".join(packets))
    ended = run("-r", "ids.pcapng", *words.split())
    assert (0, "") == (ended.status, ended.err)
    lines = [line.rstrip() for line in ended.out.splitlines()]
    assert "None" not in ended.out
    if words.startswith(("-p", "-c top", "-c fdbytes")):
        assert expected == [line for line in lines if line]
    else:
        assert all(any(text in line for line in lines) for text in expected), ended.out

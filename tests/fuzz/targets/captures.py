"""Capture files: the block scanner, containers and pipes, copies with -w, and whole digs of each chisel. An input is a file."""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
import json
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import lz4.frame
import zstandard

from pcapdig.cli.book import Book
from pcapdig.cli.digging import copy_files, dig_files
from pcapdig.cli.scanner import scan
from pcapdig.cli.settings import settle
from pcapdig.errors import InputError, PcapdigError
from pcapdig.pcapng.source import open_source
from pcapdig.trace.trace import Trace
from targets.blocks import check_described, described
from targets.conversations import MARK
from targets.frames import pcap_file, pcapng_file, plain_frames, unaligned_file
from targets.target import Target, exact

_PLACE = tempfile.TemporaryDirectory(prefix="fuzz-")
FOLDER = Path(_PLACE.name)
BLANKS = re.compile(r"\s*")
MOST_FILES = 3
UNPACKED_BYTES = 8 << 20
"""Not more of what an input unpacks to is looked at."""
COLUMNS = (
    "number time_ns interface captured original flow forward payload_captured payload_length fresh seq ack tcp_flags"
    " direction writer reader writer_evidence reader_evidence out_of_window"
).split()


class Outcome:
    """Everything a trace says of an input."""

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        self.packets: list[bytes] = []
        self.payloads: list[bytes] = []
        self.tables: tuple[list[str], list[Any], list[Any]] = ([], [], [])
        self.error: str | None = None
        self.remarks: list[str] = []

    def take(self, trace: Trace, batches: Iterable[Any]) -> Outcome:
        """Read all there is."""
        try:
            for batch in batches:
                for name in COLUMNS:
                    self.columns[name] += getattr(batch, name).tolist()
                self.packets += [batch.packet_bytes(i) for i in range(len(batch))]
                self.payloads += [batch.buffer(i) for i in range(len(batch))]
                assert [*map(len, self.packets)] == self.columns["captured"]
                assert [*map(len, self.payloads)] == self.columns["payload_captured"]
        except InputError as error:
            self.error = str(error)
            assert len(self.error.splitlines()) == 1
        self.tables = (
            [trace.flows.name(row) for row in range(len(trace.flows))],
            list(trace.processes),
            list(trace.interfaces),
        )
        apart = [each.packets for each in trace.unread if not each.kind.is_tunnel]
        assert sum(apart) == self.columns["flow"].count(-1)
        assert min(apart, default=1) > 0
        assert all(len(each.splitlines()) == 1 for each in trace.remarks)
        self.remarks = sorted(set(trace.remarks))
        self._check()
        return self

    def _check(self) -> None:
        """Columns do not contradict each other or the tables."""
        columns, (flows, processes, interfaces) = self.columns, self.tables
        for i, number in enumerate(columns["number"]):
            assert number == i + 1
            assert columns["payload_captured"][i] <= min(columns["payload_length"][i], columns["captured"][i])
            assert columns["fresh"][i] <= columns["payload_length"][i]
            assert -1 <= columns["flow"][i] < len(flows)
            assert columns["interface"][i] < len(interfaces)
            for end in ("writer", "reader"):
                assert -1 <= columns[end][i] < len(processes)
                assert (columns[end][i] >= 0) == (columns[f"{end}_evidence"][i] > 0) or columns[end][i] >= 0

    def said(self) -> tuple[Any, ...]:
        """All of it, to be compared; last what names the input."""
        return self.columns, self.packets, self.payloads, self.tables, (self.error, self.remarks)


def fed(data: bytes, edges: Iterable[int], *, decap: bool = False) -> Outcome:
    """An input in pieces that end at `edges`."""
    trace = Trace("fuzz", decap=decap)

    def batches() -> Iterator[Any]:
        for start, stop in itertools.pairwise([0, *edges, len(data)]):
            yield from trace.feed(exact(data[start:stop]))
        yield from trace.feed(b"", final=True)

    return Outcome().take(trace, batches())


def run_scan(data: bytes) -> None:
    """The same in one piece, in a few, and byte by byte; tunnels opened or not, the packets are the same."""
    first = fed(data, ())
    whole = first.said()
    mixed = zlib.crc32(data)
    cuts = sorted(mixed % (shift + 1) % (len(data) + 1) for shift in (7, 97, 1009, 65537))
    assert fed(data, cuts).said() == whole
    inner = fed(data, cuts, decap=True)
    assert (inner.packets, inner.error, inner.columns["time_ns"]) == (
        first.packets,
        first.error,
        first.columns["time_ns"],
    )
    if len(data) < 150:
        assert fed(data, range(1, len(data))).said() == whole


def unpacked(path: Path) -> tuple[bytes, str | None]:
    """What a source gives, and what it says at the end."""
    had = bytearray()
    try:
        with open_source(str(path)) as source:
            for chunk in source.chunks():
                assert len(chunk)
                had += chunk
                if len(had) > UNPACKED_BYTES:
                    break
    except InputError as error:
        assert len(str(error).splitlines()) == 1
        return bytes(had), str(error)
    return bytes(had), None


def run_source(data: bytes) -> None:
    """A file and a pipe say the same, and a trace of the file is the trace of what it unpacks to."""
    path = FOLDER / "capture"
    path.write_bytes(data)
    inside, error = unpacked(path)
    if (
        error is None
        and not data.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18"))
        and data[1:4] != b"\x2a\x4d\x18"
    ):
        assert inside == data
    if len(data) <= 1 << 15:
        reader, writer = os.pipe()
        try:
            os.write(writer, data)
            os.close(writer)
            piped, piped_error = unpacked(Path(f"/dev/fd/{reader}"))
        finally:
            os.close(reader)
        assert piped == inside and (piped_error is None) == (error is None)
    if len(inside) > 1 << 18:
        return
    trace = Trace()
    read = Outcome().take(trace, trace.read(str(path)))
    if inside and error is None:
        again = fed(inside, ())
        assert read.said()[:-1] == again.said()[:-1] and (read.error is None) == (again.error is None)


def commanded(words: list[str], act: Callable[[Any, Any], None]) -> tuple[str, PcapdigError | None]:
    """What a command writes, and how it was refused."""
    out = io.StringIO()
    refused = None
    settings = settle(scan(words, Book([])))
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            act(settings, out)
    except InputError as error:
        refused = error
    return out.getvalue(), refused


def run_merge(data: bytes) -> None:
    """Several files, parted by MARK: a dig and a copy of them say the same, in the order of time within what each file allows."""
    files = []
    for number, part in enumerate(data.split(MARK)[:MOST_FILES]):
        files += ["-r", str(FOLDER / f"part{number}")]
        (FOLDER / f"part{number}").write_bytes(part)
    target = FOLDER / "merged"
    target.unlink(missing_ok=True)
    trace = Trace()
    read = Outcome().take(trace, trace.read_all(files[1::2]))
    _, refused = commanded([*files, "-w", str(target)], copy_files)
    if not target.exists() or not target.stat().st_size:
        assert refused is not None or not read.packets
        return
    copied = Trace()
    copy = Outcome().take(copied, copied.read(str(target)))
    assert copy.error is None, copy.error
    if refused is None:
        assert (copy.packets, copy.columns["time_ns"]) == (read.packets, read.columns["time_ns"])
        assert (copy.columns["writer"], copy.tables[1]) == (read.columns["writer"], read.tables[1])


FILTERS = ("", "fd.port=80", "fd.l4proto=tcp", "not fd.cip exists", "evt.buflen > 3", "proc.name=curl", "evt.num < 3")
WHOLE_FLOWS = ("", "fd.port=80", "fd.l4proto=tcp")
"""Filters that pass all of a flow or nothing, so that the copy has the same flows and fresh bytes."""


def run_copy(data: bytes) -> None:
    """What -w writes is a whole capture, and holds the packets that pass, unchanged."""
    chosen, data = (FILTERS[data[0] % len(FILTERS)], data[1:]) if data else ("", b"")
    source, target = FOLDER / "original", FOLDER / "copy"
    source.write_bytes(data)
    target.unlink(missing_ok=True)
    _, refused = commanded(["-r", str(source), "-w", str(target), *chosen.split()], copy_files)
    trace, copied = Trace(), Trace()
    original = Outcome().take(trace, trace.read(str(source)))
    if not target.exists() or not target.stat().st_size:
        assert refused is not None or not original.packets
        return
    copy = Outcome().take(copied, copied.read(str(target)))
    assert copy.error is None, copy.error
    if refused is None:
        assert original.error is None
    if not chosen:
        assert copy.packets == original.packets[: len(copy.packets)]
        assert refused is not None or len(copy.packets) == len(original.packets)
        for name in COLUMNS:
            assert copy.columns[name] == original.columns[name][: len(copy.packets)], name
    else:
        left = iter(original.packets)
        assert all(packet in left for packet in copy.packets)
    again = FOLDER / "again"
    again.unlink(missing_ok=True)
    if chosen:
        check_described(target.read_bytes())
    if chosen in WHOLE_FLOWS:
        assert commanded(["-r", str(target), "-w", str(again), *chosen.split()], copy_files)[1] is None
        assert again.read_bytes() == target.read_bytes()


DIGS = tuple(
    line.split()
    for line in """
topconns|topprocs_net|topports_server|topcontainers_net|iobytes_net|spy_ip 10.0.0.1|spy_port 80|echo_fds|-A -c echo_fds
-X -c echo_fds|-x -c echo_fds|-j -c echo_fds|-v -c echo_fds|fdbytes_by fd.sport|fdcount_by fd.sip|netstat|ps|httplog|httptop
memcachelog|netlower 1|udp_extract 53|conns|-j -c conns|dnslog|-j -c dnslog|sqllog|-j -c sqllog|redislog|tlslog|-j -c tlslog
plaintext|-j -c plaintext|-j -c httplog|-v -c topprocs_net|-j -c topconns|-S -q|-t a|-t r|-t D|-j|--decap -c topconns|--decap|--decap -c echo_fds
files|-j -c files|files saved
-A evt.buffer contains form|-X|-b
-v|-p %evt.num-%proc.name-%fd.name-%evt.args|-p *%evt.arg.data%evt.time|echo_fds evt.buffer contains form
fd.port=80 and evt.is_io=true|-n 3 evt.buffer regex a.b|-j proc.name exists or fd.l4proto=udp
""".strip()
    .replace("\n", "|")
    .split("|")
)
"""Every chisel and way to show things. An input's first byte picks one."""


def run_dig(data: bytes) -> None:
    """Text or InputError; no control byte of a packet gets out; JSON is JSON."""
    words, data = (DIGS[data[0] % len(DIGS)], data[1:]) if data else (DIGS[0], b"")
    path = FOLDER / "dug"
    path.write_bytes(data)
    shutil.rmtree(FOLDER / "saved", ignore_errors=True)
    with contextlib.chdir(FOLDER):
        text, _ = commanded([*words, "-r", str(path)], dig_files)
    for at, character in enumerate(text):
        assert character in "\n\t" or character.isprintable() or character.isspace(), (
            words,
            text[max(0, at - 20) : at + 20],
        )
    if "-j" in words:
        at = 0
        while at < len(text):
            _, at = json.JSONDecoder().raw_decode(text, at)
            at = BLANKS.match(text, at).end()  # type: ignore[union-attr]
    text.encode()


def containers() -> list[bytes]:
    """Captures in each container, in several members, padded, and bombs."""
    files = [pcapng_file(), pcap_file("<"), pcap_file(">", nanoseconds=True)]
    found = list(files)
    for data in files:
        half = len(data) // 2
        for pack in (gzip.compress, zstandard.compress, lz4.frame.compress):
            found += [pack(data), pack(data[:half]) + pack(data[half:]), pack(data)[:-9], pack(data) + bytes(9)]
    bomb = files[0] + b"\x0b\x0a\0\0\0\0\x10\0" + bytes((1 << 20) - 12) + b"\0\0\x10\0"
    found += [pack(bomb * 4) for pack in (gzip.compress, zstandard.compress, lz4.frame.compress)]
    return [*found, b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zstandard.compress(files[0])]


BLOCK_WORDS = (
    *(
        b"\x0a\x0d\x0d\x0a",
        b"\x4d\x3c\x2b\x1a",
        b"\x1a\x2b\x3c\x4d",
        b"\1\0\0\0",
        b"\2\0\0\0",
        b"\3\0\0\0",
        b"\4\0\0\0",
        b"\5\0\0\0",
        b"\6\0\0\0",
    ),
    *(
        b"\x0a\0\0\0",
        b"\xad\x0b\0\0",
        b"\xad\x0b\0\x40",
        b"\1\0\0\x80",
        b"\xff\xff\xff\xff",
        b"\xfc\xff\xff\xff",
        b"\0\0\0\x80",
        b"\x0c\0\0\0",
    ),
    *(
        b"\x20\0\0\0",
        b"\x09\0\1\0\x09\0\0\0",
        b"\x09\0\1\0\x80\0\0\0",
        b"\x0e\0\x08\0",
        b"\2\0\4\0",
        b"\1\0\x08\0",
        b"\x08\0\x08\0",
        b"\0\0\0\0",
    ),
    *(
        b"\xd4\xc3\xb2\xa1",
        b"\xa1\xb2\xc3\xd4",
        b"\x4d\x3c\xb2\xa1",
        b"\xa1\xb2\x3c\x4d",
        b"proc.name=",
        b" proc.pid=",
        b" evt.io_dir=read",
    ),
    *(b"\x08\0\x45\0", b"\x86\xdd\x60", b"\x81\0", b"\x88\xa8", b"\x01\x80\x04\0"),
)
CONTAINER_WORDS = (b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"\x50\x2a\x4d\x18", b"\0\0\0\0")


def digs() -> Iterator[bytes]:
    """Each dig of a small capture that has something for it."""
    conversations = [pcapng_file(name) for name in ("http", "dns", "redis", "memcached", "mysql", "tls")]
    for number in range(len(DIGS)):
        yield bytes([number]) + conversations[number % len(conversations)]
    for number, words in enumerate(DIGS):
        for word, file in zip(("http", "dns", "redis", "memcache", "sql", "tls"), conversations, strict=True):
            if any(word in each for each in words):
                yield bytes([number]) + file
        if "plaintext" in words:
            yield from (bytes([number]) + file for file in conversations)


def scans() -> list[bytes]:
    """A file of each kind and byte order."""
    found = [pcapng_file(), pcapng_file(order=">"), pcapng_file("http")[:3000], pcapng_file() + pcapng_file(order=">")]
    found += [pcap_file(order, nanoseconds=nano) for order in "<>" for nano in (False, True)]
    found += [unaligned_file(order) for order in "<>"]
    found += [
        pcap_file("<")[:4] + version + pcap_file("<")[8:] for version in (b"\0\2\0\4", b"\2\0\5\0", b"\x1f\2\0\0")
    ]
    return found + [pcap_file("<", frames=[frame], link_type=link) for link, frame in plain_frames()]


TARGETS = (
    Target(name="scan", run=run_scan, seeds=scans, words=BLOCK_WORDS, is_native=True, longest=4096),
    Target(
        name="merge",
        run=run_merge,
        seeds=lambda: [MARK.join(files) for files in itertools.pairwise(scans()[:8])],
        words=(*BLOCK_WORDS, MARK),
        is_native=True,
    ),
    Target(name="source", run=run_source, seeds=containers, words=CONTAINER_WORDS, longest=4096),
    Target(
        name="copy",
        run=run_copy,
        seeds=lambda: [bytes([i]) + file for i in range(len(FILTERS)) for file in (*scans()[:6], *described())],
        words=BLOCK_WORDS,
        is_native=True,
    ),
    Target(name="dig", run=run_dig, seeds=digs, words=BLOCK_WORDS, is_native=True, longest=8192, cpu_seconds=4.0),
)

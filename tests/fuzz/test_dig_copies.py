"""Copies of captures whose truth is known: nothing of what was dropped is in them, and all that belongs to kept packets is."""

from __future__ import annotations

import contextlib
import io
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from carried import Connection, Made, Section, make
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pcapdig.cli.book import Book
from pcapdig.cli.copying import whole_blocks
from pcapdig.cli.digging import copy_files
from pcapdig.cli.scanner import scan
from pcapdig.cli.settings import settle
from pcapdig.dig import BlockFilter
from pcapdig.filters import compile_filter
from pcapdig.trace.trace import Trace

Blocks = list[tuple[int, str, bytes]]
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def copied(source: Path, target: Path, *words: str) -> str:
    """Copy by the command line; what it said on stderr."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        copy_files(settle(scan(["-r", str(source), "-w", str(target), *words], Book([]))), io.StringIO())
    return said.getvalue()


def blocks_of(data: bytes) -> Iterator[tuple[int, str, bytes]]:
    """(type, byte order, body) of each block."""
    at, order = 0, "<"
    while at < len(data):
        if data[at : at + 4] == b"\n\r\r\n":
            order = "<" if data[at + 8] == 0x4D else ">"
        kind, size = struct.unpack_from(f"{order}II", data, at)
        assert struct.unpack_from(f"{order}I", data, at + size - 4)[0] == size
        yield kind, order, data[at + 8 : at + size - 4]
        at += size


def options_of(body: bytes, at: int, order: str) -> list[tuple[int, bytes]]:
    """Options as code and value."""
    found = []
    while at + 4 <= len(body):
        code, size = struct.unpack_from(f"{order}HH", body, at)
        if code == 0:
            break
        found.append((code, body[at + 4 : at + 4 + size]))
        at += 4 + size + -size % 4
    return found


def outside(data: bytes) -> bytes:
    """A capture without its packets' bytes and comments."""
    parts = []
    for kind, order, body in blocks_of(data):
        if kind == 6:
            (captured,) = struct.unpack_from(f"{order}I", body, 12)
            options = options_of(body, 20 + captured + -captured % 4, order)
            parts += [value for code, value in options if code != 1]
        else:
            parts.append(body)
    return b"|".join(parts)


def packets_of(data: bytes) -> list[bytes]:
    """The packets' captured bytes."""
    return [
        body[20 : 20 + struct.unpack_from(f"{order}I", body, 12)[0]]
        for kind, order, body in blocks_of(data)
        if kind == 6
    ]


def processes_of(made: Made, connections: set[Connection]) -> set[str]:
    """Names of the processes at the ends of these."""
    return {process.name for one in connections for process in one.processes if process}


def chosen(made: Made, random: Random) -> tuple[list[str], set[Connection]]:
    """A filter, and the connections that pass it."""
    everything = [(section, one) for section in made.sections for one in section.connections]
    names = [process.name for section in made.sections for process in section.processes]
    if random.random() < 0.5:
        wanted = set(random.sample(names, random.randint(0, min(2, len(names)))))
        kept = {one for _, one in everything if processes_of(made, {one}) & wanted}
        return ["proc.name", "in", f"({','.join(sorted(wanted) or ['nobody'])})"], kept
    picked = random.sample(everything, random.randint(1, min(3, len(everything))))
    ports = {one.ports[0] for _, one in picked}
    kept = {one for _, one in everything if one.ports[0] in ports}
    return ["fd.port", "in", f"({','.join(map(str, ports))})"], kept


def texts_of(address: bytes) -> list[bytes]:
    """An address as text and as bytes."""
    import ipaddress

    return [str(ipaddress.ip_address(address)).encode(), address]


def marks_of_dropped(made: Made, kept: set[Connection]) -> list[bytes]:
    """Every name, address and secret that must not be in the copy."""
    names = processes_of(made, kept)
    addresses = {address for one in kept for address in one.ends}
    marks: list[bytes] = []
    for section in made.sections:
        used = {one.interface for one in section.connections if one in kept}
        marks += [name.encode() for at, name in enumerate(section.interfaces) if at not in used]
        marks += [process.name.encode() for process in section.processes if process.name not in names]
        marks += [message.encode() for message, who in section.journal.items() if not who or who.name not in names]
        marks += [text.encode() for text in (*section.custom, section.comment)]
        for one in section.connections:
            if one not in kept:
                marks += [name.encode() for name in one.host_names]
                marks += [text for end in one.ends if end not in addresses for text in texts_of(end)]
                marks += [line.strip() for line in one.secrets]
                names_line = {"tls": one.random, "ssh": one.random[:16]}.get(one.protocol, b"")
                marks += [names_line.hex().encode()] if names_line else []
    return marks


def described_of_kept(section: Section, kept: set[Connection]) -> list[bytes]:
    """Every mark that must be in the copy of a section."""
    mine = [one for one in section.connections if one in kept]
    marks = [section.interfaces[one.interface].encode() for one in mine]
    marks += [f"count {section.interfaces[one.interface]}".encode() for one in mine]
    marks += [line.strip() for one in mine for line in one.secrets]
    processes = {process.name: process for one in mine for process in one.processes if process}
    marks += [message.encode() for message, who in section.journal.items() if who and who.name in processes]
    return marks


@QUICK
@given(seed=st.integers(0, 1 << 40))
def test_a_copy_describes_what_it_keeps_and_nothing_else(tmp_path: Path, seed: int) -> None:
    """Packets and comments are those that pass; outside of them nothing of a dropped connection, process or interface is left."""
    random = Random(seed)
    made = make(random)
    words, kept = chosen(made, random)
    source, target = tmp_path / "whole", tmp_path / "copy"
    source.write_bytes(made.data)
    copied(source, target, *words)
    copy = target.read_bytes()
    passing = [(one, frame) for _, one, frame in made.packets if one in kept]
    assert packets_of(copy) == [frame for _, frame in passing]
    rest = outside(copy)
    for mark in marks_of_dropped(made, kept):
        assert mark not in rest, mark
    sent = {one for one, _ in passing}
    for section in made.sections:
        for mark in described_of_kept(section, sent):
            assert mark in rest, mark
        for one in sent & set(section.connections):
            heard = [end for end in one.ends if any(end in frame for by, frame in passing if by is one)]
            assert all(
                name.encode() in rest for end, name in zip(one.ends, one.host_names, strict=True) if end in heard
            )


@QUICK
@given(seed=st.integers(0, 1 << 40))
def test_process_numbers_stay_right(tmp_path: Path, seed: int) -> None:
    """Option 32769 of each kept packet counts to the block of the same process as before, in its section; an entry precedes its packets."""
    random = Random(seed)
    made = make(random)
    words, kept = chosen(made, random)
    source, target = tmp_path / "whole", tmp_path / "copy"
    source.write_bytes(made.data)
    copied(source, target, *words)

    def referred(data: bytes, passing: list[bytes]) -> list[tuple[bytes, bytes | None, bool]]:
        named: list[bytes] = []
        entries: set[int] = set()
        found = []
        for kind, order, body in blocks_of(data):
            if kind == 0x0A0D0D0A:
                named, entries = [], set()
            elif kind == 0x80000001:
                named.append(dict(options_of(body, 4, order))[2])
            elif kind == 0xBAD and struct.unpack_from(f"{order}I", body)[0] == 32622:
                entries.add(struct.unpack_from("<I", body, 12)[0])
            elif kind == 6:
                (captured,) = struct.unpack_from(f"{order}I", body, 12)
                options = dict(options_of(body, 20 + captured + -captured % 4, order))
                index, pid = options.get(0x8001), options.get(8)
                name = named[struct.unpack(f"{order}I", index)[0]] if index else None
                has_entry = pid is not None and struct.unpack_from(f"{order}I", pid)[0] in entries
                frame = body[20 : 20 + captured]
                if frame in passing:
                    found.append((frame, name, has_entry))
        return found

    passing = [frame for _, one, frame in made.packets if one in kept]
    assert referred(target.read_bytes(), passing) == referred(made.data, passing)


@QUICK
@given(seed=st.integers(0, 1 << 40))
def test_a_copy_says_what_the_dig_said_and_its_copy_is_itself(tmp_path: Path, seed: int) -> None:
    """Processes, flows and names of the packets are the same, and copying again changes nothing."""
    random = Random(seed)
    made = make(random)
    words, kept = chosen(made, random)
    source, target, again = (tmp_path / name for name in ("whole", "copy", "again"))
    source.write_bytes(made.data)
    copied(source, target, *words)
    copied(target, again, *words)
    assert again.read_bytes() == target.read_bytes()
    passing = {frame for _, one, frame in made.packets if one in kept}

    def said(file: Path) -> list[tuple[object, ...]]:
        trace = Trace()
        rows = []
        for batch in trace.read(str(file)):
            for at in range(len(batch)):
                flow = int(batch.flow[at])
                ends = [trace.processes[row] if row >= 0 else None for row in (batch.writer[at], batch.reader[at])]
                if batch.packet_bytes(at) in passing:
                    rows.append((batch.packet_bytes(at), int(batch.time_ns[at]), trace.flows.name(flow), *ends))
        return rows

    assert said(target) == said(source)
    trace = Trace()
    for _ in trace.read(str(source)):
        pass
    whole = trace.flows.names
    trace = Trace()
    for _ in trace.read(str(target)):
        pass
    assert trace.flows.names.items() <= whole.items()


@pytest.mark.parametrize("seed", range(6))
def test_tshark_opens_a_copy(tmp_path: Path, seed: int) -> None:
    """With no word of complaint, and shows the packets that pass with their comments."""
    random = Random(seed)
    made = make(random)
    words, kept = chosen(made, random)
    source, target = tmp_path / "whole", tmp_path / "copy"
    source.write_bytes(made.data)
    copied(source, target, *words)
    done = subprocess.run(
        ["tshark", "-n", "-r", str(target), "-Y", "ip or ipv6", "-T", "fields", "-e", "frame.len"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line for line in done.stderr.splitlines() if "Running as user" not in line] == []
    frames = [frame for _, one, frame in made.packets if one in kept]
    assert done.stdout.split() == [str(len(frame)) for frame in frames]


def test_the_manifest_counts_what_was_left_out(tmp_path: Path) -> None:
    """By kind, on one line; with --keep-all-blocks nothing is left out and nothing said."""
    made = make(Random(3))
    source, target = tmp_path / "whole", tmp_path / "copy"
    source.write_bytes(made.data)
    said = copied(source, target, "proc.name=nobody")
    custom = sum(len(section.custom) for section in made.sections)
    assert said.startswith("left out, since no packet in the copy needs them: ")
    assert f"{sum(len(section.journal) for section in made.sections)} journal entries" in said
    assert custom == 4 * len(made.sections)
    assert copied(source, target, "-q", "proc.name=nobody") == ""
    assert copied(source, target, "--keep-all-blocks", "proc.name=nobody") == ""
    assert made.sections[0].comment.encode() in target.read_bytes()


@pytest.mark.parametrize("section", [0, 1])
def test_every_mark_of_a_whole_capture_is_seen(section: int) -> None:
    """The marks that must not be in a copy are in the capture: else the tests above could not fail."""
    made = next(made for seed in range(100) if len((made := make(Random(seed))).sections) > section)
    for mark in marks_of_dropped(made, set()):
        assert mark in made.data, mark


@QUICK
@given(seed=st.integers(0, 1 << 40))
def test_several_files_are_copied_as_one(tmp_path: Path, seed: int) -> None:
    """Merged by time, into one section: of each file what its kept packets need, and nothing else."""
    random = Random(seed)
    files = [make(random, first=number) for number in (0, 10)]
    words, kept = chosen(files[0], random)
    words = ["fd.port", "in", f"({','.join(str(one.ports[0]) for one in kept) or '1'})"]
    ports = {one.ports[0] for one in kept}
    kept = {one for made in files for section in made.sections for one in section.connections if one.ports[0] in ports}
    names = []
    for number, made in enumerate(files):
        (tmp_path / f"part{number}").write_bytes(made.data)
        names += ["-r", str(tmp_path / f"part{number}")]
    target = tmp_path / "copy"
    with contextlib.redirect_stderr(io.StringIO()):
        copy_files(settle(scan([*names, "-w", str(target), *words], Book([]))), io.StringIO())
    copy = target.read_bytes()
    passing = sorted(frame for made in files for _, one, frame in made.packets if one in kept)
    assert sorted(packets_of(copy)) == passing
    rest = outside(copy)
    for made in files:
        for mark in marks_of_dropped(made, kept):
            assert mark not in rest, mark


@QUICK
@given(seed=st.integers(0, 1 << 40), limit=st.integers(1, 9))
def test_a_limit_keeps_what_belongs_to_the_first_packets(tmp_path: Path, seed: int, limit: int) -> None:
    """Also what stands behind the last of them; nothing of packets beyond."""
    made = make(Random(seed))
    source, target = tmp_path / "whole", tmp_path / "copy"
    source.write_bytes(made.data)
    copied(source, target, "-n", str(limit))
    copy = target.read_bytes()
    first = made.packets[:limit]
    kept = {one for _, one, _ in first}
    assert packets_of(copy) == [frame for _, _, frame in first]
    rest = outside(copy)
    for mark in marks_of_dropped(made, kept):
        assert mark not in rest, mark
    for section in made.sections:
        mine = {one for one in kept if one in section.connections}
        for mark in described_of_kept(section, mine):
            secret = b" " in mark and not mark.startswith(b"count")
            # a hello may be beyond the limit, and a process may be named only by the other end's packets
            assert mark in rest or secret or mark.decode() in section.journal, mark


@QUICK
@given(seed=st.integers(0, 1 << 40))
def test_a_pipe_is_copied_like_a_file(tmp_path: Path, seed: int) -> None:
    """In one pass, whatever the pieces."""
    random = Random(seed)
    made = make(random)
    words, _ = chosen(made, random)
    source, target, piped = (tmp_path / name for name in ("whole", "copy", "piped"))
    source.write_bytes(made.data)
    copied(source, target, *words)
    keep = BlockFilter(Trace(), compile_filter(" ".join(words)))
    parts = []
    for batch in whole_blocks([made.data[at : at + 97] for at in range(0, len(made.data), 97)], "pipe: byte"):
        parts += keep.keep(batch)
    piped.write_bytes(b"".join([*parts, keep.finish()]))
    assert piped.read_bytes() == target.read_bytes()

"""What the sink does when others change its file (cut by a log rotation, deleted, replaced), or have filled its disk before it."""

from __future__ import annotations

import gzip
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pcapdig.pcapng import blocks
from pcapdig.pcapng.sink import FileSink, SinkError

HEAD = blocks.section_header() + blocks.interface_description(name="lo", link_type=1)
PACKET = blocks.enhanced_packet(interface=0, time_ns=1, data=bytes(60), comments=[b"proc.name=x"])
BATCH = PACKET * 5

PREAMBLE = (
    "import resource, sys\n"
    "from pcapdig.errors import HostError\n"
    "from pcapdig.pcapng.sink import FileSink\n"
    f"HEAD, BATCH = {HEAD!r}, {BATCH!r}\n"
)
"""What a small program of its own begins with."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that does not exist yet."""
    return tmp_path / "trace.pcapng"


def content(path: Path) -> bytes:
    """What a reader finds in the file, unpacked."""
    packed = path.read_bytes()
    return gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed


@contextmanager
def largest_file(size_bytes: int) -> Iterator[None]:
    """No file may grow beyond this."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("asked", [False, True])
def test_a_file_that_is_cut_begins_again(path: Path, compress: bool, asked: bool) -> None:
    """copytruncate: no hole, and a reader finds section and interfaces at the start. Whether a cut is seen before a batch or by its write."""
    with FileSink(str(path), compress=compress, clock=lambda: 5) as sink:
        sink.write(HEAD + PACKET)
        sink.write(BATCH)
        sink.flush()
        assert not sink.was_cut()
        shutil.copyfile(path, rotated := path.with_suffix(".1"))
        os.truncate(path, 0)
        if asked:
            assert sink.was_cut()
        sink.write(PACKET * 2)
        sink.flush()
        assert sink.was_cut() is not asked
        assert not sink.was_cut()
        assert content(path) == HEAD + PACKET * 2
        sink.write(PACKET)
    assert content(path) == HEAD + PACKET * 3
    assert content(rotated) == HEAD + PACKET + BATCH


def test_a_file_is_cut_as_often_as_it_likes(path: Path) -> None:
    """Each time it begins again; and what follows in full disks counts only what is there."""
    with FileSink(str(path)) as sink:
        sink.write(HEAD)
        for _ in range(3):
            sink.write(BATCH)
            os.truncate(path, 0)
        sink.write(PACKET)
        assert content(path) == HEAD + PACKET
        with largest_file(len(HEAD) + 3 * len(PACKET) + 3), pytest.raises(SinkError) as caught:
            sink.write(BATCH)
    assert caught.value.change == (2, 120)
    assert content(path) == HEAD + PACKET * 3


def test_a_recording_whose_file_was_cut_has_whole_processes(path: Path) -> None:
    """tshark opens what was rotated and what came after it, and says nothing."""
    with FileSink(str(path)) as sink:
        sink.write(HEAD)
        sink.write(BATCH)
        os.truncate(path, 0)
        sink.write(BATCH)
    told = subprocess.run(
        ["tshark", "-n", "-r", path, "-T", "fields", "-e", "frame.number"], capture_output=True, text=True, check=False
    )
    assert told.stdout.split() == ["1", "2", "3", "4", "5"]
    assert [line for line in told.stderr.splitlines() if "Running as user" not in line] == []


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_lost_name_is_said_once(path: Path, how: str) -> None:
    """Packets go on into the file that it was."""
    with FileSink(str(path)) as sink:
        sink.write(HEAD)
        assert sink.lost_name() is None
        path.rename(path.with_suffix(".1"))
        if how == "replaced":
            path.write_bytes(b"other")
        said = sink.lost_name()
        assert said is not None
        assert f"{path} was {how}" in said
        assert sink.lost_name() is None
        sink.write(PACKET)
    assert path.with_suffix(".1").read_bytes() == HEAD + PACKET


def test_a_pipe_has_no_name_to_lose() -> None:
    """Nor has standard output."""
    reader, writer = os.pipe()
    sink = FileSink(f"/dev/fd/{writer}")
    assert (sink.lost_name(), sink.was_cut()) == (None, False)
    sink.close()
    os.close(writer)
    os.close(reader)


@pytest.mark.live
@pytest.mark.parametrize("compress", [False, True])
def test_a_file_system_that_is_full_from_the_start(tmp_path: Path, compress: bool) -> None:
    """ENOSPC before the first byte: nothing is called whole, and no empty file is left."""
    disk, script = tmp_path / "disk", tmp_path / "fill.py"
    disk.mkdir()
    script.write_text(
        f"{PREAMBLE}import os\n"
        f"open({str(disk / 'fill')!r}, 'wb', buffering=0).write(bytes(4096))\n"
        f"sink = FileSink({str(disk / 'new.pcapng')!r}, compress={compress})\n"
        "try:\n"
        "    sink.write(HEAD)\n"
        "except HostError as error:\n"
        "    print(error)\n"
        "sink.close()\n"
        f"print(os.listdir({str(disk)!r}))\n"
    )
    command = 'mount -t tmpfs -o size=4k none "$1" && exec "$2" "$3"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", command, "sh", disk, sys.executable, script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    words, left = done.stdout.splitlines()
    assert words.endswith("new.pcapng: No space left on device; nothing could be written")
    assert left == "['fill']"

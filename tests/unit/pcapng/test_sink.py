"""The sink: what it refuses, when bytes reach the file, and that a file is whole after every kind of end."""

from __future__ import annotations

import fcntl
import gzip
import os
import resource
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pcapdig.errors import HostError
from pcapdig.pcapng import blocks
from pcapdig.pcapng.sink import MEMBER_BYTES, MEMBER_NS, FileSink, ReaderGoneError, SinkError

HEAD = blocks.section_header() + blocks.interface_description(name="lo", link_type=1)
PACKET = blocks.enhanced_packet(interface=0, time_ns=1, data=bytes(60), comments=[b"proc.name=x"])
BATCH = PACKET * 5


class Clock:
    """A monotonic clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_ns = 5

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that does not exist yet."""
    return tmp_path / "trace.pcapng"


def content(path: Path) -> bytes:
    """What a reader finds in the file, unpacked; gzip raises where a member is cut."""
    packed = path.read_bytes()
    return gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed


@contextmanager
def largest_file(size_bytes: int) -> Iterator[None]:
    """No file may grow beyond this: writing stops short, then fails with EFBIG, much as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


PREAMBLE = (
    "import resource, sys\n"
    "from pcapdig.errors import HostError\n"
    "from pcapdig.pcapng.sink import FileSink\n"
    f"HEAD, BATCH = {HEAD!r}, {BATCH!r}\n"
)
"""What a small program of its own begins with, for ends that would take the test run along."""


@pytest.mark.parametrize("name", [".", "missing/trace.pcapng", "file/trace.pcapng"])
def test_path_that_cannot_be_written_is_refused(tmp_path: Path, name: str) -> None:
    """A directory and a path without its folder: one line that names it."""
    (tmp_path / "file").touch()
    with pytest.raises(HostError, match=r"^cannot write [^\n]*: [^\n]+$") as caught:
        FileSink(str(tmp_path / name))
    assert str(tmp_path) in str(caught.value)


def test_control_characters_of_a_path_are_not_printed(tmp_path: Path) -> None:
    """The message goes to a terminal."""
    with pytest.raises(HostError) as caught:
        FileSink(str(tmp_path / "\x1b[2J" / "x"))
    assert "\x1b" not in str(caught.value)


def test_write_after_close_is_refused(path: Path) -> None:
    """A closed sink takes nothing and does not lose it silently."""
    sink = FileSink(str(path))
    sink.close()
    with pytest.raises(HostError, match="closed"):
        sink.write(HEAD)


@pytest.mark.parametrize("compress", [False, True])
def test_opening_leaves_an_existing_file_alone(path: Path, compress: bool) -> None:
    """A recording that never starts costs nobody their last one."""
    path.write_bytes(b"precious")
    FileSink(str(path), compress=compress).close()
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize("compress", [False, True])
def test_first_write_replaces_an_existing_file(path: Path, compress: bool) -> None:
    """Nothing of the old, longer file is left."""
    path.write_bytes(bytes(100_000))
    with FileSink(str(path), compress=compress) as sink:
        sink.write(HEAD)
    assert content(path) == HEAD


def test_new_file_that_was_never_written_is_removed(path: Path) -> None:
    """No empty file, which readers call damaged, is left behind."""
    FileSink(str(path)).close()
    assert not path.exists()


def test_new_file_is_private(path: Path) -> None:
    """Packets hold passwords: only the owner may read."""
    with FileSink(str(path), environment={}) as sink:
        sink.write(HEAD)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_file_belongs_to_the_caller_of_sudo(path: Path) -> None:
    """Who typed sudo can open what was recorded."""
    with FileSink(str(path), environment={"SUDO_UID": "1234", "SUDO_GID": "5678"}) as sink:
        sink.write(HEAD)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 5678)


def test_plain_blocks_are_in_the_file_at_once(path: Path) -> None:
    """A kill after any write leaves a whole file."""
    with FileSink(str(path)) as sink:
        for number in range(3):
            sink.write(BATCH if number else HEAD)
            assert content(path) == HEAD + BATCH * number


def test_gzip_head_is_in_the_file_at_once(path: Path) -> None:
    """The first batch, which makes the file a capture, does not wait."""
    with FileSink(str(path), compress=True, clock=Clock()) as sink:
        sink.write(HEAD)
        assert content(path) == HEAD


def test_gzip_blocks_wait_for_a_second(path: Path) -> None:
    """A member is closed a second after its first block, by write as by flush, and not before."""
    clock = Clock()
    with FileSink(str(path), compress=True, clock=clock) as sink:
        sink.write(HEAD)
        sink.write(BATCH)
        clock.now_ns += MEMBER_NS - 1
        sink.write(BATCH)
        sink.flush(clock.now_ns)
        assert content(path) == HEAD
        clock.now_ns += 1
        sink.flush(clock.now_ns)
        assert content(path) == HEAD + 2 * BATCH
        sink.write(BATCH)
        clock.now_ns += MEMBER_NS
        sink.write(b"")
        assert content(path) == HEAD + 3 * BATCH


def test_gzip_member_is_closed_when_full(path: Path) -> None:
    """Much traffic does not wait for the second."""
    with FileSink(str(path), compress=True, clock=Clock()) as sink:
        sink.write(HEAD)
        many = PACKET * (MEMBER_BYTES // len(PACKET) + 1)
        sink.write(many)
        assert content(path) == HEAD + many


def test_flush_without_a_time_is_at_once(path: Path) -> None:
    """For a reader who waits."""
    with FileSink(str(path), compress=True, clock=Clock()) as sink:
        sink.write(HEAD)
        sink.write(BATCH)
        sink.flush()
        assert content(path) == HEAD + BATCH


def test_close_writes_the_rest_and_may_be_repeated(path: Path) -> None:
    """What waited is not lost."""
    sink = FileSink(str(path), compress=True, clock=Clock())
    sink.write(HEAD)
    sink.write(BATCH)
    sink.close()
    sink.close()
    assert content(path) == HEAD + BATCH


@pytest.mark.parametrize("beyond", range(0, 2 * len(PACKET) + 8, 4))
def test_full_disk_keeps_whole_blocks(path: Path, beyond: int) -> None:
    """Wherever the room ends, the file ends with the last block that fits."""
    sink = FileSink(str(path))
    with largest_file(len(HEAD) + len(BATCH) + beyond):
        sink.write(HEAD)
        sink.write(BATCH)
        with pytest.raises(HostError, match=r"^cannot write .*File too large; all before is kept"):
            sink.write(BATCH)
        with pytest.raises(HostError):
            sink.write(PACKET)
        sink.close()
    assert content(path) == HEAD + BATCH + PACKET * (beyond // len(PACKET))


@pytest.mark.parametrize("beyond", [0, 1, 10, 40])
def test_full_disk_keeps_whole_members(path: Path, beyond: int) -> None:
    """A compressed file ends with the last member that fits."""
    sink = FileSink(str(path), compress=True, clock=Clock())
    sink.write(HEAD)
    with largest_file(path.stat().st_size + beyond):
        sink.write(BATCH)
        with pytest.raises(HostError, match="cannot write"):
            sink.close()
    sink.close()
    assert content(path) == HEAD


@pytest.mark.parametrize("kept", range(5))
def test_full_disk_tells_the_packets_of_the_last_batch(path: Path, kept: int) -> None:
    """So that a summary counts what is in the file."""
    sink = FileSink(str(path))
    sink.write(HEAD)
    with largest_file(len(HEAD) + kept * len(PACKET) + 3), pytest.raises(SinkError) as caught:
        sink.write(BATCH)
    assert caught.value.change == (kept, 60 * kept)


def test_full_disk_tells_the_packets_that_waited_in_vain(path: Path) -> None:
    """Batches that were taken and are lost with their member are counted back; the one being written never counted."""
    clock = Clock()
    sink = FileSink(str(path), compress=True, clock=clock)
    sink.write(HEAD)
    sink.write(BATCH)
    sink.write(PACKET * 2)
    clock.now_ns += MEMBER_NS
    with largest_file(path.stat().st_size + 1), pytest.raises(SinkError) as caught:
        sink.write(BATCH)
    assert caught.value.change == (-7, -420)


def test_full_disk_under_blocks_of_the_other_byte_order(path: Path) -> None:
    """Copied from another machine's file: they are taken back as one batch, and nobody counts for ever."""
    swapped = b"".join(BATCH[at : at + 4][::-1] for at in range(0, len(BATCH), 4)) + bytes(64)
    sink = FileSink(str(path))
    sink.write(HEAD)
    with largest_file(len(HEAD) + len(swapped) - 1), pytest.raises(SinkError):
        sink.write(swapped)
    assert content(path) == HEAD


@pytest.mark.parametrize("compress", [False, True])
def test_room_for_nothing_leaves_nothing_cut(path: Path, compress: bool) -> None:
    """Not even the head fits: the error says so and calls nothing whole; a file that was made for it goes again."""
    sink = FileSink(str(path), compress=compress)
    with largest_file(10), pytest.raises(HostError, match="File too large; nothing could be written$"):
        sink.write(HEAD)
    sink.close()
    assert not path.exists()
    path.write_bytes(b"old")
    sink = FileSink(str(path), compress=compress)
    with largest_file(10), pytest.raises(HostError, match="nothing could be written$"):
        sink.write(HEAD)
    sink.close()
    assert path.read_bytes() == b""


@pytest.mark.live
@pytest.mark.parametrize("compress", [False, True])
def test_full_file_system_leaves_a_file_that_opens(tmp_path: Path, compress: bool) -> None:
    """ENOSPC on a real, small file system: one clear line, and tshark reads all that is there without a word."""
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    full, script = disk / "full.pcapng", tmp_path / "fill.py"
    script.write_text(
        f"{PREAMBLE}import shutil\n"
        f"sink = FileSink({str(full)!r}, compress={compress})\n"
        "try:\n"
        "    sink.write(HEAD)\n"
        "    for _ in range(100):\n"
        "        sink.write(BATCH * 7)\n"
        "        sink.flush()\n"
        "except HostError as error:\n"
        "    print(error)\n"
        "sink.close()\n"
        f"shutil.copyfile({str(full)!r}, {str(kept)!r})\n"
    )
    size = "8k" if compress else "64k"
    command = f'mount -t tmpfs -o size={size} none "$1" && exec "$2" "$3"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", command, "sh", disk, sys.executable, script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "No space left on device; all before is kept" in done.stdout
    assert len(content(kept)) > len(HEAD)
    assert (len(content(kept)) - len(HEAD)) % len(PACKET) == 0
    if shutil.which("capinfos") is not None:
        told = subprocess.run(["capinfos", "-Mc", kept], capture_output=True, text=True, check=True, timeout=60)
        assert (told.stderr, told.stdout.split()[-1]) == ("", str((len(content(kept)) - len(HEAD)) // len(PACKET)))


def test_exception_of_a_signal_handler_leaves_a_whole_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C inside the write call: the batch in flight goes, what was before stays."""
    sink = FileSink(str(path))
    sink.write(HEAD)
    real_write = os.write

    def interrupted(fd: int, data: bytes) -> int:
        real_write(fd, bytes(data)[: len(PACKET) + 7])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            sink.write(BATCH)
    sink.close()
    assert content(path) == HEAD


def test_short_writes_are_continued(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that takes a few bytes at a time gets them all."""
    real_write = os.write
    with FileSink(str(path)) as sink, monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: real_write(fd, bytes(data)[:7]))
        sink.write(HEAD + BATCH)
    assert content(path) == HEAD + BATCH


@pytest.mark.parametrize("compress", [False, True])
def test_reader_that_left_is_told_apart(compress: bool) -> None:
    """A closed pipe is an error of its own kind, so that a program can end quietly."""
    reader, writer = os.pipe()
    sink = FileSink(f"/dev/fd/{writer}", compress=compress)
    os.close(writer)
    sink.write(HEAD)
    os.close(reader)
    with pytest.raises(ReaderGoneError):
        sink.write(BATCH * (MEMBER_BYTES // len(BATCH) + 1))
    sink.close()


def test_standard_output_to_a_slow_non_blocking_pipe() -> None:
    """Somebody set O_NONBLOCK on our pipe: we wait, and lose nothing."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    code = PREAMBLE + "with FileSink('-') as sink:\n    sink.write(HEAD)\n    sink.write(BATCH * 500)\n"
    with subprocess.Popen([sys.executable, "-c", code], stdout=writer) as child:
        os.close(writer)
        with open(reader, "rb") as stream:
            received = stream.read()
        assert child.wait(60) == 0
    assert received == HEAD + BATCH * 500


@pytest.mark.parametrize("mode", ["wb", "ab"])
def test_redirected_standard_output_keeps_what_was_before(path: Path, mode: str) -> None:
    """> and >>: a full disk cuts back our own last block, never what the file held before us."""
    path.write_bytes(b"before")
    before = b"before" if mode == "ab" else b""
    limit = len(before) + len(HEAD) + len(PACKET) + 9
    code = PREAMBLE + (
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, -1))\n"
        "sink = FileSink('-')\n"
        "try:\n    sink.write(HEAD)\n    sink.write(BATCH)\n"
        "except HostError as error:\n    sys.stderr.write(str(error))\n"
        "sink.close()\n"
    )
    with path.open(mode) as stream:
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, stdout=stream, stderr=subprocess.PIPE, check=False, timeout=60)
    assert b"cannot write standard output: File too large" in done.stderr
    assert path.read_bytes() == before + HEAD + PACKET

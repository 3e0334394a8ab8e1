"""What the user may get wrong, by the installed command: one line that says what and where, exit status 1, no traceback, no table.

From a damaged file everything whole before the damage is dug first.
"""

from __future__ import annotations

import gzip
import struct
import subprocess
from functools import cache
from pathlib import Path

import pytest
from command import ROOT, Finished, dig, environment, pcapdig
from namespace import Namespace

LAMP = ROOT / "fixtures" / "lamp.pcapng.gz"


@cache
def whole() -> bytes:
    """The recorded trace, uncompressed."""
    return gzip.decompress(LAMP.read_bytes())


@cache
def block_ends() -> tuple[int, ...]:
    """Where each block of the trace ends."""
    ends = [0]
    while ends[-1] < len(whole()):
        ends.append(ends[-1] + struct.unpack_from("<I", whole(), ends[-1] + 4)[0])
    return tuple(ends[1:])


def refused(ended: Finished, *words: str) -> None:
    """Exit status 1 and one line on stderr with all these words; nothing on stdout."""
    assert ended.returncode == 1, ended
    assert ended.stdout == "", ended
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert all(word in lines[0] for word in words), ended.stderr


def refused_filter(ended: Finished, *words: str) -> None:
    """As `refused`, and two lines more that show the place: the filter, and a caret under it."""
    assert (ended.returncode, ended.stdout) == (1, ""), ended
    message, *place = ended.stderr.splitlines()
    assert all(word in message for word in words), ended.stderr
    assert not place or (len(place) == 2 and place[1].strip() == "^"), ended.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files that are no captures."""
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "text").write_text("GET / HTTP/1.1\n")
    (tmp_path / "noise").write_bytes(bytes(range(7, 256)) * 3)
    (tmp_path / "empty.gz").write_bytes(gzip.compress(b""))
    (tmp_path / "text.gz").write_bytes(gzip.compress(b"some words\n"))
    (tmp_path / "directory").mkdir()
    (tmp_path / "good.pcapng").write_bytes(whole())
    return tmp_path


@pytest.mark.parametrize("name", ["missing", "directory", "empty", "text", "noise", "empty.gz", "text.gz"])
@pytest.mark.parametrize("chisel", [(), ("-c", "topprocs_net")], ids=["lines", "table"])
def test_file_that_is_no_capture(name: str, chisel: tuple[str, ...], folder: Path) -> None:
    """The line names the file."""
    refused(dig("-r", name, *chisel, directory=folder), name)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("-c nosuchchisel", ["nosuchchisel"]),
        ("-i nosuchchisel", ["nosuchchisel"]),
        ("-c spy_ip", ["spy_ip", "host_ip"]),
        ("-c spy_ip 300.1.2.3", ["300.1.2.3"]),
        ("-c spy_port http80", ["http80"]),
        ("-Z", ["-Z"]),
        ("--nosuchoption", ["--nosuchoption"]),
        ("-n 0", ["0"]),
        ("-n many", ["many"]),
        ("-t q", ["q"]),
        ("-A -X", ["-A", "-X"]),
        ("-p %fd.bogus", ["fd.bogus"]),
        ("-s 0", ["0"]),
        ("-s 262145", ["262145"]),
    ],
)
def test_wrong_option(words: str, named: list[str], folder: Path) -> None:
    """The line names what is wrong with the command line."""
    refused(dig("-r", "good.pcapng", *words.split(), directory=folder), *named)


def test_missing_value(folder: Path) -> None:
    """An option at the end that wants a value."""
    refused(dig("-r", directory=folder), "-r")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("fd.bogus=1", ["fd.bogus"]),
        ("proc.nam=httpd", ["proc.nam", "proc.name"]),
        ("proc.name=httpd and", []),
        ("(proc.name=httpd", []),
        ("proc.name=httpd proc.pid=1", []),
        ("fd.cip=1.2.3", ["1.2.3"]),
        ("fd.sport=http80x", ["http80x"]),
        ("proc.pid contains 1", ["contains"]),
        ('proc.name="httpd', []),
    ],
)
def test_bad_filter(text: str, named: list[str], folder: Path) -> None:
    """The message says what, and a caret shows where; also after a chisel that has given no output yet."""
    refused_filter(dig("-r", "good.pcapng", *text.split(), directory=folder), *named)
    refused_filter(dig("-r", "good.pcapng", "-c", "topconns", *text.split(), directory=folder), *named)


def test_good_file_is_good(folder: Path) -> None:
    """The file that the other tests damage is read in silence."""
    ended = dig("-r", "good.pcapng", directory=folder)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(ended.stdout.splitlines()) > 100


def places_to_cut() -> list[int]:
    """47 places: at and around the edges of blocks, and all over the file."""
    ends = block_ends()
    near = [
        ends[0] - 1,
        ends[0],
        ends[0] + 1,
        ends[1] - 1,
        ends[1] + 3,
        ends[2] + 4,
        ends[2] + 11,
        ends[3] + 12,
        ends[4] - 4,
    ]
    spread = [len(whole()) * number // 38 + number for number in range(38)]
    return near + spread


@pytest.mark.parametrize("place", range(47))
def test_file_cut_short(place: int, folder: Path) -> None:
    """Everything whole before the cut is dug; then one line names the file and the byte."""
    cut = sorted({*places_to_cut()})[place]
    boundary = max((end for end in block_ends() if end <= cut), default=0)
    (folder / "cut.pcapng").write_bytes(whole()[:cut])
    (folder / "sound.pcapng").write_bytes(whole()[:boundary])
    ended = dig("-r", "cut.pcapng", directory=folder)
    assert "Traceback" not in ended.stderr
    if boundary == 0:
        refused(ended, "cut.pcapng")
        return
    sound = dig("-r", "sound.pcapng", directory=folder)
    assert (sound.returncode, sound.stderr) == (0, "")
    assert ended.stdout == sound.stdout
    if cut == boundary:
        assert (ended.returncode, ended.stderr) == (0, "")
        return
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert "cut.pcapng" in line
    assert str(boundary) in line


@pytest.mark.parametrize("share", [1, 17, 50, 83, 99])
def test_compressed_file_cut_short(share: int, folder: Path) -> None:
    """What can be decompressed is dug, in order and without a word changed; then one line names the file."""
    packed = LAMP.read_bytes()
    (folder / "cut.pcapng.gz").write_bytes(packed[: len(packed) * share // 100])
    ended = dig("-r", "cut.pcapng.gz", directory=folder)
    good = dig("-r", "good.pcapng", directory=folder)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert "cut.pcapng.gz" in line
    assert good.stdout.startswith(ended.stdout)


def test_table_of_a_cut_file_comes_before_the_complaint(folder: Path) -> None:
    """A chisel shows what the whole packets before the cut gave."""
    cut = len(whole()) // 2
    boundary = max(end for end in block_ends() if end <= cut)
    (folder / "cut.pcapng").write_bytes(whole()[: boundary + 13])
    (folder / "sound.pcapng").write_bytes(whole()[:boundary])
    ended = dig("-r", "cut.pcapng", "-c", "topprocs_net", directory=folder)
    assert ended.stdout == dig("-r", "sound.pcapng", "-c", "topprocs_net", directory=folder).stdout
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1


def test_output_that_cannot_be_written(folder: Path) -> None:
    """The line names the file that -w should make."""
    refused(dig("-r", "good.pcapng", "-w", "nowhere/out.pcapng", directory=folder), "nowhere/out.pcapng")


def test_reader_that_leaves(folder: Path) -> None:
    """`pcapdig -r FILE | head -1` ends quietly."""
    with subprocess.Popen(
        pcapdig("-r", "good.pcapng"), cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout
        assert running.stderr
        assert running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 0


@pytest.mark.live
@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("-w out.pcapng --interface nosuch0", ["nosuch0"]),
        ("-w out.pcapng -f tcp&&&", ["tcp&&&"]),
        ("-w out.pcapng --interface lo -f prt80", ["prt80"]),
        ("-w nowhere/out.pcapng", ["nowhere/out.pcapng"]),
        ("-w directory", ["directory"]),
        ("-w out.pcapng --tracer nosuch", ["nosuch"]),
        ("-w out.pcapng -B x", ["x"]),
        ("-w out.pcapng -c nosuchchisel", ["nosuchchisel"]),
        ("--interface nosuch0", ["nosuch0"]),
    ],
)
def test_recording_that_cannot_start(words: str, named: list[str], folder: Path, namespace: Namespace) -> None:
    """The line says why, before anything is recorded."""
    ended = subprocess.run(
        namespace.command(*pcapdig(*words.split())),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    refused(Finished(returncode=ended.returncode, stdout=ended.stdout, stderr=ended.stderr), *named)


@pytest.mark.live
def test_recording_with_a_bad_filter(folder: Path, namespace: Namespace) -> None:
    """A filter at the end of -w is checked before anything is recorded."""
    ended = subprocess.run(
        namespace.command(*pcapdig("-w", "out.pcapng", "proc.nam=httpd")),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    refused_filter(Finished(returncode=ended.returncode, stdout=ended.stdout, stderr=ended.stderr), "proc.nam")
    assert not (folder / "out.pcapng").exists()


def powerless(directory: Path, *arguments: str) -> Finished:
    """Run pcapdig without any capability (capabilities(7)): as an ordinary user, who may yet execute this interpreter."""
    ended = subprocess.run(
        ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--", *pcapdig(*arguments)],
        cwd=directory,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return Finished(returncode=ended.returncode, stdout=ended.stdout, stderr=ended.stderr)


@pytest.mark.live
def test_recording_without_permission(folder: Path) -> None:
    """An ordinary user may not capture: the line says what is missing, and no file is left."""
    refused(powerless(folder, "-w", "out.pcapng"), "permi")
    assert not (folder / "out.pcapng").exists()


@pytest.mark.live
def test_reading_without_permission(folder: Path) -> None:
    """A file that this user may not read."""
    (folder / "good.pcapng").chmod(0)
    refused(powerless(folder, "-r", "good.pcapng"), "good.pcapng", "ermission denied")


@pytest.mark.live
def test_digging_needs_no_permission(folder: Path) -> None:
    """An ordinary user digs in a recorded file."""
    ended = powerless(folder, "-r", "good.pcapng", "-c", "topprocs_net")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "httpd" in ended.stdout

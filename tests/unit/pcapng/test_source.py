"""Opening captures: what is refused and how, then every container whole, cut, damaged, streamed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import pytest
import zstandard

from pcapdig.errors import InputError
from pcapdig.pcapng import blocks
from pcapdig.pcapng.source import CHUNK_BYTES, open_reads, open_source

HEAD = blocks.section_header(os="Linux") + blocks.interface_description(name="lo", link_type=1)
CAPTURE = HEAD + b"".join(
    blocks.enhanced_packet(interface=0, time_ns=number, data=os.urandom(20) + bytes(40)) for number in range(40)
)
PCAP = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1) + struct.pack("<IIII", 1, 2, 4, 4) + b"abcd"
SYSDIG = blocks.section_header() + struct.pack("=III", 0x0201, 12, 12)

Packer = Callable[[bytes], bytes]
PACKERS: dict[str, Packer] = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "lz4": lambda data: lz4.frame.compress(data, content_checksum=True),
}
each_packer = pytest.mark.parametrize("kind", PACKERS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test puts its file; the name says nothing of the content."""
    return tmp_path / "capture"


def read(path: Path | str) -> bytes:
    """All uncompressed bytes."""
    with open_source(str(path)) as source:
        return b"".join(source.chunks())


def read_what_can_be_had(path: Path) -> tuple[bytes, str | None]:
    """The bytes before an error, and its text."""
    had = b""
    try:
        with open_source(str(path)) as source:
            for chunk in source.chunks():
                had += chunk
    except InputError as error:
        return had, str(error)
    return had, None


REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "text": (b"GET / HTTP/1.1\r\n", "is text"),
    "short text": (b"x\n", "is text"),
    "text cut within a character": ("grüße aus Köln".encode()[:12], "is text"),
    "zeros": (bytes(100), "is not a capture file"),
    "noise": (b"\x7fELF\x02\x01\x01\x00\xff\xfe\xfd\xfc" * 4, "is not a capture file"),
    "sysdig": (SYSDIG, r"sysdig file \(\.scap\).* system calls"),
    "sysdig big-endian": (
        struct.pack(">IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28) + struct.pack(">I", 0x0213),
        "sysdig file",
    ),
    "sysdig in gzip": (gzip.compress(SYSDIG), r"sysdig file .*\(inside gzip\)"),
    "text in zstd": (zstandard.compress(b"nothing but text\n"), r"is text.*\(inside zstd\)"),
    "nothing in gzip": (gzip.compress(b""), "0 bytes"),
    "gzip in gzip": (gzip.compress(gzip.compress(CAPTURE)), "is not a capture file"),
    "no byte order": (CAPTURE[:8] + b"abcd" + CAPTURE[12:], "byte-order magic at byte 8"),
    "xz": (lzma.compress(CAPTURE), "xz -d"),
    "bzip2": (bz2.compress(CAPTURE), "bzip2 -d"),
    "zip": (b"PK\x03\x04" + bytes(30), "zip archive"),
    "snoop": (b"snoop\0\0\0" + bytes(30), "snoop"),
    "ixia": (struct.pack("<I", 0x1C0001AC) + bytes(20), "IXIA"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_capture_is_refused(path: Path, case: str) -> None:
    """One line with the file's name and what it is instead."""
    content, words = REFUSED[case]
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        open_source(str(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cut", range(1, 12))
@pytest.mark.parametrize("content", [CAPTURE, PCAP], ids=["pcapng", "pcap"])
def test_start_of_a_header_is_refused_as_cut(path: Path, content: bytes, cut: int) -> None:
    """Fewer bytes than a header: pcap needs 4 to be known, pcapng 12."""
    path.write_bytes(content[:cut])
    if content is PCAP and cut >= 4:
        assert read(path) == content[:cut]
        return
    with pytest.raises(InputError, match=f"cut short: {cut} bytes"):
        open_source(str(path))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing", "No such file"),
        (".", "is a directory"),
        ("file/x", "Not a directory"),
        ("x" * 300, "File name too long"),
    ],
)
def test_path_that_is_no_file_is_refused(tmp_path: Path, name: str, words: str) -> None:
    """The path and the system's reason."""
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=words):
        open_source(str(tmp_path / name))


def test_file_of_others_is_refused(path: Path) -> None:
    """No permission: said so. Tried as nobody, since root may read all."""
    path.write_bytes(CAPTURE)
    path.chmod(0)
    code = (
        "import os, sys\nfrom pcapdig.pcapng.source import open_source\nfrom pcapdig.errors import InputError\n"
        "if os.geteuid() == 0: os.setresuid(65534, 65534, 65534)\n"
        "try: open_source(sys.argv[1])\nexcept InputError as error: print(error)\n"
    )
    path.parent.chmod(0o755)
    command = [sys.executable, "-c", code, path.name]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "capture: cannot be read: Permission denied\n"


def test_control_characters_of_a_path_are_not_printed(tmp_path: Path) -> None:
    """The message goes to a terminal."""
    with pytest.raises(InputError) as caught:
        open_source(str(tmp_path / "\x1b[2J"))
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [CAPTURE, PCAP, HEAD, blocks.section_header()], ids=["pcapng", "pcap", "head", "section"]
)
def test_plain_file_is_one_view_without_a_copy(path: Path, content: bytes) -> None:
    """A memoryview of the mapped file, valid after close."""
    path.write_bytes(content)
    with open_source(str(path)) as source:
        [chunk] = source.chunks()
    assert isinstance(chunk, memoryview)
    assert bytes(chunk) == content
    assert source.compression == ""


@each_packer
def test_compressed_file_is_known_by_its_content(path: Path, kind: str) -> None:
    """Whatever the name."""
    path.write_bytes(PACKERS[kind](CAPTURE))
    with open_source(str(path)) as source:
        assert source.compression == kind
        assert b"".join(source.chunks()) == CAPTURE


@each_packer
def test_members_follow_each_other(path: Path, kind: str) -> None:
    """As many members or frames as there are, empty ones and zero padding included."""
    pack = PACKERS[kind]
    pieces = [CAPTURE[:100], b"", CAPTURE[100:101], CAPTURE[101:]]
    path.write_bytes(b"".join(pack(piece) for piece in pieces) + bytes(512))
    assert read(path) == CAPTURE


def test_zstd_skippable_frame_is_skipped(path: Path) -> None:
    """pzstd begins its files with one."""
    skippable = struct.pack("<II", 0x184D2A50, 4) + b"\x01\x02\x03\x04"
    path.write_bytes(skippable + zstandard.compress(CAPTURE[:200]) + skippable + zstandard.compress(CAPTURE[200:]))
    assert read(path) == CAPTURE


def test_zstd_without_a_size_in_its_frame(path: Path) -> None:
    """What `zstd` writes from a pipe."""
    path.write_bytes(zstandard.ZstdCompressor(write_content_size=False).compress(CAPTURE))
    assert read(path) == CAPTURE


@pytest.mark.parametrize(("kind", "command"), [("gzip", "gzip -c"), ("zstd", "zstd -c"), ("lz4", "lz4 -c")])
def test_files_of_the_command_line_tools(path: Path, kind: str, command: str) -> None:
    """Made by the tools that people use."""
    plain = path.with_name("plain")
    plain.write_bytes(CAPTURE * 50)
    try:
        path.write_bytes(subprocess.run([*command.split(), plain], capture_output=True, check=True, timeout=60).stdout)
    except FileNotFoundError:
        pytest.skip(f"{kind} is not installed")
    assert read(path) == CAPTURE * 50


@each_packer
def test_cut_anywhere_gives_what_can_be_had(path: Path, kind: str) -> None:
    """Of two members cut at any byte: a prefix, then an error that counts its bytes; none where the first ends."""
    pack = PACKERS[kind]
    first, second = pack(CAPTURE[:1500]), pack(CAPTURE[1500:])
    packed = first + second
    for cut in range(len(packed)):
        path.write_bytes(packed[:cut])
        had, error = read_what_can_be_had(path)
        assert CAPTURE.startswith(had)
        if cut == len(first):
            assert (had, error) == (CAPTURE[:1500], None)
            continue
        assert error is not None
        assert error.startswith(f"{path}: ")
        if cut > len(first):
            assert len(had) >= 1500
            assert f"damaged after {len(had)} uncompressed bytes" in error


def test_cut_gzip_gives_all_that_zlib_can(path: Path) -> None:
    """Not a byte less than zlib's own decoder gets out of the same cut."""
    packed = gzip.compress(CAPTURE)
    for cut in range(0, len(packed), 7):
        path.write_bytes(packed[:cut])
        possible = zlib.decompressobj(31).decompress(packed[:cut])
        if len(possible) > len(HEAD):  # with less it cannot be told that this is a capture
            assert read_what_can_be_had(path)[0] == possible


@each_packer
def test_damage_after_good_members_keeps_those(path: Path, kind: str) -> None:
    """A flipped checksum in the third member costs that one only."""
    pack = PACKERS[kind]
    members = [pack(CAPTURE[:1000]), pack(CAPTURE[1000:2000]), pack(CAPTURE[2000:])]
    bad = bytearray(b"".join(members))
    bad[-5 if kind == "gzip" else -1] ^= 1
    path.write_bytes(bad)
    had, error = read_what_can_be_had(path)
    assert had[:2000] == CAPTURE[:2000]
    assert error is not None
    assert f"{kind} data is cut or damaged after {len(had)} uncompressed bytes" in error


@each_packer
def test_foreign_bytes_after_the_last_member_are_an_error(path: Path, kind: str) -> None:
    """They are not passed over in silence: something is missing or was overwritten."""
    path.write_bytes(PACKERS[kind](CAPTURE) + b"something else altogether")
    had, error = read_what_can_be_had(path)
    assert had == CAPTURE
    assert error is not None


@pytest.mark.parametrize("kind", ["gzip", "lz4"])
def test_bomb_comes_in_bounded_chunks(path: Path, kind: str) -> None:
    """64 MiB of zeros in a few KiB never stand in memory at once."""
    path.write_bytes(PACKERS[kind](HEAD + bytes(64 << 20)))
    with open_source(str(path)) as source:
        sizes = [len(chunk) for chunk in source.chunks()]
    assert sum(sizes) == len(HEAD) + (64 << 20)
    assert max(sizes) < 2 * CHUNK_BYTES


@pytest.mark.parametrize("kind", ["plain", *PACKERS])
def test_pipe_is_read_as_it_fills(kind: str) -> None:
    """What a writer has sent can be had while it goes on writing."""
    pack = PACKERS.get(kind, bytes)
    reader, writer = os.pipe()
    os.write(writer, pack(CAPTURE[:2000]))
    with open_source(f"/dev/fd/{reader}") as source:
        os.close(reader)
        chunks = source.chunks()
        assert bytes(next(chunks)) == CAPTURE[:2000]
        os.write(writer, pack(CAPTURE[2000:]))
        assert bytes(next(chunks)) == CAPTURE[2000:]
        os.close(writer)
        assert list(chunks) == []


@pytest.mark.parametrize("kind", ["plain", *PACKERS])
def test_pipe_of_single_bytes_is_the_same(kind: str) -> None:
    """Fed one byte at a time, the same bytes come out."""
    packed = PACKERS.get(kind, bytes)(CAPTURE)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        for value in packed[:600]:
            os.write(writer, bytes([value]))
        os.write(writer, packed[600:])
        os._exit(0)
    os.close(writer)
    with open_source(f"/dev/fd/{reader}") as source:
        os.close(reader)
        assert b"".join(source.chunks()) == CAPTURE
    os.waitpid(child, 0)


@pytest.mark.parametrize("way", ["file", "pipe"])
@pytest.mark.parametrize("kind", ["plain", *PACKERS])
def test_standard_input(path: Path, kind: str, way: str) -> None:
    """ "-" reads a redirected file and a pipe."""
    packed = PACKERS.get(kind, bytes)(CAPTURE)
    path.write_bytes(packed)
    code = (
        "import sys\nfrom pcapdig.pcapng.source import open_source\n"
        "for chunk in open_source('-').chunks(): sys.stdout.buffer.write(chunk)\n"
    )
    command = [sys.executable, "-c", code]
    if way == "pipe":
        done = subprocess.run(command, input=packed, capture_output=True, check=True, timeout=60)
    else:
        with path.open("rb") as stream:
            done = subprocess.run(command, stdin=stream, capture_output=True, check=True, timeout=60)
    assert done.stdout == CAPTURE


def test_standard_input_has_a_name_in_errors() -> None:
    """No "-" in a message."""
    code = (
        "from pcapdig.pcapng.source import open_source\nfrom pcapdig.errors import InputError\n"
        "try: open_source('-')\nexcept InputError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], input=b"", capture_output=True, check=True, timeout=60)
    assert done.stdout == b"standard input: is empty\n"


def test_pieces_of_bytes_are_a_capture_too() -> None:
    """Whatever gives them, and compressed ones are unpacked."""
    for packed, compression in ((CAPTURE, ""), (gzip.compress(CAPTURE), "gzip")):
        pieces = iter([packed[at : at + 7] for at in range(0, len(packed), 7)])
        with open_reads("a socket", pieces) as source:
            assert (source.name, source.compression) == ("a socket", compression)
            assert b"".join(source.chunks()) == CAPTURE


def test_pieces_that_are_no_capture_are_refused() -> None:
    """By the name they were given."""
    with pytest.raises(InputError, match="a socket: is empty"):
        open_reads("a socket", iter([]))
    with pytest.raises(InputError, match="a socket: is text"):
        open_reads("a socket", iter([b"hello ", b"there, this is text"]))


def test_the_position_is_that_in_the_file(path: Path) -> None:
    """Compressed bytes of a compressed file, what was walked of a plain one; a pipe has no size."""
    packed = gzip.compress(CAPTURE)
    path.write_bytes(packed)
    with open_source(str(path)) as source:
        assert source.size_bytes == len(packed)
        list(source.chunks())
        assert source.position_bytes == len(packed)
    assert source.position_bytes == len(packed)
    path.write_bytes(CAPTURE)
    with open_source(str(path)) as source:
        source.walked_bytes = 7
        assert (source.position_bytes, source.size_bytes) == (7, len(CAPTURE))
    with open_reads("a socket", iter([packed])) as source:
        source.walked_bytes = 9
        assert (source.position_bytes, source.size_bytes) == (9, None)

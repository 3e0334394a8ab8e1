"""-r with -w: damage first, then what is copied, checked by tshark and capinfos."""

from __future__ import annotations

import gzip
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcapdig.cli.copying import section_of, whole_blocks
from pcapdig.errors import InputError
from pcapdig.pcapng import blocks
from pcapdig.pcapng.source import open_source
from pcapdig.trace.trace import Trace

Run = Callable[..., "Ended"]  # noqa: F821  # of conftest.py, which tests cannot import
pytestmark = pytest.mark.usefixtures("folder")

PARTS = [
    blocks.section_header(application="test"),
    blocks.interface_description(name="lo", link_type=1),
    *(blocks.enhanced_packet(interface=0, time_ns=at, data=bytes(at)) for at in (0, 1, 60, 1500)),
]


def tshark(file: Path, *fields: str) -> list[str]:
    """Give a line of fields a packet; tshark may say nothing on stderr but that it runs as root."""
    argv = ["tshark", "-n", "-r", str(file), "-T", "fields", *(word for field in fields for word in ("-e", field))]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert [] == [line for line in done.stderr.splitlines() if not line.startswith("Running as user")]
    return done.stdout.splitlines()


@given(cut=st.integers(0, len(b"".join(PARTS))), size=st.integers(1, 700))
def test_blocks_are_whole_however_the_bytes_come(cut: int, size: int) -> None:
    """Cut anywhere, in chunks of any size: all whole blocks, then the error unless the cut is between blocks."""
    capture = b"".join(PARTS)[:cut]
    chunks = [capture[start : start + size] for start in range(0, cut, size)]
    given_out: list[bytes] = []
    message = ""
    try:
        given_out.extend(whole_blocks(chunks, "f: damaged at byte"))
    except InputError as error:
        message = str(error)
    ends = [len(b"".join(PARTS[:count])) for count in range(len(PARTS) + 1)]
    assert max(end for end in ends if end <= cut) == len(b"".join(given_out))
    assert (cut in ends) == (message == "")
    assert message == "" or f"byte {len(b''.join(given_out))}: " in message


@pytest.mark.parametrize("size", [0, 8, 1 << 25, (1 << 32) - 1])
def test_a_block_length_that_cannot_be_is_damage(size: int) -> None:
    """What came before is handed out, the offset is told."""
    broken = b"".join(PARTS[:3]) + (6).to_bytes(4, "little") + size.to_bytes(4, "little") + bytes(100)
    reader = whole_blocks([broken], "f: damaged at byte")
    assert b"".join(PARTS[:3]) == next(reader)
    with pytest.raises(InputError, match=f"f: damaged at byte {len(b''.join(PARTS[:3]))}: "):
        next(reader)


def test_a_section_in_no_byte_order_is_damage() -> None:
    """A second section header with a wrong magic is not walked over."""
    with pytest.raises(InputError, match="no pcapng block begins here"):
        list(whole_blocks([PARTS[0], PARTS[0].replace(b"\x4d\x3c\x2b\x1a", b"abcd")], "f: damaged at byte"))


def test_a_copy_without_a_filter_is_the_file(run: Run, folder: Path) -> None:
    """Byte for byte."""
    ended = run("-r", "t.pcapng", "-w", "copy.pcapng")
    assert (0, "", "") == (ended.status, ended.out, ended.err)
    assert (folder / "t.pcapng").read_bytes() == (folder / "copy.pcapng").read_bytes()


def test_a_copy_keeps_the_packets_that_pass_and_their_comments(run: Run, folder: Path) -> None:
    """One end is enough; comments and times are as they were."""
    run("-r", "t.pcapng", "-w", "copy.pcapng", "evt.is_io_read=true", "and", "proc.name=httpd")
    fields = ("frame.time_epoch", "frame.comment", "tcp.payload")
    expected = [line for line in tshark(folder / "t.pcapng", *fields) if "474554" in line]
    assert 1 == len(expected)
    assert expected == tshark(folder / "copy.pcapng", *fields)


def test_a_copy_of_a_damaged_file_has_what_was_whole(run: Run, folder: Path) -> None:
    """And says where the damage is."""
    (folder / "cut.pcapng").write_bytes((folder / "t.pcapng").read_bytes()[:-5])
    ended = run("-r", "cut.pcapng", "-w", "copy.pcapng")
    assert 1 == ended.status
    assert "cut.pcapng: damaged at byte" in ended.err
    assert 5 == len(tshark(folder / "copy.pcapng", "frame.number"))


def test_a_copy_with_a_chisel_of_a_damaged_file(run: Run, folder: Path) -> None:
    """Both have what was whole, and the damage is told once."""
    (folder / "cut.pcapng").write_bytes((folder / "t.pcapng").read_bytes()[:-5])
    ended = run("-r", "cut.pcapng", "-w", "copy.pcapng", "-c", "topprocs_net")
    assert 1 == ended.status
    assert "curl" in ended.out
    assert 1 == len(ended.err.splitlines())
    assert 5 == len(tshark(folder / "copy.pcapng", "frame.number"))


def test_a_copy_of_a_damaged_gzip_counts_uncompressed_bytes(run: Run, folder: Path) -> None:
    """As a dig in it does."""
    whole = (folder / "t.pcapng").read_bytes()
    broken = struct.pack("<III", 6, 12, 12)
    (folder / "broken.pcapng.gz").write_bytes(gzip.compress(whole + broken))
    ended = run("-r", "broken.pcapng.gz", "-w", "copy.pcapng")
    assert f"broken.pcapng.gz: damaged at uncompressed byte {len(whole)}: " in ended.err
    assert (folder / "copy.pcapng").read_bytes() == whole


def test_a_missing_file_leaves_the_target_alone(run: Run, folder: Path) -> None:
    """Nothing is overwritten for a mistyped name."""
    (folder / "copy.pcapng").write_bytes(b"precious")
    assert 1 == run("-r", "nothere.pcapng", "-w", "copy.pcapng").status
    assert (folder / "copy.pcapng").read_bytes() == b"precious"


def test_a_pcap_becomes_pcapng_with_its_nanoseconds(run: Run, folder: Path) -> None:
    """Same packets, same times, same bytes."""
    run("-r", "t.pcap", "-w", "copy.pcapng")
    fields = ("frame.time_epoch", "frame.len", "tcp.seq_raw", "tcp.payload")
    assert tshark(folder / "t.pcap", *fields) == tshark(folder / "copy.pcapng", *fields)


def test_a_pcap_can_be_filtered_on_the_way(run: Run, folder: Path) -> None:
    """By what packets alone say."""
    run("-r", "t.pcap", "-w", "copy.pcapng", "evt.is_io=true")
    assert 2 == len(tshark(folder / "copy.pcapng", "frame.number"))


def test_compressed_copies_and_limits(run: Run, folder: Path) -> None:
    """-z packs, -n stops after so many packets kept."""
    run("-r", "t.pcapng", "-w", "copy.pcapng.gz", "-z", "-n", "2")
    assert b"\x1f\x8b" == (folder / "copy.pcapng.gz").read_bytes()[:2]
    assert 2 == len(tshark(folder / "copy.pcapng.gz", "frame.number"))


def test_several_files_become_sections(run: Run, folder: Path) -> None:
    """Each with its own interfaces, all packets in the order of the files."""
    run("-r", "t.pcapng", "-r", "t.pcap", "-w", "copy.pcapng")
    assert 12 == len(tshark(folder / "copy.pcapng", "frame.number"))


def test_a_chisel_digs_beside_the_copy(run: Run, folder: Path) -> None:
    """-w and -c together do both."""
    ended = run("-r", "t.pcapng", "-w", "copy.pcapng", "-c", "topprocs_net")
    assert "91B       curl" in ended.out
    assert 6 == len(tshark(folder / "copy.pcapng", "frame.number"))


def test_an_empty_pcap_is_an_empty_pcapng(folder: Path) -> None:
    """Section and interface, no packet."""
    (folder / "none.pcap").write_bytes((folder / "t.pcap").read_bytes()[:24])
    (folder / "none.pcapng").write_bytes(b"".join(section_of(open_source("none.pcap"), Trace())))
    assert [] == tshark(folder / "none.pcapng", "frame.number")


def test_several_files_become_one_in_the_order_of_time(run: Run, folder: Path) -> None:
    """One section with all interfaces, comments kept, as mergecap orders them; -n and filters count over all."""
    capture = (folder / "t.pcapng").read_bytes()
    heads = len(blocks.section_header(application="test") + blocks.interface_description(name="lo", link_type=1))
    (folder / "empty.pcapng").write_bytes(capture[:heads])
    ended = run("-r", "t.pcap", "-r", "t.pcapng", "-r", "empty.pcapng", "-w", "copy.pcapng")
    assert (0, "", "") == (ended.status, ended.out, ended.err)
    fields = ("frame.time_epoch", "frame.interface_id", "tcp.seq_raw", "tcp.payload", "frame.comment")
    lines = tshark(folder / "copy.pcapng", *fields)
    assert [line.split("\t")[1] for line in lines] == ["0", "1"] * 6
    for name, of_file in (("t.pcap", lines[::2]), ("t.pcapng", lines[1::2])):
        expected = tshark(folder / name, "frame.time_epoch", "tcp.seq_raw", "tcp.payload", "frame.comment")
        assert expected == ["\t".join(line.split("\t")[:1] + line.split("\t")[2:]) for line in of_file]
    about = subprocess.run(["capinfos", "-I", str(folder / "copy.pcapng")], capture_output=True, text=True, check=True)
    assert "Number of interfaces in file: 3" in about.stdout
    run("-r", "t.pcapng", "-r", "t.pcap", "-w", "few.pcapng", "-n", "3", "evt.is_io=true")
    assert 3 == len(tshark(folder / "few.pcapng", "frame.number"))


def test_a_damaged_file_among_several_costs_only_its_rest(run: Run, folder: Path) -> None:
    """All that is whole is written, then it is said."""
    (folder / "cut.pcapng").write_bytes((folder / "t.pcapng").read_bytes()[:-5])
    ended = run("-r", "cut.pcapng", "-r", "t.pcapng", "-w", "copy.pcapng")
    assert 1 == ended.status
    assert ended.err.startswith("cut.pcapng: damaged at byte ")
    assert 11 == len(tshark(folder / "copy.pcapng", "frame.number"))

"""The model's truth beside tshark's, where tshark has an opinion: connections, streams, checksums, retransmissions."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from traffic.kinds import KINDS, sample
from traffic.kinds.drawing import Sample

SEEDS = range(3)
OPTIONS = ("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE")


def tshark(path: Path, *arguments: str) -> str:
    """What it prints."""
    command = ["tshark", "-n", "-r", str(path), *OPTIONS, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def merged(samples: Iterable[Sample], directory: Path) -> Path:
    """All files of these samples as one."""
    paths = []
    for i, data in enumerate(data for found in samples for data in found.files):
        paths.append(directory / f"{i}.pcap")
        paths[-1].write_bytes(data)
    if len(paths) == 1:
        return paths[0]
    whole = directory / "merged.pcapng"
    subprocess.run(["mergecap", "-w", str(whole), *map(str, paths)], check=True)
    return whole


@pytest.mark.parametrize("kind", list(KINDS))
def test_checksums_are_right(kind: str, tmp_path: Path) -> None:
    """Every member's packets dissect, and their checksums are good."""
    path = merged((sample(kind, member, seed) for member in KINDS[kind] for seed in SEEDS), tmp_path)
    sums = Counter(tshark(path, "-T", "fields", "-e", "tcp.checksum.status", "-e", "udp.checksum.status").split())
    assert sums["1"] > 50
    assert not sums["0"]
    assert tshark(path, "-Y", "ip.checksum.status == 0 or icmp.checksum.status == 0 or not (ip or ipv6)") == ""


@pytest.mark.parametrize(
    ("kind", "member"), [("A", "rough way"), ("B", "probes"), ("C", "reused"), ("C", "two routes")]
)
def test_streams_are_those_that_tshark_follows(kind: str, member: str, tmp_path: Path) -> None:
    """The same connections, and in each the same number of bytes each way."""
    for seed in SEEDS:
        found = sample(kind, member, seed)
        path = merged([found], tmp_path)
        streams = set(tshark(path, "-T", "fields", "-e", "tcp.stream").split())
        assert len(streams) == len(found.answers.rows)
        given = Counter(followed(path, len(streams)))
        assert given == Counter((row.client_bytes, row.server_bytes) for row in found.answers.rows)


def followed(path: Path, count: int) -> list[tuple[int, int]]:
    """Bytes of the client and of the server of each stream, as `follow` puts them together: it indents the server's."""
    follow = [word for stream in range(count) for word in ("-z", f"follow,tcp,raw,{stream}")]
    found = []
    for text in tshark(path, "-q", *follow).split("Follow: ")[1:]:
        sizes = [0, 0]
        for line in text.splitlines():
            if re.fullmatch("\t?(?:[0-9a-f]{2})+", line):
                sizes[line.startswith("\t")] += len(line.strip()) // 2
        found.append((sizes[0], sizes[1]))
    return found


def test_repetitions_are_those_that_tshark_sees(tmp_path: Path) -> None:
    """What the model counts as sent again tshark calls a retransmission, or a segment out of order where it came in between."""
    for seed in SEEDS:
        found = sample("A", "rough way", seed)
        path = merged([found], tmp_path)
        words = ("tcp.analysis.retransmission", "tcp.analysis.out_of_order")
        seen = len(tshark(path, "-Y", " or ".join(words)).splitlines())
        claimed = sum(row.retransmits or 0 for row in found.answers.rows)
        assert claimed <= seen
        assert (claimed == 0) >= (seen == 0)


def test_each_frame_is_counted(tmp_path: Path) -> None:
    """A row claims every frame of its connection, those of strangers included."""
    for seed in SEEDS:
        found = sample("B", "forged", seed)
        row = found.answers.rows[0]
        frames = len(tshark(merged([found], tmp_path)).splitlines())
        assert (row.client_packets or 0) + (row.server_packets or 0) == frames

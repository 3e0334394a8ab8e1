"""Messages as rows, checked against tshark."""

from __future__ import annotations

import random
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pcapdig.procs.process import Process
from pcapdig.streams.reassembler import Reassembler
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.trace import Trace


def tables() -> Tables:
    """One TCP connection between two processes."""
    flows = Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5000, server_port=80)])
    return Tables(flows=flows, processes=[Process(name="curl", pid=1), Process(name="httpd", pid=2)])


def test_short_mask_is_refused() -> None:
    """A mask that does not cover all flows raises ValueError."""
    trace = tables()
    with pytest.raises(ValueError, match="0 marks for 1 flows"):
        Reassembler(trace).feed(Packets.from_payloads(trace, [b"a"], flow=0), np.zeros(0, np.bool_))


def test_message_of_two_local_ends_is_a_write_and_a_read() -> None:
    """The writer's row first, then the reader's, with the same bytes."""
    trace = tables()
    reassembler = Reassembler(trace)
    packets = Packets.from_payloads(trace, [b"GET ", b"/"], flow=0, seq=[1, 5], writer=0, reader=1, time_ns=[7, 8])
    assert len(reassembler.feed(packets, np.ones(1, np.bool_))) == 0
    rows = reassembler.flush()
    assert rows.is_write.tolist() == [True, False]
    assert rows.process.tolist() == [0, 1]
    assert [rows.buffer(i) for i in (0, 1)] == [b"GET /", b"GET /"]
    assert (rows.size.tolist(), rows.number.tolist(), rows.time_ns.tolist()) == ([5, 5], [1, 1], [7, 7])


def test_part_of_a_batch() -> None:
    """Only packets start to stop are taken."""
    trace = tables()
    reassembler = Reassembler(trace)
    packets = Packets.from_payloads(trace, [b"a", b"b", b"c", b"d"], flow=0, seq=[1, 2, 3, 4])
    reassembler.feed(packets, np.ones(1, np.bool_), 1, 3)
    assert reassembler.flush().buffer(0) == b"bc"


def test_no_flows() -> None:
    """Packets without any flow give no rows."""
    trace = Tables()
    assert len(Reassembler(trace).feed(Packets.from_payloads(trace, [b"a"]), np.zeros(0, np.bool_))) == 0


def test_silent_messages_can_be_released() -> None:
    """A message that has been silent is handed out, one that has not goes on; what follows is a message of its own."""
    trace = tables()
    trace.flows.append(FlowRecord(client="10.0.0.3", server="10.0.0.2", client_port=5000, server_port=80))
    reassembler = Reassembler(trace)
    wanted = np.ones(2, np.bool_)
    reassembler.feed(
        Packets.from_payloads(trace, [b"a", b"u", b"v"], flow=[0, 1, 1], seq=[1, 1, 2], time_ns=[5, 5, 9]), wanted
    )
    released = reassembler.release(9)
    assert [released.buffer(i) for i in range(len(released))] == [b"a"]
    reassembler.feed(Packets.from_payloads(trace, [b"b"], flow=0, seq=2, time_ns=12), wanted)
    rest = reassembler.flush()
    assert [rest.buffer(i) for i in range(len(rest))] == [b"b", b"uv"]


def test_messages_go_on_in_the_next_batch() -> None:
    """A message knows its first packet's number and time after the batch of that packet is gone."""
    trace = tables()
    reassembler = Reassembler(trace)
    first = Packets.from_payloads(trace, [b"ab"], flow=0, seq=1, time_ns=7)
    second = Packets.from_payloads(trace, [b"cd"], flow=0, seq=3, time_ns=9, first_number=2)
    for packets in (first, second):
        reassembler.feed(packets, np.ones(1, np.bool_))
    rows = reassembler.flush()
    assert (rows.buffer(0), rows.number[0], rows.time_ns[0]) == (b"abcd", 1, 7)


def shuffled_capture(path: Path, *, seed: int) -> tuple[bytes, bytes]:
    """Write a capture of one connection with disorder, retransmissions and overlaps; the bytes of both directions."""
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Ether
    from scapy.utils import wrpcap

    rng = random.Random(seed)
    sent = {True: bytearray(), False: bytearray()}
    isn = {True: 2**32 - 500, False: 77}
    seconds = 1_700_000_000.0
    frames = []

    def segment(forward: bool, at: int, data: bytes, flags: str = "A") -> None:
        nonlocal seconds
        seconds += 0.001
        ports = {"sport": 5000, "dport": 80} if forward else {"sport": 80, "dport": 5000}
        ends = {"src": "10.0.0.1", "dst": "10.0.0.2"} if forward else {"src": "10.0.0.2", "dst": "10.0.0.1"}
        seq = (isn[forward] + at) % 2**32
        ack = (isn[not forward] + 1 + len(sent[not forward])) % 2**32 if flags != "S" else 0
        frame = Ether() / IP(**ends) / TCP(**ports, seq=seq, ack=ack, flags=flags) / data
        frame.time = seconds
        frames.append(frame)

    segment(True, 0, b"", "S")
    segment(False, 0, b"", "SA")
    segment(True, 1, b"")
    for _ in range(12):
        for forward in (True, False):
            begin = len(sent[forward])
            message = rng.randbytes(rng.randint(1, 600))
            cuts = sorted({0, len(message), *(rng.randrange(len(message)) for _ in range(4))})
            pieces = list(pairwise(cuts))
            pieces += [(max(0, a - 3), min(len(message), b + 3)) for a, b in rng.sample(pieces, k=1)]
            rng.shuffle(pieces)
            for a, b in pieces:
                segment(forward, 1 + begin + a, message[a:b])
            sent[forward] += message
    wrpcap(str(path), frames)
    return bytes(sent[True]), bytes(sent[False])


@pytest.mark.parametrize("seed", [1, 2, 3, 5, 7])
def test_shuffled_connection(tmp_path: Path, seed: int) -> None:
    """Each direction's messages, joined, are what was sent; and turns of direction part them."""
    path = tmp_path / "shuffled.pcap"
    expected = shuffled_capture(path, seed=seed)
    messages = messages_of(path)
    assert b"".join(data for forward, data in messages if forward) == expected[0]
    assert b"".join(data for forward, data in messages if not forward) == expected[1]
    assert [forward for forward, _ in messages] == [True, False] * 12


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is the independent reader")
def test_tshark_follows_the_same_stream(tmp_path: Path) -> None:
    """`tshark -z follow,tcp,raw` shows the same bytes in the same turns."""
    path = tmp_path / "shuffled.pcap"
    shuffled_capture(path, seed=11)
    run = subprocess.run(
        ["tshark", "-q", "-r", str(path), "-z", "follow,tcp,raw,0"], capture_output=True, text=True, check=True
    )
    followed: list[tuple[bool, bytes]] = []
    for line in run.stdout.split("Node 1:")[1].splitlines()[1:]:
        if line.startswith("="):
            break
        forward, data = not line.startswith("\t"), bytes.fromhex(line)
        if followed and followed[-1][0] == forward:
            followed[-1] = (forward, followed[-1][1] + data)
        else:
            followed.append((forward, data))
    assert messages_of(path) == followed


def messages_of(path: Path) -> list[tuple[bool, bytes]]:
    """(from the client, bytes) of each message of a capture."""
    trace = Trace()
    reassembler = Reassembler(trace)
    found = [reassembler.feed(packets, np.ones(len(trace.flows), np.bool_)) for packets in trace.read(str(path))]
    found.append(reassembler.flush())
    return [(bool(rows.forward[i]), rows.buffer(i)) for rows in found for i in range(len(rows))]

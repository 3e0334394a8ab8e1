"""Packets, conversations and bytes of every capture, as tshark counts them."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from by_pcapdig import TCP, UDP, Pcapdig, pcapdig
from by_tshark import Frame, Tshark, sender, tshark


def flows_of(capture: Path) -> dict[tuple[str, int], set[int]]:
    """The flows that the packets of each conversation of tshark's are in. Tunnels are looked into, as tshark does."""
    flow = pcapdig(capture, decap=True).column("flow")
    return {name: {int(flow[i]) for i in packets} for name, packets in tshark(capture).conversations.items()}


def test_packets_are_those_of_tshark(capture: Path) -> None:
    """Each packet has its time to the nanosecond, its length on the wire and its length in the file."""
    frames, ours = tshark(capture).frames, pcapdig(capture)
    expected = [(f.time_ns, f.number("frame.len"), f.number("frame.cap_len")) for f in frames]
    columns = [ours.column(name).tolist() for name in ("time_ns", "original", "captured")]
    assert list(zip(*columns, strict=True)) == expected
    assert (ours.damage is None) == (tshark(capture).complaint is None)


def test_conversations_are_those_of_tshark(capture: Path) -> None:
    """A TCP or UDP conversation of tshark's is one flow, with the same packets and no others."""
    ours, theirs, expected = pcapdig(capture, decap=True), tshark(capture), {}
    flow, protocol = ours.column("flow"), ours.trace.flows.protocol
    for name, packets in theirs.conversations.items():
        expected[packets[0]] = (name[0], packets)
    flow[theirs.stray_fragments] = -1
    found = {}
    for number in np.flatnonzero((protocol == TCP) | (protocol == UDP)):
        packets = np.flatnonzero(flow == number).tolist()
        found[packets[0]] = ("tcp" if protocol[number] == TCP else "udp", packets)
    assert found == expected


def test_tcp_bytes_count_once(capture: Path) -> None:
    """A connection's bytes each way are the places of its sequence space that were seen, however often."""
    ours, theirs = pcapdig(capture, decap=True), tshark(capture)
    expected = {name: theirs.fresh_bytes(name[1]) for name in theirs.conversations if name[0] == "tcp"}
    assert {name: bytes_by_sender(ours, flow) for name, (flow,) in flows_of(capture).items() if name[0] == "tcp"} == {
        name: {who: count for who, count in counts.items() if count} for name, counts in expected.items()
    }


def bytes_by_sender(ours: Pcapdig, flow: int) -> dict[str, int]:
    """Fresh bytes of a flow by ADDRESS:PORT of the sender."""
    rows, counts = ours.column("flow") == flow, {}
    for forward in (True, False):
        count = int(ours.column("fresh")[rows & (ours.column("forward") == forward)].sum())
        if count:
            counts[ours.end(ours.trace, flow, forward)] = count
    return counts


def test_tcp_streams_are_byte_exact(capture: Path) -> None:
    """What each end of a connection said, whole and in order, is what `tshark -z follow,tcp,raw` shows."""
    ours, flows = pcapdig(capture, decap=True), flows_of(capture)
    for number, stream in tshark(capture).streams.items():
        (flow,) = flows["tcp", number]
        for node, end in enumerate(stream.ends):
            said, expected = ours.said(flow, end), stream.sent(node)
            # Behind a hole that the other end did not acknowledge tshark shows nothing.
            data = said.data[: len(expected)] if len(expected) in said.holes else said.data
            assert data == expected, f"stream {number}: {end}"


def test_tcp_turns_are_those_of_tshark(capture: Path) -> None:
    """Where nothing was lost or out of order, the ends take turns as `tshark -z follow,tcp,raw` shows it."""
    ours, flows, theirs = pcapdig(capture, decap=True), flows_of(capture), tshark(capture)
    for number, stream in theirs.streams.items():
        if not is_calm(theirs, number):
            continue
        (flow,) = flows["tcp", number]
        turns: list[tuple[int, bytes]] = []
        for who, data, _ in ours.turns.get(flow, ()):
            if not data:
                continue  # acknowledged at the end and never seen
            node = stream.ends.index(who)
            turns.append((node, turns.pop()[1] + data if turns and turns[-1][0] == node else data))
        assert turns == stream.turns, f"stream {number}"


def is_calm(theirs: Tshark, stream: int) -> bool:
    """Whether each byte of a stream came once and in order, and no sooner than those it answers."""
    following: dict[str, int] = {}
    for index in theirs.conversations["tcp", stream]:
        frame = theirs.frames[index]
        length, sequence = frame.number("tcp.len"), frame.number("tcp.seq_raw")
        if length is None or sequence is None:
            return False
        who = sender(frame)
        if following.setdefault(who, sequence) != sequence:
            return False
        following[who] = (sequence + length + ((frame.number("tcp.flags") or 0) & 3).bit_count()) % (1 << 32)
    return True


def test_datagrams_are_byte_exact(capture: Path) -> None:
    """Each UDP datagram is a message with its payload, put together where it was fragmented."""
    ours, theirs, flows = pcapdig(capture, decap=True), tshark(capture), flows_of(capture)
    expected, found = defaultdict(list), {}
    for name, packets in theirs.conversations.items():
        if name[0] == "udp":
            frames = [theirs.frames[index] for index in packets if not theirs.is_copy(index)]
            expected[name] = [(sender(frame), data) for frame in frames if (data := frame.datagram)]
            (flow,) = flows[name]
            found[name] = [(who, data.hex()) for who, data, _ in ours.turns.get(flow, ())]
    assert found == dict(expected)


def test_outer_packets_are_those_of_tshark(capture: Path) -> None:
    """Without --decap a packet is of the addresses of its first IP header."""
    ours, frames = pcapdig(capture), tshark(capture).frames
    flow, forward = ours.column("flow"), ours.column("forward")
    for index, frame in enumerate(frames):
        outer = next((each for each in frame.layers if each in ("ip", "ipv6")), None)
        if outer is None or not frame[f"{outer}.dst"]:
            assert flow[index] == -1
        elif flow[index] != -1:
            ends = ours.trace.flows.client_ip(flow[index]), ours.trace.flows.server_ip(flow[index])
            addresses = [str(end) for end in (ends if forward[index] else ends[::-1])]
            expected = [frame[f"{outer}.{side}"][0] for side in ("src", "dst")]
            if "ipv6.routing" in frame.layers:
                expected[1] = addresses[1]  # ours is the end of the way, tshark's the next hop
            assert addresses == expected, f"packet {index + 1}"
        else:
            assert has_no_ports(frame), f"packet {index + 1}"


def has_no_ports(frame: Frame) -> bool:
    """Whether a packet is cut before its ports, or a fragment of a datagram whose first one is not there."""
    if frame.layers[-1:] == ["tcp"] and not frame["tcp.dstport"]:
        return True
    return any(each in frame.protocols for each in ("ipv6.fraghdr", "data", "_ws.short", "_ws.malformed", "ah"))


def test_conns_are_those_of_tshark(capture: Path) -> None:
    """`conns` shows when each conversation began, how long it took and its packets, without other interfaces' copies."""
    theirs = tshark(capture)
    expected = []
    for name, packets in theirs.conversations.items():
        times = [theirs.frames[index].time_ns for index in packets]
        expected.append((name[0], min(times), max(times) - min(times), theirs.counted(name)))
    shown = [
        (each["fd.l4proto"], each["evt.rawtime"], each["duration_ns"], each["client_packets"] + each["server_packets"])
        for each in pcapdig(capture, decap=True).records("conns")
        if each["fd.l4proto"] in ("tcp", "udp")
    ]
    assert sorted(shown) == sorted(expected)


def test_topconns_sums_what_tshark_shows(capture: Path) -> None:
    """Payload bytes of TCP connections between the same ends, both ways, each byte once."""
    ours, theirs, expected = pcapdig(capture, decap=True), tshark(capture), Counter[str]()
    for name, (flow,) in flows_of(capture).items():
        if name[0] == "tcp":
            expected[ours.trace.flows.name(flow)] += sum(theirs.fresh_bytes(name[1]).values())
    shown = {ends: size for protocol, ends, size in ours.table("topconns") if protocol == "tcp"}
    assert {ends: expected[ends] for ends in shown} == shown
    assert min(shown.values(), default=0) >= max((expected - Counter(shown)).values(), default=0)

"""The flow table: its columns and texts, and which packets are one flow with which ends."""

from __future__ import annotations

import ipaddress
from typing import Any

import numpy as np
import pytest

from pcapdig.errors import UsageError
from pcapdig.trace.flows import FlowRecord, Flows

SYN, FIN, RST, PSH, ACK = 2, 1, 4, 8, 16
SECOND = 10**9


@pytest.mark.parametrize(
    ("client", "server"), [("10.0.0.1", "::1"), ("::1", "10.0.0.1"), ("host", "10.0.0.1"), ("", "")]
)
def test_addresses_must_be_of_one_family(client: str, server: str) -> None:
    """A record written by hand with anything else is refused."""
    with pytest.raises(UsageError, match="not an IPv"):
        Flows.from_records([FlowRecord(client=client, server=server)])


def test_rows_outside_the_table_are_refused() -> None:
    """Also negative ones, which mean "no flow" in columns."""
    flows = Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2")])
    for row in (-1, 1):
        with pytest.raises(IndexError):
            flows.name(row)


def test_a_table_written_by_hand() -> None:
    """Columns have the types and values that the room's docstring gives."""
    flows = Flows.from_records(
        FlowRecord(client=f"10.0.{i >> 8}.{i & 255}", server="10.9.9.9", client_port=i, server_port=80, first_ns=i)
        for i in range(1000)
    )
    assert len(flows) == 1000
    assert flows.client.shape == flows.server.shape == (1000, 16)
    assert flows.client[258].tobytes() == bytes(10) + b"\xff\xff\x0a\x00\x01\x02"
    assert flows.client_port.dtype == flows.server_port.dtype == flows.interface.dtype == np.uint16
    assert flows.protocol.dtype == flows.family.dtype == np.uint8
    assert flows.first_ns.tolist() == list(range(1000))
    assert flows.family.tolist() == [4] * 1000


def test_columns_handed_out_before_keep_their_values() -> None:
    """The table grows beside them."""
    flows = Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=7)])
    before = flows.client_port
    for _ in range(500):
        flows.append(FlowRecord(client="10.0.0.3", server="10.0.0.4"))
    assert before.tolist() == [7]
    assert flows.client_port[0] == 7


@pytest.mark.parametrize(
    ("record", "name"),
    [
        (FlowRecord(client="1.2.3.4", client_port=5, server="6.7.8.9", server_port=80), "1.2.3.4:5->6.7.8.9:80"),
        (
            FlowRecord(client="::1", client_port=5, server="2001:db8:0:0:1::2", server_port=80),
            "::1:5->2001:db8::1:0:0:2:80",
        ),
        (FlowRecord(client="1.2.3.4", server="6.7.8.9", protocol=6), "1.2.3.4:0->6.7.8.9:0"),
        (FlowRecord(client="1.2.3.4", client_port=9, server="6.7.8.9", protocol=1), "1.2.3.4:9->6.7.8.9:0"),
        (FlowRecord(client="1.2.3.4", server="6.7.8.9", protocol=47), "1.2.3.4->6.7.8.9"),
    ],
)
def test_names(record: FlowRecord, name: str) -> None:
    """Ends as sysdig writes them; no ports where the protocol has none."""
    assert Flows.from_records([record]).name(0) == name


@pytest.mark.parametrize("text", ["::", "::1", "fe80::1", "2001:db8::", "2001:db8:0:1:1:1:1:1", "1::8:0:0:9"])
def test_ipv6_texts_are_rfc_5952(text: str) -> None:
    """As Python's ipaddress writes them."""
    flows = Flows.from_records([FlowRecord(client=text, server="::1")])
    assert flows.client_ip(0) == ipaddress.ip_address(text).compressed


def test_both_directions_are_one_flow(take: Any, files: Any, wire: Any) -> None:
    """Whoever sends."""
    taken = take(
        files.frames(wire.tcp(flags=SYN), wire.tcp(flags=SYN | ACK, ack=1, forward=False), wire.tcp(flags=ACK))
    )
    assert (taken.flow, taken.forward) == ([0, 0, 0], [True, False, True])
    assert taken.names[0] == "10.0.0.1:4000->10.0.0.2:80"


def test_each_part_of_the_key_counts(take: Any, files: Any, wire: Any) -> None:
    """Another address, port, protocol or IP version is another flow."""
    frames = [
        wire.udp(),
        wire.udp(ends=("10.0.0.3", "10.0.0.2")),
        wire.udp(ends=("10.0.0.1", "10.0.0.3")),
        wire.udp(ports=(4001, 53)),
        wire.udp(ports=(4000, 54)),
        wire.tcp(ports=(4000, 53)),
        wire.udp(ends=("::ffff:10.0.0.1", "::ffff:10.0.0.2")),
    ]
    assert take(files.frames(*frames, *frames)).flow == list(range(7)) * 2


@pytest.mark.parametrize(
    ("flags", "ports", "client_is_source"),
    [
        (SYN, (80, 4000), True),
        (SYN | ACK, (4000, 80), False),
        (ACK, (4000, 80), True),
        (ACK, (80, 4000), False),
        (ACK, (4000, 4000), True),
    ],
)
def test_who_is_the_client(
    take: Any, files: Any, wire: Any, flags: int, ports: tuple[int, int], client_is_source: bool
) -> None:
    """A SYN tells, a SYN+ACK tells, else the lower port is the server, else the first sender is the client."""
    taken = take(files.frames(wire.tcp(flags=flags, ports=ports)))
    assert taken.forward == [client_is_source]


@pytest.mark.parametrize("group", ["224.0.0.251", "239.255.255.250", "255.255.255.255"])
def test_who_sends_to_a_group_is_the_client(take: Any, files: Any, wire: Any, group: str) -> None:
    """Nothing ever comes from a group's address, also where the sender's port is a well-known one."""
    taken = take(files.frames(wire.udp(ports=(53, 5353), ends=("10.0.0.1", group))))
    assert taken.forward == [True]
    taken = take(files.frames(wire.udp(ports=(546, 547), ends=("fe80::1", "ff02::1:2"))))
    assert taken.names == ["fe80::1:546->ff02::1:2:547"]


def test_an_end_that_listened_is_the_server(take: Any, files: Any, wire: Any) -> None:
    """Once it sent SYN+ACK, a high port is known to listen, and a flow seen from the middle is turned right."""
    data = files.frames(
        wire.tcp(ports=(100, 50000)),
        wire.tcp(flags=SYN, ports=(41000, 50000)),
        wire.tcp(flags=SYN | ACK, ack=1, ports=(41000, 50000), forward=False),
        wire.tcp(ports=(101, 50000)),
        wire.tcp(ports=(102, 50000), forward=False),
    )
    assert take(data).names == [
        "10.0.0.1:100->10.0.0.2:50000",  # known before the batch was handed out
        "10.0.0.1:41000->10.0.0.2:50000",
        "10.0.0.1:41000->10.0.0.2:50000",
        "10.0.0.1:101->10.0.0.2:50000",
        "10.0.0.1:102->10.0.0.2:50000",
    ]


def test_a_refused_port_does_not_listen(take: Any, files: Any, wire: Any) -> None:
    """A SYN alone proves nothing."""
    refused = [
        wire.tcp(flags=SYN, ports=(41000, 50000)),
        wire.tcp(flags=RST | ACK, ports=(41000, 50000), forward=False),
    ]
    assert take(files.frames(*refused, wire.tcp(ports=(101, 50000)))).names[2] == "10.0.0.2:50000->10.0.0.1:101"


def flows_of(take: Any, files: Any, *frames: bytes, step_ns: int = SECOND) -> list[int]:
    """Flow of each frame."""
    return list(take(files.frames(*frames, step_ns=step_ns)).flow)


def opened(wire: Any, seq: int) -> list[bytes]:
    """A handshake."""
    return [
        wire.tcp(flags=SYN, seq=seq),
        wire.tcp(flags=SYN | ACK, seq=seq + 5000, ack=seq + 1, forward=False),
        wire.tcp(flags=ACK, seq=seq + 1, ack=seq + 5001),
    ]


def test_a_new_syn_is_a_new_flow(take: Any, files: Any, wire: Any) -> None:
    """Port reuse, with and without the end of the flow before having been seen."""
    ended = [wire.tcp(flags=FIN | ACK, seq=1), wire.tcp(flags=FIN | ACK, forward=False)]
    assert (
        flows_of(take, files, *opened(wire, 0), *ended, *opened(wire, 70), *opened(wire, 90))
        == [0] * 5 + [1] * 3 + [2] * 3
    )


def test_a_repeated_syn_is_the_same_flow(take: Any, files: Any, wire: Any) -> None:
    """Lost SYNs and SYN+ACKs are sent again with the same number."""
    first, second, third = opened(wire, 7)
    assert flows_of(take, files, first, first, second, first, second, third, second) == [0] * 7


def test_a_server_may_answer_with_another_number(take: Any, files: Any, wire: Any) -> None:
    """A SYN cookie for a repeated SYN: the same connection, counted from the new number on."""
    answers = [wire.tcp(flags=SYN | ACK, seq=seq, ack=8, forward=False) for seq in (9000, 5000)]
    data = [wire.tcp(b"ab", seq=5001, ack=8, forward=False), wire.tcp(b"ab", seq=5001, ack=8, forward=False)]
    taken = take(files.frames(wire.tcp(flags=SYN, seq=7), *answers, *data))
    assert (taken.flow, taken.fresh) == ([0] * 5, [0, 0, 0, 2, 0])


def test_the_same_syn_after_its_refusal_is_the_same_flow(take: Any, files: Any, wire: Any) -> None:
    """Windows tries three times for one connect(), with the same number; the last time it may be taken."""
    refused = [wire.tcp(flags=SYN, seq=7), wire.tcp(flags=RST | ACK, ack=8, forward=False)]
    assert flows_of(take, files, *refused, *refused, *opened(wire, 7), refused[0], wire.tcp(b"x", seq=8)) == [0] * 9


def test_the_same_syn_after_a_connection_is_a_new_flow(take: Any, files: Any, wire: Any) -> None:
    """Some stacks begin each connection with the same number; a copy on another interface comes within a millisecond."""
    whole = [*opened(wire, 7), wire.tcp(flags=RST, seq=8)]
    assert flows_of(take, files, *whole, *whole) == [0] * 4 + [1] * 4
    assert flows_of(take, files, *whole, *whole, step_ns=1000) == [0] * 8


def test_a_second_answer_with_another_number_is_not_taken_once_data_flows(take: Any, files: Any, wire: Any) -> None:
    """A middlebox sent it, or it came too late: the bytes of the number that was acknowledged count."""
    late = wire.tcp(flags=SYN | ACK, seq=99_000, ack=8, forward=False)
    data = [wire.tcp(b"ab", seq=8, ack=5008), late, wire.tcp(b"cde", seq=5008, ack=10, forward=False)]
    taken = take(files.frames(*opened(wire, 7), *data))
    assert (taken.flow, taken.fresh) == ([0] * 6, [0, 0, 0, 2, 0, 3])


def test_copies_told_after_the_end_are_the_same_flow(take: Any, files: Any, wire: Any) -> None:
    """Of several interfaces one may be written late: its packets have times before the connection's end."""
    frames = [*opened(wire, 7), wire.tcp(flags=FIN | ACK, seq=8), wire.tcp(flags=FIN | ACK, seq=5008, forward=False)]
    late = [files.packet(frame, ticks=i * SECOND) for i, frame in enumerate(frames)]
    assert list(take(files.pcapng(*late, *late)).flow) == [0] * 10


@pytest.mark.parametrize("taken", [0, 3])
def test_data_on_a_syn_is_of_its_connection(take: Any, files: Any, wire: Any, taken: int) -> None:
    """TCP Fast Open (RFC 7413): the server acknowledges the data, or the SYN alone; also where the answer is told first."""
    syn = wire.tcp(b"abc", flags=SYN, seq=7)
    answer = wire.tcp(flags=SYN | ACK, seq=500, ack=8 + taken, forward=False)
    assert flows_of(take, files, syn, answer, wire.tcp(seq=11, ack=501)) == [0, 0, 0]
    assert flows_of(take, files, answer, syn, wire.tcp(seq=11, ack=501)) == [0, 0, 0]


def test_an_answer_to_another_syn_is_a_new_flow(take: Any, files: Any, wire: Any) -> None:
    """It acknowledges more than this SYN carried."""
    syn = wire.tcp(b"abc", flags=SYN, seq=7)
    assert flows_of(take, files, syn, wire.tcp(flags=SYN | ACK, seq=500, ack=12, forward=False)) == [0, 1]


def test_a_syn_after_the_middle_of_a_flow_is_a_new_one(take: Any, files: Any, wire: Any) -> None:
    """The number that the running connection began with is not known, but it was not this."""
    assert flows_of(take, files, wire.tcp(b"ab", seq=7), wire.tcp(flags=SYN, seq=99), wire.tcp(seq=100)) == [0, 1, 1]


def test_an_answer_after_the_middle_of_a_flow_is_a_new_one(take: Any, files: Any, wire: Any) -> None:
    """Its SYN was lost by the capture, but it does not belong to what ran before."""
    answer = wire.tcp(flags=SYN | ACK, seq=500, ack=8, forward=False)
    assert flows_of(take, files, wire.tcp(b"ab", seq=7), answer, answer) == [0, 1, 1]
    assert flows_of(take, files, wire.tcp(seq=7), answer) == [0, 0]


def test_a_syn_behind_its_answer_is_the_same_flow(take: Any, files: Any, wire: Any) -> None:
    """Two interfaces' packets may be swapped in a file; the answer acknowledges the SYN's number."""
    first, second, third = opened(wire, 7)
    assert flows_of(take, files, second, first, third) == [0, 0, 0]


def test_both_ends_may_open_at_once(take: Any, files: Any, wire: Any) -> None:
    """RFC 9293 section 3.5: two SYNs cross and make one connection."""
    frames = [
        wire.tcp(flags=SYN, seq=7),
        wire.tcp(flags=SYN, seq=80, forward=False),
        wire.tcp(flags=SYN | ACK, seq=7, ack=81),
    ]
    assert flows_of(take, files, *frames) == [0, 0, 0]


def test_a_syn_from_the_server_of_a_used_flow_is_a_new_flow(take: Any, files: Any, wire: Any) -> None:
    """The same two ends, the other way round."""
    taken = take(files.frames(*opened(wire, 7), wire.tcp(b"x", seq=8), wire.tcp(flags=SYN, seq=80, forward=False)))
    assert taken.flow == [0] * 4 + [1]
    assert taken.names[4] == "10.0.0.2:80->10.0.0.1:4000"


def test_a_syn_from_the_server_of_a_refused_flow_is_a_new_flow(take: Any, files: Any, wire: Any) -> None:
    """The first attempt has ended; this is no opening at once."""
    frames = [wire.tcp(flags=SYN, seq=7), wire.tcp(flags=RST | ACK, ack=8, forward=False)]
    assert flows_of(take, files, *frames, wire.tcp(flags=SYN, seq=80, forward=False)) == [0, 0, 1]


def test_echo_requests_and_replies_are_one_flow(take: Any, files: Any, wire: Any) -> None:
    """The identifier stands for the client's port; other ICMP messages go by addresses alone."""

    def icmp(kind: int, identifier: int, *, forward: bool = True) -> bytes:
        source, target = ("10.0.0.1", "10.0.0.2") if forward else ("10.0.0.2", "10.0.0.1")
        body = bytes([kind, 0, 0, 0]) + identifier.to_bytes(2, "big") + b"\0\1data"
        return bytes(wire.ip(body, source=source, target=target, protocol=1))

    taken = take(files.frames(icmp(8, 77), icmp(0, 77, forward=False), icmp(8, 78), icmp(3, 77)))
    assert taken.names == ["10.0.0.1:77->10.0.0.2:0"] * 2 + ["10.0.0.1:78->10.0.0.2:0", "10.0.0.1->10.0.0.2"]
    assert taken.forward == [True, False, True, True]


def test_a_packet_cut_before_its_ports_has_no_flow(take: Any, files: Any, wire: Any) -> None:
    """Whose it is cannot be known."""
    whole = wire.tcp(b"hello", seq=5)
    data = files.pcapng(*(files.packet(whole[:size], original=len(whole)) for size in (34, 37, 38)))
    assert take(data).flow == [-1, -1, 0]


def test_many_flows(take: Any, files: Any, wire: Any) -> None:
    """The table grows, finds everything again and numbers in order of appearance."""
    frames = [
        wire.udp(ends=(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", "10.99.0.1"), ports=(5000 + i % 7, 53))
        for i in range(20011)
    ]
    taken = take(files.frames(*frames, *frames[::-1], step_ns=1))
    assert taken.flow == [*range(20011), *range(20010, -1, -1)]
    assert taken.names[20010] == "10.0.78.42:5004->10.99.0.1:53"

"""The judge of the ground truth is itself tried on packets and facts made by hand: it must see each kind of mistake."""

from __future__ import annotations

import dataclasses

import pytest
from captured import End, Packet, parse_comment
from judge import Facts, judge

CLIENT, SERVER = ("127.0.0.1", 40001), ("127.0.0.1", 80)
HOLD = {"kind": "tcp", "act": "hold", "start": 0, "end": 0}


def end(pid: int, name: str, *, writes: bool, evidence: str = "socket") -> End:
    """A comment's content."""
    direction = "write" if writes else "read"
    return parse_comment(f"proc.name={name} proc.pid={pid} evt.io_dir={direction} evidence={evidence}")


def facts() -> list[dict[str, object]]:
    """A client that writes 10 bytes to a server of two processes, of which each reads five."""
    ours = {"local": list(CLIENT), "remote": list(SERVER), "pid": 1, "name": "client"}
    theirs = {"local": list(SERVER), "remote": list(CLIENT), "name": "server"}
    return [
        {**HOLD, **ours},
        {"kind": "tcp", "act": "write", "start": 0, "end": 10, **ours},
        {**HOLD, **theirs, "pid": 2},
        {**HOLD, **theirs, "pid": 3},
        {"kind": "tcp", "act": "read", "start": 0, "end": 5, **theirs, "pid": 2},
        {"kind": "tcp", "act": "read", "start": 5, "end": 10, **theirs, "pid": 3},
    ]


def packet(number: int, *ends: End, seq: int = 1, length: int = 0, **others: object) -> Packet:
    """A packet from the client to the server."""
    made = Packet(
        number=number,
        time_ns=number,
        length=54 + length,
        captured=54 + length,
        interface="lo",
        direction=1,
        protocol="tcp",
        source=CLIENT,
        destination=SERVER,
        tcp_flags=0x10,
        tcp_seq=seq,
        tcp_length=length,
        udp_payload=b"",
        icmp_type=None,
        stream=0,
        ends=ends,
    )
    return dataclasses.replace(made, **others)


FIRST = packet(1, end(1, "client", writes=True), end(2, "server", writes=False), seq=1, length=5)
SECOND = packet(2, end(1, "client", writes=True), end(3, "server", writes=False), seq=6, length=5)


def test_right_names_are_right() -> None:
    """All ends named by who wrote and read the bytes."""
    verdict = judge(Facts(facts()), [FIRST, SECOND])
    assert verdict.is_perfect, str(verdict)
    assert (verdict.packets, verdict.ends_named, verdict.evidence) == (2, 4, {"socket": 4})


def test_wrong_process_is_seen() -> None:
    """The second half of the stream under the first reader's name."""
    wrong = dataclasses.replace(SECOND, ends=FIRST.ends)
    verdict = judge(Facts(facts()), [FIRST, wrong])
    assert len(verdict.wrong) == 1
    assert "packet 2" in verdict.wrong[0]


def test_wrong_name_of_the_right_process_is_seen() -> None:
    """Process id and name must both be right."""
    wrong = dataclasses.replace(FIRST, ends=(end(1, "python", writes=True), FIRST.ends[1]))
    assert len(judge(Facts(facts()), [wrong, SECOND]).wrong) == 1


def test_missing_name_is_seen() -> None:
    """An end without a comment."""
    assert len(judge(Facts(facts()), [packet(1, FIRST.ends[0], length=5), SECOND]).missing) == 1


def test_acknowledgement_may_be_of_any_holder() -> None:
    """A packet without data is right with either process that held the socket, and with no other."""
    for pid, wrong in ((2, 0), (3, 0), (4, 1)):
        acknowledgement = packet(3, end(1, "client", writes=True), end(pid, "server", writes=False))
        assert len(judge(Facts(facts()), [FIRST, SECOND, acknowledgement]).wrong) == wrong


def test_name_where_nobody_is_is_wrong() -> None:
    """A refused connection has no server process."""
    refused = [
        {**HOLD, "local": list(CLIENT), "remote": list(SERVER), "pid": 1, "name": "client"},
        {"kind": "tcp", "act": "nobody", "local": list(SERVER), "remote": list(CLIENT), "pid": 1, "name": "client"},
    ]
    assert len(judge(Facts(refused), [packet(1, FIRST.ends[0], FIRST.ends[1])]).wrong) == 1
    verdict = judge(Facts(refused), [packet(1, FIRST.ends[0])])
    assert verdict.is_perfect, str(verdict)
    assert verdict.ends_nobody == 1


def test_listener_counts_only_as_listener() -> None:
    """The listening process stands for a connection that waits, by that evidence and no other."""
    waiting = [
        *facts(),
        {"kind": "tcp", "act": "queue", "local": list(SERVER), "remote": list(CLIENT), "pid": 9, "name": "boss"},
    ]
    for evidence, wrong in (("listener", 0), ("socket", 1)):
        first = dataclasses.replace(FIRST, ends=(FIRST.ends[0], end(9, "boss", writes=False, evidence=evidence)))
        assert len(judge(Facts(waiting), [first, SECOND]).wrong) == wrong


def test_stranger_is_an_error_of_the_test() -> None:
    """A packet whose ends nobody wrote down."""
    assert len(judge(Facts(facts()), [FIRST, SECOND, packet(3, source=("127.0.0.1", 5))]).not_in_truth) == 2


def test_lost_packet_is_seen() -> None:
    """Bytes that were written and are in no packet."""
    assert len(judge(Facts(facts()), [FIRST]).not_recorded) == 1


def test_datagram_is_known_by_its_payload() -> None:
    """The sender's and the receiver's end of a datagram, right and exchanged."""
    told = [
        {"kind": "udp", "act": "send", "payload": "hello", "pid": 1, "name": "client"},
        {"kind": "udp", "act": "receive", "payload": "hello", "pid": 2, "name": "server"},
    ]
    right = packet(
        1, end(1, "client", writes=True), end(2, "server", writes=False), protocol="udp", udp_payload=b"hello"
    )
    turned = packet(
        1, end(2, "server", writes=True), end(1, "client", writes=False), protocol="udp", udp_payload=b"hello"
    )
    assert judge(Facts(told), [right]).is_perfect
    assert len(judge(Facts(told), [turned]).wrong) == 2


@pytest.mark.parametrize(
    "comment",
    [
        "proc.pid=1 proc.name=a evt.io_dir=read evidence=socket",
        "proc.name=a proc.pid=1 evt.io_dir=read",
        "proc.name=a proc.pid=1 evt.io_dir=both evidence=socket",
        "proc.name=a proc.pid=1 evt.io_dir=read evidence=guess",
        "proc.name=a proc.pid=0 evt.io_dir=read evidence=socket",
        "proc.name=a b proc.pid=1 evt.io_dir=read evidence=socket",
        'proc.name="a proc.pid=1 evt.io_dir=read evidence=socket',
        "proc.name=a proc.pid=1 evt.io_dir=read evidence=socket proc.cmdline=x user.uid=0",
        "proc.name=a proc.pid=1 evt.io_dir=read evidence=socket evidence=socket",
        "proc.name=a proc.pid=1 evt.io_dir=read evidence=socket proc.cmdline=\x1b[31m",
    ],
)
def test_bad_comment_is_refused(comment: str) -> None:
    """What is not exactly a comment of pcapdig fails the test that reads it."""
    with pytest.raises(ValueError):
        parse_comment(comment)


def test_quoted_values_are_read() -> None:
    """Blanks, quotes and backslashes in a command line."""
    read = parse_comment(
        'proc.name="my app" proc.pid=7 evt.io_dir=read evidence=socket proc.cmdline="a \\"b\\" c\\\\d"'
    )
    assert (read.name, read.values["proc.cmdline"]) == ("my app", 'a "b" c\\d')

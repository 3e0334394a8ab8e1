"""One packet's bytes, and the comments that name its processes."""

from __future__ import annotations

from pcapdig.packets import _headers, _tunnels, _unread
from pcapdig.packets.headers import Headers
from pcapdig.pcapng import blocks, comments, foreign
from pcapdig.trace.trace import Trace
from pcapdig.trace.unread import kind_of_number
from targets.conversations import MARK
from targets.frames import CLIENT, SERVER, conversation, plain_frames
from targets.target import Numbers, Target, exact

LINK_TYPES = (
    1,
    0,
    12,
    14,
    101,
    108,
    113,
    228,
    229,
    276,
    147,
    9,
    10,
    50,
    51,
    100,
    104,
    105,
    107,
    127,
    149,
    192,
    239,
    258,
    274,
    281,
    282,
    284,
    285,
)
MOST_COMMENTS = 20


def run_headers(data: bytes) -> None:
    """What is said of a packet holds together, of the outer headers and of those inside tunnels, and of every cut of it."""
    numbers = Numbers(data)
    link_type, more = LINK_TYPES[numbers.byte() % len(LINK_TYPES)], numbers.byte()
    packet = numbers.rest()
    original = len(packet) + more * more
    kind = _unread.kind_of(exact(packet), original, link_type)
    assert 0 <= kind < 8 << 16 and kind_of_number(kind).name.isprintable()
    for read in (_headers.read, _tunnels.read):
        whole = read(exact(packet), original, link_type)
        check_headers(whole, max(original, len(packet)))
        for cut in range(len(packet)):
            less = read(exact(packet[:cut]), original, link_type)
            check_headers(less, original)
            if read is _headers.read:
                check_cut(less, whole)


def check_headers(headers: Headers, size: int) -> None:
    """Fields do not contradict each other."""
    assert headers.has_network == (headers.family in (4, 6))
    assert not headers.has_ports or (headers.has_network and not headers.is_fragment)
    assert headers.payload_length <= size
    assert not (headers.source_port or headers.destination_port) or headers.has_ports


def check_cut(less: Headers, whole: Headers) -> None:
    """A cut packet says the same, or nothing. Inside tunnels it may say the outer addresses, so this is of outer headers only."""
    if less.has_network:
        assert less.source == whole.source
        # A route over other addresses may be cut off; so are the ports then.
        assert less.destination == whole.destination or not less.has_ports
        assert less.protocol in (0, whole.protocol)
        assert less.ip_id in (0, whole.ip_id) or less.family == 6  # of several fragment headers the last counts
    if less.has_ports:
        assert (less.source_port, less.destination_port) == (whole.source_port, whole.destination_port)


def run_comments(data: bytes) -> None:
    """Any comments on a packet: what one means, it means again when written anew; the trace names who the comments name."""
    texts = data.split(MARK)[:MOST_COMMENTS]
    for text in texts:
        parsed = comments.parse(text)
        if parsed is not None:
            again = comments.parse(comments.line(parsed.process, is_write=parsed.is_write, evidence=parsed.evidence))
            assert again is not None and (again.is_write, again.evidence) == (parsed.is_write, parsed.evidence)
            assert (
                again.process == comments.parse(comments.line(again.process, is_write=True, evidence="socket")).process
            )  # type: ignore[union-attr]
    named = foreign.parse(texts)
    assert named is None or len(repr(named).splitlines()) == 1
    frame = conversation()[2]
    packet = blocks.enhanced_packet(interface=0, time_ns=1, data=frame, flags=0, comments=texts)
    head = blocks.section_header() + blocks.interface_description(name="lo", link_type=1)
    trace = Trace()
    for batch in trace.feed(exact(head + packet + packet)):
        for i in range(len(batch)):
            for end in (int(batch.writer[i]), int(batch.reader[i])):
                assert -1 <= end < len(trace.processes)
                assert end < 0 or (trace.processes[end].name, trace.processes[end].pid) != (None, None)
        assert batch.writer.tolist()[:1] == batch.writer.tolist()[1:]
    list(trace.feed(b"", final=True))


def comment_seeds() -> list[bytes]:
    """Ours of both ends, and those of other tools."""
    ours = [
        comments.line(process, is_write=way, evidence=known)
        for process in (CLIENT, SERVER)
        for way in (True, False)
        for known in ("socket", "listener")
    ]
    others = [
        b"PID: 7\nCmd: /usr/bin/curl\nArgs: curl -s x\nUserId: 0\nParentPID: 1\nParentCmd: sh\nContainerId: 0123456789abcdef",
        b"rustnet process=curl pid=7 ppid=1 uid=0 direction=outgoing container_id=0123456789abcdef",
        b"PID=7 TID=8 ProcessorNumber=0",
        b"PID=7 ProcessorNumber=0",
        b'proc.name="a b\\"c\\\\" proc.pid=1 evt.io_dir=write evidence=procfs user.name=x user.uid=0',
    ]
    return [*ours, *others, ours[0] + MARK + ours[3], MARK.join(others)]


TARGETS = (
    Target(
        name="headers",
        run=run_headers,
        seeds=lambda: [
            bytes([LINK_TYPES.index(link), more]) + frame for link, frame in plain_frames() for more in (0, 200)
        ],
        words=(
            b"\x08\0\x45\0",
            b"\x86\xdd\x60\0",
            b"\x81\0\0\1",
            b"\x88\xa8\0\1",
            b"\x2c\0",
            b"\x33\4",
            b"\x3c\0",
            b"\x2b\0",
            b"\0\1\5\2\0\0",
            b"\xc2\4\0\1\0\0",
        ),
        is_native=True,
        longest=300,
    ),
    Target(
        name="comments",
        run=run_comments,
        seeds=comment_seeds,
        words=(
            b"proc.name=",
            b" proc.pid=",
            b" evt.io_dir=write",
            b" evt.io_dir=read",
            b" evidence=socket",
            b' proc.cmdline="',
            b"\\",
            b'"',
            MARK,
            b" user.uid=",
            b"\xe2\x80\xa8",
            b"PID: ",
            b"\nCmd: ",
        ),
        is_native=True,
        longest=1024,
    ),
)

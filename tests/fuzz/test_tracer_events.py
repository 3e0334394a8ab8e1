"""Invariant: any bytes are a list of events or an InputError, and whole events before the damage are the same as alone."""

from hypothesis import example, given
from hypothesis import strategies as st

from pcapdig.errors import InputError
from pcapdig.tracer.events import EventProcess, Kind, ProcessEvent, SocketEvent, oldest_holders, split, unpack

WHO = EventProcess(tgid=1, comm=b"x")
SEEDS = (
    SocketEvent(kind=Kind.SOCKET_BOUND, time_ns=1, cookie=2, process=WHO).pack(),
    ProcessEvent(kind=Kind.PROCESS_EXECED, time_ns=1, process=WHO, filename=b"/bin/x", args=(b"x", b"y")).pack(),
)


@given(st.binary(max_size=400))
@example(b"")
@example(SEEDS[0][:-1])
@example(SEEDS[1] + b"\0")
def test_any_bytes(packed: bytes) -> None:
    """No other exception leaves."""
    try:
        for event in split(packed):
            unpack(event)
        oldest = oldest_holders(packed) if all(event[:2] < b"\x10\0" for event in split(packed)) else b""
        assert len(oldest) <= len(packed)
    except InputError:
        pass


@given(st.lists(st.sampled_from(SEEDS), max_size=5), st.integers(0, 1200), st.integers(0, 255))
def test_one_wrong_byte(events: list[bytes], place: int, value: int) -> None:
    """What precedes the damage is given unchanged."""
    packed = bytearray(b"".join(events))
    if place < len(packed):
        packed[place] = value
    given_events: list[bytes] = []
    try:
        for event in split(bytes(packed)):
            given_events.append(event)
            unpack(event)
    except InputError:
        pass
    at = 0
    for original, got in zip(events, given_events, strict=False):
        if at + len(original) > place:
            break
        assert got == original
        at += len(original)

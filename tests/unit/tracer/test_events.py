"""Socket events as bytes."""

import re
import struct
from pathlib import Path

import pytest

from pcapdig.errors import InputError
from pcapdig.tracer.events import (
    PROCESS_HEAD,
    SOCKET,
    EventProcess,
    Evidence,
    Flags,
    Kind,
    ProcessEvent,
    SocketEvent,
    event_size,
    mapped,
    oldest_holders,
    split,
    unmapped,
    unpack,
)

WHO = EventProcess(tgid=4711, tid=4712, uid=33, exec_id=3, start_boot_ns=99, comm=b"httpd")
BOUND = SocketEvent(
    kind=Kind.SOCKET_BOUND,
    time_ns=10,
    cookie=7,
    previous_ns=3,
    netns=4026531840,
    seq=12,
    local="127.0.0.1",
    local_port=80,
    remote="::1",
    remote_port=41135,
    protocol=17,
    flags=Flags.HAS_PROCESS | Flags.HAS_SEQ | Flags.PASSIVE,
    evidence=Evidence.SNAPSHOT,
    family=10,
    process=WHO,
)
EXITED = ProcessEvent(kind=Kind.PROCESS_EXITED, time_ns=11, process=WHO)


def test_every_cut_is_refused_with_its_place() -> None:
    """Whole events before the cut are given first."""
    packed = BOUND.pack() + EXITED.pack()
    for size in range(SOCKET.size + 1, len(packed)):
        events = split(packed[:size])
        assert unpack(next(events)) == BOUND
        with pytest.raises(InputError, match="byte 120 is cut"):
            next(events)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("=H", (0, 0), "kind 0"), ("=H", (0, 12), "kind 12"), ("=H", (2, 121), "121 bytes"), ("=I", (4, 9), "version 9")],
)
def test_foreign_heads_are_refused(field: str, value: tuple[int, int], words: str) -> None:
    """Unknown kind, a size the kind does not have, another version."""
    packed = bytearray(BOUND.pack())
    struct.pack_into(field, packed, *value)
    with pytest.raises(InputError, match=words):
        unpack(bytes(packed))


def test_unknown_evidence_is_refused() -> None:
    """An evidence that nobody can interpret is not passed on."""
    packed = bytearray(BOUND.pack())
    packed[46] = 9
    with pytest.raises(InputError, match="evidence"):
        unpack(bytes(packed))


def test_one_event_is_one_event() -> None:
    """Two where one was expected."""
    with pytest.raises(InputError, match="2 events"):
        unpack(EXITED.pack() * 2)


def test_an_event_comes_back_as_it_went() -> None:
    """All fields, both addresses families, with and without process."""
    assert unpack(BOUND.pack()) == BOUND
    nobody = SocketEvent(kind=Kind.SOCKET_CLOSED, time_ns=1, cookie=2)
    assert unpack(nobody.pack()) == nobody


def test_process_events_are_read_too() -> None:
    """One stream holds both."""
    assert [unpack(event) for event in split(EXITED.pack() + BOUND.pack())] == [EXITED, BOUND]


def test_the_flag_follows_the_process() -> None:
    """HAS_PROCESS cannot lie."""
    assert SocketEvent(kind=Kind.SOCKET_BOUND, time_ns=1, cookie=2, flags=Flags.HAS_PROCESS).pack()[45] == 0


def test_a_record_longer_than_its_event_is_cut_to_size() -> None:
    """A ring's record holds unused text."""
    assert event_size(EXITED.pack() + bytes(768)) == PROCESS_HEAD.size


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::", "::1", "2001:db8::5"])
def test_addresses_go_both_ways(address: str) -> None:
    """IPv4 as ::ffff:a.b.c.d on the wire, as itself in text."""
    assert unmapped(mapped(address)) == address


def test_the_last_report_of_a_socket_is_the_oldest_holders() -> None:
    """The iterator reports a cookie again when it meets an older holder; the order of cookies stays."""
    first, other = BOUND.pack(), SocketEvent(kind=Kind.SOCKET_LISTENING, time_ns=1, cookie=8, process=WHO).pack()
    older = SocketEvent(kind=Kind.SOCKET_BOUND, time_ns=12, cookie=7, process=EventProcess(tgid=1)).pack()
    assert oldest_holders(first + other + older) == older + other


def test_sizes_and_numbers_are_those_of_c() -> None:
    """probe/events.h: structure sizes, event kinds, flags and evidence."""
    header = Path(__file__).parents[3].joinpath("probe/events.h").read_text()
    numbers = {name: int(value) for name, value in re.findall(r"^\t([A-Z_]+) =\s+(\d+)", header, re.MULTILINE)}
    assert {kind.name: kind.value for kind in Kind}.items() <= numbers.items()
    assert {f"EVENT_{flag.name}": flag.value for flag in Flags}.items() <= numbers.items()
    assert {f"EVIDENCE_{evidence.name}": evidence.value for evidence in Evidence}.items() <= numbers.items()
    assert f"sizeof(struct socket_event) == {SOCKET.size}" in header
    assert f"sizeof(struct process_event) == {PROCESS_HEAD.size} +" in header

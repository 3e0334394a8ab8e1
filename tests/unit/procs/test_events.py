"""Process events as bytes."""

import struct

import pytest

from pcapdig.errors import InputError
from pcapdig.procs.events import PROCESS_HEAD, EventProcess, Kind, ProcessEvent, unpack_process_event

WHO = EventProcess(tgid=4711, tid=4711, uid=33, exec_id=3, start_boot_ns=12_345_678_901, comm=b"httpd")
EXECED = ProcessEvent(
    kind=Kind.PROCESS_EXECED,
    time_ns=99,
    process=WHO,
    parent_tgid=1,
    parent_start_boot_ns=7,
    cgroup_id=8,
    filename=b"/usr/sbin/httpd",
    args=(b"httpd", b"-k", b"start"),
)


def test_every_cut_is_refused() -> None:
    """An event that lacks its last byte, or more, is none."""
    packed = EXECED.pack()
    for size in range(len(packed)):
        with pytest.raises(InputError):
            unpack_process_event(packed[:size])


@pytest.mark.parametrize(
    ("offset", "value"), [(0, struct.pack("=H", 5)), (0, struct.pack("=H", 19)), (4, struct.pack("=I", 2))]
)
def test_other_kinds_and_versions_are_refused(offset: int, value: bytes) -> None:
    """Socket events, unknown kinds, another version."""
    packed = bytearray(EXECED.pack())
    packed[offset : offset + len(value)] = value
    with pytest.raises(InputError):
        unpack_process_event(bytes(packed))


def test_texts_longer_than_the_event_are_refused() -> None:
    """filename_size and args_size are not believed."""
    packed = bytearray(EXECED.pack())
    struct.pack_into("=H", packed, PROCESS_HEAD.size - 2, 600)
    with pytest.raises(InputError):
        unpack_process_event(bytes(packed))


def test_texts_that_do_not_fit_are_refused() -> None:
    """768 bytes hold path and arguments."""
    with pytest.raises(ValueError, match="769"):
        ProcessEvent(kind=Kind.PROCESS_EXECED, time_ns=0, process=WHO, args=(b"x" * 769,)).pack()


def test_an_event_comes_back_as_it_went() -> None:
    """All fields."""
    assert unpack_process_event(EXECED.pack()) == EXECED


def test_what_follows_is_not_read() -> None:
    """A ring's record may be longer than the event."""
    assert unpack_process_event(EXECED.pack() + b"\xff" * 40) == EXECED


def test_the_head_is_as_long_as_in_c() -> None:
    """80 bytes before the text, asserted in probe/events.h too."""
    assert PROCESS_HEAD.size == 80

"""Whole filters over the sample trace: refusals with their place, meaning, joining, candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pcapdig.filters import ALWAYS, FilterError, compile_filter
from pcapdig.trace.columns import Messages, Packets
from pcapdig.trace.rows import rows_of

if TYPE_CHECKING:
    from pcapdig.trace.rows import Rows

START_NS = 1_506_127_469_905_003_444


def passing(text: str, rows: Rows) -> set[int]:
    """Which rows a filter lets through."""
    return {i for i, passes in enumerate(compile_filter(text).mask(rows).tolist()) if passes}


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("fd.bogus=1", 1, "unknown field fd.bogus; -l lists them"),
        ("proc.name=httpd and fd.sprt=80", 21, "unknown field fd.sprt; did you mean fd.sport?"),
        ("evt.is_io=true and fd.num=3", 20, "field fd.num has no meaning for packets; use fd.name"),
        ("proc.name[1]=x", 10, "proc.name takes no argument in brackets"),
        ("evt.around=5", 11, "evt.around needs T in brackets, a decimal number: evt.around[T]=N"),
        ("evt.around[x]=5", 11, "evt.around needs T in brackets, a decimal number: evt.around[T]=N"),
        ("evt.around[9223372036854775808]=5", 11, "evt.around needs T in brackets"),
        ("evt.around[5] exists", 15, "evt.around is compared only with '='"),
        ("evt.around[5]<3", 14, "evt.around is compared only with '='"),
        ("evt.around[5]=x", 15, "'x' is no number"),
        ("evt.info contains x", 1, "evt.info is only for output and cannot be compared"),
        ("evt.type=recvfrom", 10, "'recvfrom' is no value of evt.type. Values: read write connect accept"),
        ("evt.io_dir=r", 12, "'r' is no value of evt.io_dir. Values: read write"),
        ("evidence=guess", 10, "'guess' is no value of evidence. Values: socket snapshot listener procfs"),
        ("fd.ip contains 1", 7, "'contains' does not compare an address such as fd.cip"),
        ("fd.lip=x", 8, "'x' is no IPv4 or IPv6 address"),
        ("evt.is_io_read", 15, "a comparison is missing after evt.is_io_read"),
    ],
)
def test_a_mistake_is_refused_with_its_column(text: str, column: int, message: str) -> None:
    """Before any row is seen."""
    with pytest.raises(FilterError) as caught:
        compile_filter(text)
    assert (caught.value.column, caught.value.message[: len(message)]) == (column, message)


def test_the_error_is_one_line_and_the_detail_two() -> None:
    """For the cli to print as they are."""
    with pytest.raises(FilterError) as caught:
        compile_filter("proc.name=httpd and fd.sprt=80")
    assert str(caught.value) == "filter error at column 21: unknown field fd.sprt; did you mean fd.sport?"
    assert caught.value.detail == "proc.name=httpd and fd.sprt=80\n                    ^"


@pytest.mark.parametrize("text", ["", "   ", "\t\n"])
def test_a_blank_filter_lets_all_pass(text: str, rows: Rows) -> None:
    """It is ALWAYS."""
    assert compile_filter(text) is ALWAYS
    assert ALWAYS.mask(rows).all()
    assert ALWAYS.candidates(rows).all()
    assert ALWAYS.passes_all


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("proc.name=httpd", {1, 2, 5, 7, 9, 10, 11}),
        ("proc.name=httpd and evt.is_io_read=true", {7, 9}),
        ("fd.cip=192.168.0.1 and proc.name=httpd and evt.is_io_read=true and evt.buffer contains fo", {7}),
        ("evt.buffer contains form", set()),
        ("evt.type=accept and proc.name!=curl", {2}),
        ("evt.type in (connect, close)", {0, 11}),
        ("user.uid=0 or user.name=alice and evt.type=reset", {14, 15}),
        ("proc.pid in (300, 400) and evt.is_io=true", {7, 9, 10, 14}),
        ("container.id exists", {1, 2, 5, 7, 9, 10, 11, 14}),
        ("container.name!=host", set()),
        ("container.id!=host", {1, 2, 5, 7, 9, 10, 11}),
        ("not container.id exists and evt.is_io=true", {6, 8, 13}),
        ("proc.ppid!=1", {0, 3, 4, 6, 8, 12, 13, 15}),
        ("not proc.ppid=1", {0, 3, 4, 6, 8, 12, 13, 14, 15, 16}),
        ("evidence in (listener, procfs)", {2, 13}),
        ("evt.interface=lo and evt.num>9", {15, 16}),
        ("evt.failed=true", {15}),
        ("evt.buflen>=13", {8, 9}),
        ("evt.rawres=0 and evt.io_dir=write", {0, 2, 4, 11}),
        ("evt.dir=< and evt.num=1", {0, 1}),
        ("evt.dir=>", set()),
        ("evt.reltime<=700000000", {0, 1, 2, 3}),
        (f"evt.rawtime={START_NS}", {0, 1}),
        (f"evt.around[{START_NS + 700_000_000}]=699", {2, 3}),
        (f"evt.around[{START_NS + 700_000_000}]=700", {0, 1, 2, 3, 4, 5}),
        (f"evt.around[{START_NS + 700_000_001}]=700", {2, 3, 4, 5}),
        ("evt.time.iso8601 startswith 2017-09-23T00:44:29", {0, 1}),
        ("evt.datetime>2017-09-01 and evt.num=1", {0, 1}),
        ("proc.cmdline contains '-k start'", {1, 2, 5, 7, 9, 10, 11}),
        ("proc.exepath pmatch (/usr/sbin)", {1, 2, 5, 7, 9, 10, 11}),
        ("proc.name glob h*d and proc.name regex 'ht+pd' and proc.name icontains HTTP", {1, 2, 5, 7, 9, 10, 11}),
    ],
)
def test_filters(text: str, expected: set[int], rows: Rows) -> None:
    """Rows are numbered as in conftest.py."""
    assert passing(text, rows) == expected


@pytest.mark.parametrize(
    "text", ["evt.buffer contains x", "not evt.arg.data exists", "proc.pid=1 or evt.rawarg.data=x"]
)
def test_a_filter_on_payload_wants_messages(text: str) -> None:
    """Wherever in the filter it stands."""
    assert compile_filter(text).uses_buffer


def test_a_filter_on_sizes_does_not_want_messages() -> None:
    """A packet has its own."""
    assert not compile_filter("evt.buflen>5 and evt.is_io=true").uses_buffer


def test_joined_filters_pass_what_both_pass(rows: Rows) -> None:
    """A chisel's own and the user's; `or` inside stays inside."""
    ours, theirs = compile_filter("evt.is_io=true"), compile_filter("proc.name=sh or proc.name=httpd")
    joined = ours & theirs
    assert joined.mask(rows).tolist() == (ours.mask(rows) & theirs.mask(rows)).tolist()
    assert compile_filter(joined.text).mask(rows).tolist() == joined.mask(rows).tolist()


def test_joining_with_always_changes_nothing() -> None:
    """On either side."""
    ours = compile_filter("evt.is_io=true")
    assert ours & ALWAYS is ours
    assert ALWAYS & ours is ours


def test_joined_filters_want_messages_if_either_does() -> None:
    """Both ways round."""
    wants, wants_not = compile_filter("evt.buffer exists"), compile_filter("evt.is_io=true")
    assert (wants & wants_not).uses_buffer
    assert (wants_not & wants).uses_buffer


def test_the_trace_may_grow_between_batches(packets: Packets) -> None:
    """A flow and a process that came later are looked at too."""
    only = compile_filter("fd.sport=8080 and proc.name=late")
    assert not only.mask(rows_of(packets)).any()
    packets.trace.processes.append(type(packets.trace.processes[0])(name="late", pid=9))
    later = Packets.from_payloads(packets.trace, [b"x", b"y"], flow=[4, 0], writer=[3, 3])
    assert only.mask(rows_of(later)).tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("evt.buffer contains form", range(17)),
        ("not evt.buffer contains form", range(17)),
        ("proc.name=httpd and evt.buffer contains form", {1, 2, 5, 7, 9, 10, 11}),
        ("evt.is_io_read=true and evt.buffer contains form", {7, 9}),
        ("evt.is_io_read=true and not (evt.buffer contains form or proc.name=curl)", {7, 9}),
        ("evt.is_io=true and evt.buflen>15", range(6, 11)),
        ("evt.num=4 and proc.name=httpd", {1, 2, 5, 7, 9, 10, 11}),
    ],
)
def test_candidates_are_all_that_could_pass_as_a_message(text: str, expected: set[int], rows: Rows) -> None:
    """Payload, size and number of a message are not known from a packet; process and direction are."""
    found = compile_filter(text).candidates(rows).tolist()
    if "evt.is_io=true" in text:
        expected = {*expected, 13, 14}
    assert {i for i, could in enumerate(found) if could} == set(expected)


def test_a_word_split_over_two_packets_is_found_in_the_message(packets: Packets, rows: Rows) -> None:
    """No packet passes, both are candidates, the message passes."""
    only = compile_filter("proc.name=httpd and evt.is_io_read=true and evt.buffer contains form")
    message = Messages.from_buffers(packets.trace, [b"GET /form HTTP/1.1\r\n"], number=[4], flow=0, writer=0, reader=1)
    assert not only.mask(rows).any()
    assert only.candidates(rows).nonzero()[0].tolist() == [7, 9]
    assert only.mask(rows_of(message)).tolist() == [False, True]


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        ("evt.buffer contains form", b"form"),
        ("proc.name=httpd and evt.buffer contains form", b"form"),
        ("evt.buffer startswith GET and (evt.buffer endswith ab and fd.port=80)", b"GET"),
        ("evt.buffer bcontains 474554", b"GET"),
        ("evt.buffer = abc", b"abc"),
        ("evt.buffer icontains form", b""),
        ("evt.buffer contains form or fd.port=80", b""),
        ("not evt.buffer contains form", b""),
        ("evt.buffer != form", b""),
        ("proc.cmdline contains form", b""),
        ("", b""),
    ],
)
def test_needle(text: str, needle: bytes) -> None:
    """What every payload has that passes, as far as it can be said."""
    assert compile_filter(text).needle == needle

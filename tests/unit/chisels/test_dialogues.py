"""Messages of flows to records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pcapdig.chisels.dialogues import Dialogues, Found, Limits, Opening
from pcapdig.protocols._dns_question import LoneQuestion
from pcapdig.protocols.dns import DnsDialogue
from pcapdig.protocols.http import HttpDialogue, starts
from pcapdig.trace.columns import Messages, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of


def _conversation(turns: list[tuple[bool, bytes]]) -> Any:
    """Messages a millisecond apart, seen at the server's end."""
    flows = Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5000, server_port=80)])
    messages = Messages.from_buffers(
        Tables(flows=flows),
        [data for _, data in turns],
        number=range(1, len(turns) + 1),
        flow=0,
        forward=[from_client for from_client, _ in turns],
        time_ns=[index * 1_000_000 for index in range(len(turns))],
    )
    return rows_of(messages)


GET = (True, b"GET / HTTP/1.1\r\n\r\n")
OK = (False, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def http(opening: Opening) -> HttpDialogue | None:
    """Begin as the chisel does."""
    return HttpDialogue() if starts(opening.data) else None


def test_a_flow_of_something_else_is_passed_over(conversation: Callable[..., Any]) -> None:
    """Until it turns to the protocol."""
    assert len(list(Dialogues(http).feed(conversation([(True, b"\0\1"), GET, OK])))) == 1


def test_a_dropped_dialogue_is_known(conversation: Callable[..., Any]) -> None:
    """After it the protocol may begin less plainly."""
    openings: list[Opening] = []

    def begin(opening: Opening) -> HttpDialogue | None:
        openings.append(opening)
        return http(opening)

    list(Dialogues(begin).feed(conversation([GET, OK, GET, OK], tcp_flags=[0, 1, 0, 0])))
    assert [opening.is_known for opening in openings] == [False, True]


def test_idle_dialogues_wait_only_where_there_are_few(
    conversation: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many flows between two messages, only the last ones are remembered; what is open is never dropped."""
    monkeypatch.setattr("pcapdig.chisels.dialogues.IDLE_LIMIT", 2)
    dialogues = Dialogues(http)
    rows = conversation([GET, OK] * 5 + [GET])
    rows.facts.flow[:] = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 0]
    rows.trace.flows.resize(5)
    assert len(list(dialogues.feed(rows))) == 5
    assert sum(isinstance(one, HttpDialogue) for one in dialogues._by_flow.values()) <= 3
    assert len(dialogues.end()) == 1


def many_flows(rows: Any, flows: list[int]) -> Any:
    """The same rows, each message of its own flow; rows of both ends are neighbours."""
    rows.facts.flow[:] = flows
    rows.trace.flows.resize(max(flows) + 1)
    return rows


def key(found: Found[Any]) -> tuple[int, int | None, int | None]:
    """A record by what its line shows: its flow, and the messages that it is made of."""
    asked, answered = found.record.asked, found.record.answered
    return found.flow, asked and asked.number, answered and answered.number


@example([(0, False)] * 6 + [(0, True)] * 3, Limits(1, 3, 57))
@given(
    st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=60),
    st.builds(Limits, st.integers(1, 12), st.integers(1, 12), st.integers(1, 40).map(lambda count: count * 19)),
)
def test_what_waits_is_limited_and_what_is_given_up_is_counted(said: list[tuple[int, bool]], limits: Limits) -> None:
    """No request and no answer is lost or comes twice; a pair that is parted is that of a connection that was given up."""
    rows = _conversation([OK if is_answer else GET for _, is_answer in said] or [GET])
    rows = many_flows(rows, [flow for flow, _ in said] or [0])
    free, limited = Dialogues(http), Dialogues(http, limits)
    expected = sorted(map(key, [*free.feed(rows), *free.end()]), key=repr)
    found = []
    for one in limited.feed(rows):
        found.append(key(one))
        assert len(limited._by_flow) <= limits.dialogues + 1
        assert limited._load.requests <= limits.requests + 1
        assert limited._load.requests == sum(len(dialogue.open) for dialogue in limited._by_flow.values())
    found += map(key, limited.end())
    messages = [sorted(number for _, *pair in keys for number in pair if number) for keys in (expected, found)]
    assert messages[0] == messages[1]
    pairs = {pair for pair in found if None not in pair}
    assert pairs <= set(expected)
    parted = {pair for pair in expected if None not in pair} - pairs
    assert len(parted) <= limited.evicted.requests
    if not limited.evicted.connections:
        assert expected == sorted(found, key=repr)


def test_the_connection_that_was_silent_longest_is_given_up() -> None:
    """Not the one that began first."""
    rows = many_flows(_conversation([GET, GET, GET, GET]), [0, 1, 0, 2])
    dialogues = Dialogues(http, Limits(2))
    assert [(1, 2, None)] == [*map(key, dialogues.feed(rows))]
    expected = "1 requests of 1 connections were given up unanswered: more than 2 connections, 65,536 requests or 64 MiB waited"
    assert [expected] == [*dialogues.notes()]


def test_half_read_messages_are_limited_in_bytes() -> None:
    """Heads that never end."""
    heads = [(True, b"POST / HTTP/1.1\r\nX: " + b"z" * 1000)] * 5
    dialogues = Dialogues(http, Limits(size_bytes=3000))
    found = [*dialogues.feed(many_flows(_conversation(heads), [*range(5)]))]
    assert ([0, 1, 2], 2040) == ([one.flow for one in found], dialogues._load.size_bytes)
    assert 3 == dialogues.evicted.connections


def test_nothing_is_read_when_it_is_over(conversation: Callable[..., Any]) -> None:
    """Another protocol was agreed on."""
    upgraded = (False, b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    assert len(list(Dialogues(http).feed(conversation([GET, upgraded, GET, OK])))) == 1


def test_processes_of_both_ends(conversation: Callable[..., Any]) -> None:
    """By role, and in views with the asking end first."""
    (found,) = Dialogues(http).feed(conversation([GET, OK]))
    client, server = found.process(of_client=True), found.process(of_client=False)
    assert client and server and (client.name, server.name) == ("curl", "httpd")
    assert found.views() == [(True, client), (False, server)]


def test_an_end_that_is_not_known_has_no_view_beside_one_that_is(conversation: Callable[..., Any]) -> None:
    """A capture of the server's machine."""
    (found,) = Dialogues(http).feed(conversation([GET, OK], ends="server"))
    assert [asks for asks, _ in found.views()] == [False]


def _dns(number: int, flags: int, name: str) -> bytes:
    return bytes((0, number, flags, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1)) + name.encode() + b"\0\0\1\0\1"


_DATAGRAMS = st.tuples(
    st.integers(0, 5),
    st.booleans(),
    st.builds(_dns, st.integers(0, 1), st.sampled_from([0, 1, 0x80]), st.sampled_from("ab ")),
)


@given(st.lists(_DATAGRAMS, max_size=40), st.sampled_from([1, 40, 60_000]))
@example([(0, True, _dns(0, 0, "a")), (0, True, _dns(1, 0, "a")), (0, False, _dns(1, 0x80, "a"))], 1)
@example([(flow, False, _dns(0, 0, "a")) for flow in (0, 0, 1, 0, 2, 3)], 1)
def test_a_lone_question_is_what_a_dialogue_would_have_read(turns: list[tuple[int, bool, bytes]], step_ms: int) -> None:
    """Records, their order, what is given up and what waits are the same with and without, also where too much waits."""
    flows = Flows.from_records(
        [FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=i, server_port=53, protocol=17) for i in range(6)]
    )
    rows = rows_of(
        Messages.from_buffers(
            Tables(flows=flows),
            [data for _, _, data in turns],
            number=range(1, len(turns) + 1),
            flow=[flow for flow, _, _ in turns],
            forward=[from_client for _, from_client, _ in turns],
            time_ns=[index * step_ms * 1_000_000 for index in range(len(turns))],
        )
    )
    seen = []
    for lone in (None, LoneQuestion):
        dialogues: Dialogues[Any] = Dialogues(
            lambda opening: DnsDialogue(is_stream=not opening.is_datagram), Limits(3, 6, 100), lone
        )
        found = [*dialogues.feed(rows)]
        load = dialogues._load.requests, dialogues._load.size_bytes, dialogues._load.begun
        found += dialogues.end()
        read = [(one.flow, one.record.asked, one.record.answered, one.record.query, one.record.answer) for one in found]
        seen.append((read, load, dialogues.evicted.connections, dialogues.evicted.requests, [*dialogues.notes()]))
    assert seen[0] == seen[1]

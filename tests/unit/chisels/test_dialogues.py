"""Messages of flows to records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pcapdig.chisels.dialogues import Dialogues, Opening
from pcapdig.protocols.http import HttpDialogue, starts

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

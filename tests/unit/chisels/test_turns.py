"""Rows of messages to turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pcapdig.chisels._turns import Turns
from pcapdig.protocols.conversation import Moment, Seen, Turn

SAID = [(True, b"ask"), (False, b"answer"), (True, b"")]


def turns(rows: Any, by_flow: dict[int, str] | None = None) -> list[tuple[int, str | None, Turn]]:
    """All of them."""
    return list(Turns(rows, by_flow or {}, np.zeros(len(rows.trace.flows), np.uint8), 2, {}))


def test_columns_that_contradict_each_other(conversation: Callable[..., Any]) -> None:
    """Nothing is read behind the shorter one."""
    rows = conversation(SAID)
    rows._cache["process"] = rows.process[:-1]
    with pytest.raises(ValueError, match="different lengths"):
        turns(rows)


def test_a_mark_for_each_flow(conversation: Callable[..., Any]) -> None:
    """Nothing is read behind them."""
    with pytest.raises(ValueError, match="0 marks for 1 flows"):
        Turns(conversation(SAID), {}, np.zeros(0, np.uint8), 2, {})


def test_no_rows(conversation: Callable[..., Any]) -> None:
    """No turns."""
    rows = conversation(SAID)
    assert turns(rows.select(np.zeros(len(rows), np.bool_))) == []


def test_a_turn_a_message_with_both_ends(conversation: Callable[..., Any]) -> None:
    """The write first; a message without new bytes is none."""
    rows = conversation(SAID)
    (flow, _, ask), (_, _, answer) = turns(rows)
    client, server = Seen(True, True, 0), Seen(False, False, 1)
    assert (flow, ask) == (0, Turn(b"ask", True, Moment(int(rows.time_ns[0]), int(rows.number[0]), (client, server))))
    assert (answer.data, answer.from_client) == (b"answer", False)
    assert answer.moment.seen == (Seen(False, True, 1), Seen(True, False, 0))
    assert all(type(flag) is bool for flag in (ask.from_client, ask.is_last, ask.is_reset, *ask.moment.seen[0][:2]))


def test_one_end(conversation: Callable[..., Any]) -> None:
    """The other is not known, or did not pass the filters."""
    assert [turn.moment.seen for _, _, turn in turns(conversation(SAID, ends="server"))] == [
        (Seen(False, False, 1),),
        (Seen(False, True, 1),),
    ]


@pytest.mark.parametrize(("flags", "expected"), [(0x10, (False, False)), (0x01, (True, False)), (0x14, (True, True))])
def test_ends(conversation: Callable[..., Any], flags: int, expected: tuple[bool, bool]) -> None:
    """FIN and RST are a side's last word, RST not by its will."""
    ((_, _, turn),) = turns(conversation(SAID[:1], tcp_flags=[flags]))
    assert (turn.is_last, turn.is_reset) == expected


def test_flows_that_are_over(conversation: Callable[..., Any]) -> None:
    """They are passed over from the moment on that it is said; without a flow there is no turn at all."""
    rows = conversation(SAID[:2] * 2)
    rows.facts.flow[:] = [0, 0, -1, 0]
    by_flow = {0: "begun"}
    left = np.zeros(1, np.uint8)
    found = Turns(rows, by_flow, left, 2, {})
    assert next(found)[:2] == (0, "begun")
    left[0] = 2
    assert list(found) == []


def test_packets_have_turns_too(conversation: Callable[..., Any]) -> None:
    """With what the snap length cut off as a gap."""
    from pcapdig.trace.columns import Packets, Tables
    from pcapdig.trace.flows import FlowRecord, Flows
    from pcapdig.trace.rows import rows_of

    flow = FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=1, server_port=2, protocol=17)
    packets = Packets.from_payloads(
        Tables(flows=Flows.from_records([flow])), [b"abc"], flow=[0], payload_length=np.array([5], np.uint32)
    )
    ((_, _, turn),) = turns(rows_of(packets))
    assert (turn.data, turn.gaps) == (b"abc", ((3, 2),))

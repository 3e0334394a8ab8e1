"""What rows are made from: packets and messages have the same columns."""

from __future__ import annotations

import numpy as np
import pytest

from pcapdig.trace.columns import Messages, Packets, Tables
from pcapdig.trace.facts import Facts

NAMES = sorted(name for name, value in vars(Facts).items() if isinstance(value, property) and name != "trace")
FACTS = (Packets.from_payloads(Tables(), [b"x"]), Messages.from_buffers(Tables(), [b"x"], number=1))


@pytest.mark.parametrize("name", NAMES)
def test_packets_and_messages_have_each_column(name: str) -> None:
    """The same name, and values of the same type."""
    packets, messages = (getattr(facts, name) for facts in FACTS)
    assert isinstance(packets, np.ndarray)
    assert packets.dtype == messages.dtype
    assert len(packets) == len(messages) == 1


def test_nothing_is_out_of_window_unless_said() -> None:
    """Neither a packet nor a message made by hand."""
    assert [facts.out_of_window.tolist() for facts in FACTS] == [[False], [False]]

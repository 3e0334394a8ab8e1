"""Messages that lie in a batch until it ends, and those that are only wanted if they hold certain bytes."""

from __future__ import annotations

import random

import numpy as np
import pytest

from pcapdig.streams.reassembler import Reassembler
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows


def messages(pieces: list[list[bytes]], needle: bytes, *, batch: int) -> list[bytes]:
    """What is handed out of one flow whose ends take turns, each turn in several segments, `batch` segments a batch."""
    flows = Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5000, server_port=80)])
    trace = Tables(flows=flows)
    reassembler = Reassembler(trace, needle=needle)
    segments, sent = [], [1, 1]
    for turn, payloads in enumerate(pieces):
        for payload in payloads:
            segments.append((payload, turn % 2 == 0, sent[turn % 2]))
            sent[turn % 2] += len(payload)
    found = []
    for start in range(0, len(segments), batch):
        payloads, forward, seq = zip(*segments[start : start + batch], strict=True)
        packets = Packets.from_payloads(trace, list(payloads), flow=0, forward=forward, seq=seq)
        rows = reassembler.feed(packets, np.ones(1, np.bool_))
        found += [rows.buffer(i) for i in range(len(rows))]
        del packets, payloads
    rows = reassembler.flush()
    return found + [rows.buffer(i) for i in range(len(rows))]


@pytest.mark.parametrize("batch", [1, 2, 7, 1000])
def test_pieces_outlive_their_batch(batch: int) -> None:
    """A message that goes on in the next batch keeps what it has of this one."""
    pieces = [[b"ab", b"c"], [b"de", b"f" * 5000, b"g"], [b"h"]]
    assert messages(pieces, b"", batch=batch) == [b"abc", b"de" + b"f" * 5000 + b"g", b"h"]


@pytest.mark.parametrize("batch", [1, 3, 1000])
def test_a_word_over_many_segments(batch: int) -> None:
    """Byte by byte it is found too; a word that is not whole is not."""
    pieces = [[b"xx", b"f", b"o", b"r", b"m"], [b"for", b"x", b"m"], [b"fo", b"form"], [b"f", b"", b"orm"]]
    assert messages(pieces, b"form", batch=batch) == [b"xxform", b"foform", b"form"]


def test_any_segmentation() -> None:
    """Exactly the messages that hold the word, however they were cut, words of one byte and longer than all payload included."""
    chance = random.Random(5)
    for _ in range(400):
        pieces = [
            [bytes(chance.choices(b"ab", k=chance.randint(1, 6))) for _ in range(chance.randint(1, 6))]
            for _ in range(chance.randint(1, 8))
        ]
        word = bytes(chance.choices(b"ab", k=chance.choice([1, 2, 3, 5, 9, 300])))
        batch = chance.randint(1, 9)
        whole = messages(pieces, b"", batch=batch)
        assert whole == [b"".join(turn) for turn in pieces]
        assert messages(pieces, word, batch=batch) == [message for message in whole if word[:256] in message]

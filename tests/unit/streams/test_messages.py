"""Messages that lie in a batch until it ends, and those that are only wanted if they hold certain bytes."""

from __future__ import annotations

import random

import numpy as np
import pytest

from pcapdig.protocols.http_messages import FIRST_BYTES
from pcapdig.streams.reassembler import ANYTHING, Beginning, Reassembler
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows


def messages(pieces: list[list[bytes]], needle: bytes, *, batch: int, beginning: Beginning = ANYTHING) -> list[bytes]:
    """What is handed out of one flow whose ends take turns, each turn in several segments, `batch` segments a batch."""
    flows = Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5000, server_port=80)])
    trace = Tables(flows=flows)
    reassembler = Reassembler(trace, needle=needle, beginning=beginning)
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


def test_marks_for_each_byte_are_needed() -> None:
    """Fewer would be read beyond their end."""
    with pytest.raises(ValueError, match="a mark for each value of a byte is needed"):
        Reassembler(Tables(), beginning=Beginning(None, b"\1" * 255))


@pytest.mark.parametrize("batch", [1, 2, 7, 1000])
def test_what_a_flow_says_before_it_begins_is_left_out(batch: int) -> None:
    """Whatever follows a message that begins is there, also in the other direction."""
    pieces = [[b"nothing"], [b"G", b"ET no"], [b"again"], [b"", b"GET", b" yes"], [b"answer"], [b"more"]]
    asked: list[bytes] = []

    def opens(message: bytes) -> bool:
        asked.append(message)
        return message == b"GET yes"

    beginning = Beginning(opens, bytes(value == ord("G") for value in range(256)))
    assert messages(pieces, b"", batch=batch, beginning=beginning) == [b"GET yes", b"answer", b"more"]
    assert asked == [b"GET no", b"GET yes"]


def test_a_beginning_behind_a_gap() -> None:
    """Its first captured byte decides."""
    trace = Tables(flows=Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", server_port=80)]))
    reassembler = Reassembler(trace, beginning=Beginning(lambda message: message == b"GET", FIRST_BYTES))
    columns = {"flow": 0, "forward": [1, 1, 0, 0], "seq": [1, 4, 1, 4], "ack": [1, 1, 7, 7]}
    packets = Packets.from_payloads(trace, [b"", b"GET", b"", b"200"], payload_length=[3, 3, 3, 3], **columns)
    rows = [*reassembler.feed(packets, np.ones(1, np.bool_)).facts.buffers, *reassembler.flush().facts.buffers]
    assert rows == [b"GET", b"200"]


@pytest.mark.parametrize("batch", [1, 1000])
def test_a_message_is_judged_by_its_own_first_byte(batch: int) -> None:
    """Not by that of a later segment: what looks like a beginning there is the middle of something else."""
    pieces = [[b"\0binary", b"GET yes"], [b"answer"]]
    assert messages(pieces, b"", batch=batch, beginning=Beginning(lambda data: b"GET" in data[:3], FIRST_BYTES)) == []


@pytest.mark.parametrize("batch", [1, 1000])
def test_a_lone_nul_is_not_judged(batch: int) -> None:
    """It may be a keep-alive probe's, which a capture in the midst of a connection takes for data; what follows it is judged."""
    beginning = Beginning(lambda data: b"GET" in data, FIRST_BYTES)
    pieces = [[b"\0", b"GET yes"], [b"answer"]]
    assert messages(pieces, b"", batch=batch, beginning=beginning) == [b"\0GET yes", b"answer"]
    assert messages([[b"\0", b"\0GET no"], [b"\0"]], b"", batch=batch, beginning=beginning) == []

"""The plain question of a flood."""

from __future__ import annotations

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pcapdig.protocols._dns_question import LoneQuestion
from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.dns import DnsDialogue

ASKED = Moment(7, 1)


def question(name: bytes, *, counts: tuple[int, ...] = (1, 0, 0, 0), flags: int = 0x100, kind: int = 28) -> bytes:
    """A message with this name, length octets included."""
    return struct.pack(">6H", 5, flags, *counts) + name + struct.pack(">2H", kind, 1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        question(b"\x01a\0")[:-1],
        question(b"\x01a\0", flags=0x8180),
        question(b"\x01a\0", flags=0x2800),
        question(b"\x01a\0", counts=(2, 0, 0, 0)),
        question(b"\x01a\0", counts=(1, 0, 0, 1)),
        question(b"\x01a\0", counts=(257, 0, 0, 0)),
        question(b"\0"),
        question(b"\xc0\x0c"),
        question(b"\x01.\0"),
        question(b"\x01 \0"),
        question(b'\x01"\0'),
        question(b"\x01\\\0"),
        question(b"\x02\xc3\xa4\0"),
        question(b"\x40" + b"a" * 64 + b"\0"),
        question((b"\x3f" + b"a" * 63) * 4 + b"\0"),
    ],
)
def test_what_is_not_plain_is_left_to_the_dialogue(data: bytes) -> None:
    """Responses, updates, more than a question, the root, pointers, and names that have to be escaped, are cut or too long."""
    assert LoneQuestion.read(data, True, ASKED) is None


_LABELS = st.lists(st.binary(min_size=1, max_size=63), max_size=5).map(
    lambda labels: b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
)
_PLAIN = st.lists(st.text("abcXYZ019-_*", min_size=1, max_size=63), min_size=1, max_size=5).map(
    lambda labels: b"".join(bytes((len(label),)) + label.encode() for label in labels) + b"\0"
)


@given(st.one_of(_LABELS, _PLAIN).map(question) | st.binary(max_size=40), st.integers(0, 4))
@example(question(b"\x3f" + b"a" * 63 + (b"\x3e" + b"b" * 62) * 3 + b"\0"), 0)
@example(question(b"\x3f" + b"a" * 63 + (b"\x3f" + b"b" * 63) * 2 + b"\x3d" + b"c" * 61 + b"\0"), 0)
@example(question(b"\x01a\0", kind=65535), 3)
def test_what_is_read_is_what_the_dialogue_reads(data: bytes, more: int) -> None:
    """Name, type, id and time of a question are the same as in the record of a dialogue that has no answer."""
    lone = LoneQuestion.read(data + bytes(more), True, ASKED)
    if lone is None:
        return
    dialogue = DnsDialogue(is_stream=False)
    assert dialogue.feed(Turn(data + bytes(more), True, ASKED)) == []
    (call,) = dialogue.end()
    assert call.query and (lone.name, lone.type) == call.query.questions[0][:2]
    assert (lone.query, lone.told, lone.asked, lone.moment) == (call.query, call.told, call.asked, call.moment)
    assert (lone.answered, lone.answer, lone.latency_ns, lone.end()) == (None, None, None, [lone])


@pytest.mark.parametrize("from_client", [True, False])
def test_an_answer_finds_the_question_in_the_grown_dialogue(*, from_client: bool) -> None:
    """From the other end, whichever asked."""
    lone = LoneQuestion.read(question(b"\x01a\0"), from_client, ASKED)
    assert lone
    answer = question(b"\x01A\0", flags=0x8180)
    (call,) = lone.grown().feed(Turn(answer, not from_client, Moment(9)))
    assert call.query == lone.query and call.latency_ns == 2

"""What a Redis server sends that answers no command, in the shared cases and of a real server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pcapdig.protocols.conversation import Moment
from pcapdig.protocols.redis import RedisDialogue
from pcapdig.protocols.redis_modes import Command, Modes, RedisReply


def command(text: str) -> Command:
    """A command."""
    words = tuple(text.split())
    return Command(Moment(0), words, len(words), len(text))


def simple(text: str) -> RedisReply:
    """A simple string."""
    return RedisReply(kind="+", text=text, size_bytes=len(text), count=1)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("redis_monitor_reset", ["MONITOR = OK", "RESET = RESET", "GET k = vvv", "DEL k = 1"]),
        ("redis_unsubscribed", ["SUBSCRIBE n = subscribe n 1", "UNSUBSCRIBE n = unsubscribe n 0", "LRANGE l 0 -1 = message a b", "GET k2 = v22"]),
    ],
)  # fmt: skip
def test_shared_cases(name: str, told: list[str], records_of: Callable[..., list[Any]]) -> None:
    """Captures of the cases that are shared with others."""
    calls = records_of(name, lambda opening: RedisDialogue())
    assert [f"{' '.join(call.words)} = {call.reply.text}" for call in calls] == told


@pytest.mark.parametrize(
    ("text", "is_line"),
    [
        ('1339518083.107412 [0 127.0.0.1:60866] "keys" "*"', True), ('1339518083.107412 (db 0) "keys"', True), ('1339518083.107412 "keys" "*"', True),
        ('1339518083.107412 [0 lua] "get"', True), ('1339518083.107412 [0 unix:/tmp/s] "get"', True), ("1339518083.107412", False), ("OK", False),
    ],
)  # fmt: skip
def test_lines_of_monitor(text: str, is_line: bool) -> None:
    """Of all versions; each is an answer where nobody monitors."""
    modes = Modes()
    assert modes.is_answer(simple(text), (), command("EVAL x 0"))
    modes.answered(command("MONITOR"), simple("OK"))
    assert modes.is_answer(simple(text), (), command("PING")) is not is_line


@pytest.mark.parametrize("text", ["CLIENT REPLY MAYBE", "CLIENT REPLY", "CLIENT REPLY OFF x", "CLIENT LIST"])
def test_what_turns_no_replies_off(text: str) -> None:
    """Redis answers it, if only with an error; more words than three are a syntax error as well."""
    modes = Modes()
    if text != "CLIENT REPLY OFF x":
        assert not modes.is_silent(command(text)) and not modes.are_open


def test_an_answer_that_looks_like_a_confirmation() -> None:
    """A script may give one."""
    words = [RedisReply(kind="$", text=text, size_bytes=1, count=1) for text in ("subscribe", "a")]
    values = [*words, RedisReply(kind=":", text="1", size_bytes=1, count=1)]
    reply = RedisReply(kind="*", text="subscribe a 1", size_bytes=3, count=3)
    modes = Modes()
    assert modes.is_answer(reply, values, command("EVAL x 0"))
    assert not modes.are_open
    assert not modes.is_answer(reply, values, None) and modes.are_open


def test_a_transaction_of_many_commands() -> None:
    """What is remembered of it is bounded."""
    modes = Modes()
    modes.is_silent(command("MULTI"))
    for _ in range(5000):
        modes.is_silent(command("MONITOR"))
    assert modes._queue is not None and len(modes._queue) == 1000


def test_a_real_server(records_of: Callable[..., list[Any]]) -> None:
    """Redis 7.0: each mode and what ends it (captures/talk_states.py). What looks like a message is an answer where no mode is open."""
    calls = records_of("redis_modes", lambda opening: RedisDialogue() if opening.from_client else None)
    told = {"GET k": [], "LRANGE l 0 -1": [], "RESET": []}
    for call in calls:
        told.setdefault(" ".join(call.words), []).append(call.reply.text if call.reply else "-")
    assert told["GET k"] == ["v1", "v1", "-", "v4"]
    assert told["LRANGE l 0 -1"] == ["message a b"] * 5
    assert told["RESET"] == ["RESET"] * 3
    assert [
        told[name]
        for name in (
            "MONITOR",
            "SUBSCRIBE a b",
            "PSUBSCRIBE p*",
            "UNSUBSCRIBE",
            "PUNSUBSCRIBE p*",
            "SSUBSCRIBE s",
            "SUNSUBSCRIBE",
        )
    ] == [
        ["OK"],
        ["subscribe a 1"],
        ["psubscribe p* 3"],
        [told["UNSUBSCRIBE"][0], "unsubscribe a 0"],
        ["punsubscribe p* 0"],
        ["ssubscribe s 1"],
        ["sunsubscribe s 0"],
    ]
    assert [
        told[name]
        for name in (
            "CLIENT REPLY OFF",
            "SET k v3",
            "CLIENT REPLY SKIP",
            "SET k v4",
            "SUBSCRIBE a",
            "EXEC",
            "PING",
            "QUIT",
        )
    ] == [
        ["-"],
        ["-"],
        ["-", "-"],
        ["-"],
        ["subscribe a 1", "QUEUED"],
        ["subscribe a 1"],
        ["pong ", "PONG"],
        ["OK"],
    ]
    assert [text[:10] for text in told["PSYNC ? -1"]] == ["FULLRESYNC"] and "SET k v5" in told
    assert "" not in told and len(calls) == 42

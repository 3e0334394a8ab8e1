"""memcached's text protocol, of a real server too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.memcached import MemcachedCall, MemcachedDialogue


def calls(*turns: tuple[bool, bytes]) -> list[MemcachedCall]:
    """The calls of a connection."""
    dialogue = MemcachedDialogue()
    return [
        r for from_client, data in turns for r in dialogue.feed(Turn(data, from_client, Moment(0)))
    ] + dialogue.end()


@pytest.mark.parametrize(
    "data", [b"\x80\0\0\1", b"hello world\r\n", b"set k 0 0 x\r\n", b"set k 0\r\n", b"\r\n\r\n", b"x" * 270_000]
)
def test_what_is_no_command_is_passed_over(data: bytes) -> None:
    """The binary protocol, words, a set without a size."""
    assert calls((True, data)) == []


def test_a_value_that_looks_like_a_command_is_none() -> None:
    """Its size says how long it is."""
    found = calls((True, b"set k 0 0 9\r\nget a\r\nxx\r\n"), (False, b"STORED\r\n"))
    assert [(c.command, c.keys, c.size_bytes, c.status) for c in found] == [("set", ("k",), 9, "STORED")]


def test_a_get_of_several_keys() -> None:
    """Two found, one not."""
    (call,) = calls((True, b"get a b c\r\n"), (False, b"VALUE a 0 2\r\nxx\r\nVALUE c 0 3 77\r\nyyy\r\nEND\r\n"))
    assert (call.keys, call.values, call.status) == (("a", "b", "c"), (("a", 2), ("c", 3)), "END")


def test_noreply_waits_for_nothing() -> None:
    """The next answer is the next command's."""
    found = calls((True, b"set a 0 0 1 noreply\r\nx\r\nget a\r\n"), (False, b"END\r\n"))
    assert [(c.command, c.is_quiet, c.status) for c in found] == [("set", True, ""), ("get", False, "END")]


def test_quiet_meta_commands_end_with_mn() -> None:
    """What comes for a quiet command is not taken for another's answer."""
    found = calls((True, b"mg a v q\r\nmn\r\n"), (False, b"VA 1\r\nx\r\nMN\r\n"))
    assert [(c.command, c.status) for c in found] == [("mg", ""), ("mn", "MN")]


def test_the_capture(records_of: Callable[..., list[Any]], tshark: Callable[..., list[list[str]]]) -> None:
    """Each command that tshark names has a call, with the server's answer."""
    found = records_of("memcached", lambda opening: MemcachedDialogue())
    ours = [(call.command, call.status) for call in found]
    expected = [
        ("set", "STORED"),
        ("get", "END"),
        ("get", "END"),
        ("set", "STORED"),
        ("get", "END"),
        ("set", ""),
        ("get", "END"),
    ]
    expected += [
        ("incr", "CLIENT_ERROR"),
        ("gets", "END"),
        ("delete", "DELETED"),
        ("delete", "NOT_FOUND"),
        ("ms", "HD"),
        ("mg", "VA"),
    ]
    expected += [("mg", "EN"), ("mn", "MN"), ("version", "VERSION")]
    assert ours[: len(expected)] == expected
    named = {
        word for (field,) in tshark("memcached", "memcache.command", "memcache.command") for word in field.split(",")
    }
    assert named <= {call.command for call in found} | {"stats"}


def test_a_command_whose_end_was_lost_has_its_answer() -> None:
    """The answers after it are the next commands'."""
    dialogue = MemcachedDialogue()
    found = dialogue.feed(Turn(b"set k 0 0 6\r\nabc", True, Moment(0)))
    found += dialogue.feed(Turn(b"STORED\r\n", False, Moment(0)))
    found += dialogue.feed(Turn(b"\r\nget a\r\n", True, Moment(0), ((0, 3),)))
    found += dialogue.feed(Turn(b"END\r\n", False, Moment(0)))
    assert [(call.command, call.status) for call in found] == [("set", "STORED"), ("get", "END")]


def test_states_of_a_real_server(records_of: Callable[..., list[Any]]) -> None:
    """memcached 1.6: data blocks that are too long, quiet commands, a dump, a log that follows (captures/talk_states.py)."""
    calls = records_of("memcached_states", lambda opening: MemcachedDialogue() if opening.from_client else None)
    told = [(call.command, call.keys, call.status, [size for _, size in call.values]) for call in calls]
    assert sorted(told) == sorted(
        [
            ("set", ("a",), "CLIENT_ERROR", []),
            ("get", ("z",), "END", []),
            ("set", ("a",), "CLIENT_ERROR", []),
            ("set", ("a",), "", []),
            ("get", ("a",), "END", [1]),
            ("mg", ("b",), "", []),
            ("mg", ("absent",), "", []),
            ("ms", ("b",), "HD", []),
            ("mn", (), "MN", []),
            ("lru_crawler", (), "END", []),
            ("get", ("a",), "END", [1]),
            ("watch", (), "OK", []),
            ("get", ("a", "b"), "END", [1, 2]),
            ("quit", (), "", []),
        ]
    )

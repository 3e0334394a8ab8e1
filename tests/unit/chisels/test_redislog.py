"""redislog: a line a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pcapdig.chisels.dialogues import Opening
from pcapdig.chisels.redislog import Redislog


def command(*words: bytes) -> bytes:
    """In RESP."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def words_of(rows: Any) -> list[str]:
    """Lines without date and time."""
    chisel = Redislog()
    return [item.text.split(" ", 2)[2] for item in (*chisel.feed(rows), *chisel.end())]  # type: ignore[union-attr]


def test_a_value_cannot_forge_a_line(conversation: Callable[..., Any]) -> None:
    """Line ends and quotes are escaped."""
    (words,) = words_of(conversation([(True, command(b"SET", b"k", b'a\n" reply=OK'))], port=6379))
    assert words.startswith(r'command="SET k \"a\\n\\\" reply=OK\"" reply=<NA> size=<NA>')


@pytest.mark.parametrize(("ends", "named"), [("both", False), ("client", False), ("server", False), ("none", True)])
def test_without_processes_the_connection_is_named(conversation: Callable[..., Any], ends: str, named: bool) -> None:
    """It alone says who it was."""
    (words,) = words_of(conversation([(True, command(b"GET", b"k"))], port=6379, ends=ends))
    assert words.endswith(" fd.name=10.0.0.1:5000->10.0.0.2:6379") is named


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ((b"AUTH", b"secret"), '"AUTH ***"'),
        ((b"auth", b"user", b"secret"), '"auth user ***"'),
        ((b"HELLO", b"3", b"AUTH", b"user", b"secret"), '"HELLO 3 AUTH user ***"'),
        ((b"CONFIG", b"SET", b"requirepass", b"secret"), '"CONFIG SET requirepass ***"'),
        (
            (b"MIGRATE", b"h", b"1", b"k", b"0", b"9", b"AUTH2", b"user", b"secret"),
            '"MIGRATE h 1 k 0 9 AUTH2 user ***"',
        ),
        ((b"ACL", b"SETUSER", b"bob", b">secret", b"on"), '"ACL SETUSER bob *** on"'),
        ((b"GET", b"AUTH"), '"GET AUTH"'),
    ],
)
def test_passwords_are_masked(conversation: Callable[..., Any], asked: tuple[bytes, ...], shown: str) -> None:
    """Wherever commands have one."""
    (words,) = words_of(conversation([(True, command(*asked)), (False, b"+OK\r\n")], port=6379))
    assert words == f"command={shown} reply=OK size=2B latency=1.50ms client.proc=curl server.proc=httpd"


@pytest.mark.parametrize(
    ("reply", "shown"), [(b"$-1\r\n", "(nil)"), (b"*2\r\n:1\r\n:2\r\n", '"[2] 1 2"'), (b"$5\r\na b c\r\n", '"a b c"')]
)
def test_replies(conversation: Callable[..., Any], reply: bytes, shown: str) -> None:
    """Null, an array, a text."""
    (words,) = words_of(conversation([(True, command(b"PING")), (False, reply)], port=1))
    assert f" reply={shown} size=" in words


@pytest.mark.parametrize(
    "data",
    [command(b"GET", b"k"), b"PING\r\n", b"info\r\n", b"get k\r\n", b"+OK\r\n", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n"],
)
def test_nothing_it_would_begin_with_is_left_out(data: bytes) -> None:
    """The reassembler is told the same."""
    chisel = Redislog()
    opens, first_bytes = chisel.beginning.opens, chisel.beginning.first_bytes
    begins = any(chisel.begin(Opening(data, from_client, False)) is not None for from_client in (True, False))
    assert opens is not None and (opens(data) and bool(first_bytes[data[0]])) == begins

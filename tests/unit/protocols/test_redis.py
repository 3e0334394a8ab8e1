"""Redis commands and replies, of a real server too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.redis import RedisCall, RedisDialogue, starts, starts_inline

GET = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"


def calls(*turns: tuple[bool, bytes]) -> list[RedisCall]:
    """The calls of a connection."""
    dialogue = RedisDialogue()
    return [
        r for from_client, data in turns for r in dialogue.feed(Turn(data, from_client, Moment(0)))
    ] + dialogue.end()


@pytest.mark.parametrize("data", [b"", b"*0\r\n", b"*x\r\n$3\r\n", b"GET k\r\n", b"+OK\r\n"])
def test_what_does_not_begin_a_connection(data: bytes) -> None:
    """Inline commands could be anything's."""
    assert not starts(data)


@pytest.mark.parametrize(
    "data", [b"$abc\r\n", b"?\r\n", b"*1\r\n" * 40, b"|1\r\n" * 40, b"$-9999999999999999999999\r\n"]
)
def test_bad_replies_lose_the_place(data: bytes) -> None:
    """The next turn is read."""
    assert [
        c.reply.text if c.reply else None for c in calls((True, GET + GET), (False, data), (False, b"$1\r\nv\r\n"))
    ] == [None, None, "v"]


@pytest.mark.parametrize(
    ("data", "kind", "text", "size", "count"),
    [
        (b"+OK\r\n", "+", "OK", 2, 1),
        (b"-ERR no\r\n", "-", "ERR no", 6, 1),
        (b":42\r\n", ":", "42", 2, 1),
        (b"$-1\r\n", "_", "", 0, 0),
        (b"_\r\n", "_", "", 0, 0),
        (b"*-1\r\n", "_", "", 0, 0),
        (b"$4\r\na\r\nb\r\n", "$", "a\r\nb", 4, 1),
        (b"*2\r\n$1\r\na\r\n*1\r\n:7\r\n", "*", "a 7", 2, 2),
        (b"%1\r\n+k\r\n,1.5\r\n", "%", "k 1.5", 4, 2),
        (b"|1\r\n+ttl\r\n:5\r\n+OK\r\n", "+", "OK", 2, 1),
    ],
)
def test_reply_types(data: bytes, kind: str, text: str, size: int, count: int) -> None:
    """Of RESP2 and RESP3."""
    (call,) = calls((True, GET), (False, data))
    assert call.reply and (call.reply.kind, call.reply.text, call.reply.size_bytes, call.reply.count) == (
        kind,
        text,
        size,
        count,
    )


def test_a_large_value_is_counted_not_kept() -> None:
    """Only its beginning is."""
    (call,) = calls(
        (True, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\n" + b"x" * 100_000 + b"\r\n"), (False, b"+OK\r\n")
    )
    assert (call.size_bytes, len(call.words[2])) == (100_004, 1024)


def test_published_messages_are_no_replies() -> None:
    """RESP2: after a subscription they look like any array."""
    subscribe = b"*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n$1\r\nb\r\n"
    first = b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
    message = b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n"
    pong = (True, b"*1\r\n$4\r\nPING\r\n"), (False, b"+PONG\r\n")
    found = calls((True, subscribe), (False, first + first + message), *pong)
    assert [(c.name, c.reply.text if c.reply else None) for c in found] == [
        ("SUBSCRIBE", "subscribe a 1"),
        ("PING", "PONG"),
    ]


def test_the_capture(records_of: Callable[..., list[Any]]) -> None:
    """All that was asked has its reply. (tshark 4.0 has no fields of RESP commands to compare with.)"""
    found = records_of("redis", lambda o: RedisDialogue() if o.is_known or starts(o.data) else None)
    assert [call.name for call in found if not call.reply] == []
    names = [call.name for call in found if call.name not in ("AUTH", "HELLO")]
    # As captures/clients.py asked them; the last PING came inline, and redis-cli --pipe ends with an ECHO of its own making.
    expected = [
        "SET",
        "GET",
        "GET",
        "INCR",
        "HSET",
        "HGETALL",
        "SET",
        "INCR",
        "LRANGE",
        "PING",
        "PING",
        "SUBSCRIBE",
        "PUBLISH",
    ]
    assert sorted(name for name in names if name != "ECHO") == sorted(expected)
    errors = [call.reply.text.split()[0] for call in found if call.reply.kind == "-"]
    assert errors == ["ERR", "ERR"]


def command(*words: bytes) -> bytes:
    """As clients send it."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def test_replies_that_were_turned_off() -> None:
    """CLIENT REPLY: those commands have none, and the others theirs."""
    asked = command(b"CLIENT", b"REPLY", b"SKIP") + command(b"SET", b"a", b"1") + command(b"GET", b"a")
    off = command(b"client", b"reply", b"off") + command(b"INCR", b"a") + command(b"CLIENT", b"REPLY", b"ON")
    found = calls((True, asked), (False, b"$1\r\n1\r\n"), (True, off), (False, b"+OK\r\n"))
    assert [(call.words[0], call.reply.text if call.reply else None) for call in found] == [
        ("CLIENT", None), ("SET", None), ("GET", "1"), ("client", None), ("INCR", None), ("CLIENT", "OK")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        (b"PSYNC", b"+FULLRESYNC 8de1 1\r\n$3\r\nabc"),
        (b"SYNC", b"\n\n$3\r\nabc"),
        (b"PSYNC", b"+CONTINUE\r\n"),
        (b"SYNC", b"$EOF:ab\r\n"),
    ],
)
def test_nothing_is_read_after_replication_begins(name: bytes, answer: bytes) -> None:
    """The server sends its data, then commands; newlines come while it makes them."""
    dialogue = RedisDialogue()
    dialogue.feed(Turn(command(name), True, Moment(0)))
    (call,) = dialogue.feed(Turn(answer + GET, False, Moment(1)))
    assert call.reply and call.reply.text == answer.strip()[1:].partition(b"\r")[0].decode()
    assert dialogue.is_over


def test_a_refused_replication() -> None:
    """The connection goes on."""
    found = calls((True, command(b"SYNC")), (False, b"-ERR no\r\n"), (True, GET), (False, b"$1\r\nv\r\n"))
    assert [(call.name, call.reply and call.reply.text) for call in found] == [("SYNC", "ERR no"), ("GET", "v")]


@pytest.mark.parametrize(("reply", "told"), [(b"+PONG\r\n", ["PONG"]), (b"END\r\n", []), (b"", [])])
def test_a_line_is_redis_if_the_reply_says_so(reply: bytes, told: list[str]) -> None:
    """memcached has some of the same words."""
    assert starts_inline(b"get k\r\n") and not starts_inline(b"USER a\r\n")
    dialogue = RedisDialogue(is_sure=False)
    found = dialogue.feed(Turn(b"get k\r\n", True, Moment(0)))
    found += (dialogue.feed(Turn(reply, False, Moment(1))) if reply else []) + dialogue.end()
    assert [call.reply.text for call in found if call.reply] == told
    assert len(found) == len(told)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'SET k "a b"', ("SET", "k", "a b")),
        (b"  SET\tk 'it\\'s \\n'  ", ("SET", "k", "it's \\n")),
        (rb'SET k "\"a\" \x41\n\q"', ("SET", "k", '"a" A\nq')),
        (b'SET k a"b c"', ("SET", "k", "ab c")),
        (b'SET k ""', ("SET", "k", "")),
        (b'SET k  "a', ("SET", "k", '"a')),
        (b'SET k "a"b', ("SET", "k", '"a"b')),
        (b"SET k 'a", ("SET", "k", "'a")),
    ],
)
def test_quotes_of_inline_commands(line: bytes, words: tuple[str, ...]) -> None:
    """As Redis reads them; where it would refuse them, words are what blanks part."""
    assert [call.words for call in calls((True, line + b"\r\n"))] == [words]


def test_replies_turned_off_by_an_inline_command() -> None:
    """It is Redis, though no reply says so."""
    dialogue = RedisDialogue(is_sure=False)
    found = dialogue.feed(Turn(b"CLIENT REPLY OFF\r\nSET a 1\r\n", True, Moment(0)))
    assert [call.words[0] for call in found] == ["CLIENT", "SET"]


def test_a_password_sent_inline() -> None:
    """A connection may begin with it; what is SASL's is another protocol's."""
    assert starts_inline(b"AUTH secret\r\n") and starts_inline(b"auth alice secret\r\n")
    for line in (b"AUTH PLAIN AGEAYg==\r\n", b"AUTH LOGIN\r\n", b"AUTH NTLM\r\n", b"AUTH CRAM-MD5\r\n", b"AUTH\r\n"):
        assert not starts_inline(line)


@pytest.mark.parametrize(
    "reply", [b":irc.example PONG irc.example\r\n", b"+\x02\x11\r\n", b"#x\r\n", b"_x\r\n", b",x\r\n"]
)
def test_a_line_that_another_protocol_has_too(reply: bytes) -> None:
    """PING is IRC's as well: what is no value of Redis does not confirm it."""
    dialogue = RedisDialogue(is_sure=False)
    found = dialogue.feed(Turn(b"PING irc.example\r\n", True, Moment(0))) + dialogue.feed(Turn(reply, False, Moment(0)))
    assert found + dialogue.end() == []


def test_a_request_of_http_is_no_inline_command() -> None:
    """Whatever the bytes of its response begin with."""
    assert not starts_inline(b"GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n")


def test_a_command_whose_end_was_lost_has_its_reply() -> None:
    """That it was lost shows only when the client goes on; the replies after it are the next commands'."""
    dialogue = RedisDialogue()
    found = dialogue.feed(Turn(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$6\r\nabc", True, Moment(1)))
    found += dialogue.feed(Turn(b"+OK\r\n", False, Moment(2)))
    assert found == []
    found += dialogue.feed(Turn(b"\r\n" + GET, True, Moment(3), ((0, 3),)))
    found += dialogue.feed(Turn(b"$1\r\nv\r\n", False, Moment(4)))
    assert [(call.name, call.latency_ns, call.reply and call.reply.text) for call in found] == [
        ("SET", 1, "OK"),
        ("GET", 1, "v"),
    ]


def test_a_reply_to_a_command_of_which_too_much_was_lost() -> None:
    """It is told alone."""
    dialogue = RedisDialogue()
    dialogue.feed(Turn(b"*3\r\n$3\r\nSET\r\n$", True, Moment(1)))
    dialogue.feed(Turn(b"+OK\r\n", False, Moment(2)))
    found = dialogue.feed(Turn(GET, True, Moment(3), ((0, 30),))) + dialogue.feed(
        Turn(b"$1\r\nv\r\n", False, Moment(4))
    )
    assert [(call.name, call.reply and call.reply.text) for call in found] == [("", "OK"), ("GET", "v")]


def test_a_subscription_that_was_not_captured() -> None:
    """The reply to it is not taken for that of the next one."""
    psubscribe = b"*2\r\n$10\r\nPSUBSCRIBE\r\n$2\r\np*\r\n"
    reply = b"*3\r\n$%d\r\n%s\r\n$2\r\n%s\r\n:1\r\n"
    found = calls((True, psubscribe), (False, reply % (9, b"subscribe", b"c1") + reply % (10, b"psubscribe", b"p*")))
    assert [(call.name, call.reply and call.reply.text) for call in found] == [("PSUBSCRIBE", "psubscribe p* 1")]


def test_requests_lost_amid_others() -> None:
    """Those behind the hole are not given the answers of those in it; what is asked later has its own."""
    dialogue = RedisDialogue()
    found = dialogue.feed(Turn(GET + GET, True, Moment(0), ((len(GET), len(GET)),)))
    found += dialogue.feed(Turn(b"".join(b"$1\r\n%d\r\n" % number for number in (1, 2, 3)), False, Moment(0)))
    found += dialogue.feed(Turn(GET, True, Moment(0))) + dialogue.feed(Turn(b"$1\r\n4\r\n", False, Moment(0)))
    assert [(call.name, call.reply and call.reply.text) for call in found] == [
        ("GET", None),
        ("GET", "1"),
        ("", "2"),
        ("", "3"),
        ("GET", "4"),
    ]

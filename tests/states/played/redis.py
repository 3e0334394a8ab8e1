"""Redis."""

from __future__ import annotations

from typing import Any

from pcapdig.protocols.redis import RedisDialogue
from played.scenario import Scenario

new = RedisDialogue


def summary(record: Any) -> tuple[str, str]:
    """`GET k`, `v`."""
    return " ".join(record.words), record.reply.text if record.reply else "-"


def c(words: bytes) -> tuple[str, bytes]:
    """A command."""
    parts = words.split()
    return "c", b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


def s(*values: bytes) -> tuple[str, bytes]:
    """What the server says, a line each."""
    return "s", b"".join(value + b"\r\n" for value in values)


def array(*words: bytes, kind: bytes = b"*") -> bytes:
    """An array of strings, without its last newline; a number stays one."""
    parts = [b":" + word if word.isdigit() else b"$%d\r\n%b" % (len(word), word) for word in words]
    return kind + b"%d\r\n" % len(parts) + b"\r\n".join(parts)


def bulk(word: bytes) -> bytes:
    """A string."""
    return b"$%d\r\n%b" % (len(word), word)


LINE = b'+1733939274.692107 [0 192.0.2.1:51014] "get" "a"'
AFTER = (
    c(b"GET k"),
    s(bulk(b"v1")),
    c(b"LRANGE l 0 -1"),
    s(array(b"message", b"a", b"b")),
    c(b"GET m"),
    s(bulk(b"v2")),
)
AFTERWARDS = ("GET k = v1", "LRANGE l 0 -1 = message a b", "GET m = v2")
MONITOR = (c(b"MONITOR"), s(b"+OK", LINE, LINE), s(LINE))
SUBSCRIBE = (
    c(b"SUBSCRIBE a b"),
    s(array(b"subscribe", b"a", b"1"), array(b"subscribe", b"b", b"2"), array(b"message", b"a", b"x")),
)
MESSAGE = array(b"message", b"a", b"hello")

SCENARIOS = (
    Scenario(
        "monitor",
        "RESET",
        (*MONITOR, c(b"RESET"), s(LINE, b"+RESET"), *AFTER),
        ("MONITOR = OK", "RESET = RESET", *AFTERWARDS),
    ),
    Scenario("monitor", "RESET", (c(b"MONITOR"), s(b"-NOPERM no"), *AFTER), ("MONITOR = NOPERM no", *AFTERWARDS)),
    Scenario(
        "monitor",
        "RESET",
        (
            *MONITOR,
            c(b"PING"),
            s(LINE, b"+PONG", LINE),
            c(b"GET k"),
            s(b"-ERR Replica can't interact with the keyspace"),
        ),
        ("MONITOR = OK", "PING = PONG", "GET k = ERR Replica can't interact with the keyspace"),
    ),
    Scenario("monitor", "QUIT", (*MONITOR, c(b"QUIT"), s(LINE, b"+OK")), ("MONITOR = OK", "QUIT = OK")),
    Scenario(
        "subscription",
        "UNSUBSCRIBE down to count 0",
        (
            *SUBSCRIBE,
            c(b"UNSUBSCRIBE a"),
            s(array(b"unsubscribe", b"a", b"1"), array(b"message", b"b", b"x")),
            c(b"PING"),
            s(array(b"pong", b"")),
            s(MESSAGE),
            c(b"UNSUBSCRIBE b"),
            s(MESSAGE, array(b"unsubscribe", b"b", b"0")),
            *AFTER,
        ),
        (
            "SUBSCRIBE a b = subscribe a 1",
            "UNSUBSCRIBE a = unsubscribe a 1",
            "PING = pong ",
            "UNSUBSCRIBE b = unsubscribe b 0",
            *AFTERWARDS,
        ),
    ),
    Scenario(
        "subscription",
        "UNSUBSCRIBE down to count 0",
        (
            *SUBSCRIBE,
            c(b"UNSUBSCRIBE"),
            s(array(b"unsubscribe", b"a", b"1"), MESSAGE, array(b"unsubscribe", b"b", b"0")),
            *AFTER,
        ),
        ("SUBSCRIBE a b = subscribe a 1", "UNSUBSCRIBE = unsubscribe a 1", *AFTERWARDS),
    ),
    Scenario(
        "subscription",
        "UNSUBSCRIBE down to count 0",
        (
            c(b"SUBSCRIBE a"),
            s(array(b"subscribe", b"a", b"1")),
            ("c", c(b"UNSUBSCRIBE")[1] + AFTER[2][1]),
            s(array(b"unsubscribe", b"a", b"0"), AFTER[3][1][:-2]),
            *AFTER[4:],
        ),
        ("SUBSCRIBE a = subscribe a 1", "UNSUBSCRIBE = unsubscribe a 0", *AFTERWARDS[1:]),
    ),
    Scenario(
        "subscription",
        "PUNSUBSCRIBE down to count 0",
        (
            c(b"PSUBSCRIBE p* q*"),
            s(
                array(b"psubscribe", b"p*", b"1"),
                array(b"psubscribe", b"q*", b"2"),
                array(b"pmessage", b"p*", b"p1", b"x"),
            ),
            c(b"SUBSCRIBE a"),
            s(array(b"subscribe", b"a", b"3")),
            c(b"PUNSUBSCRIBE"),
            s(array(b"punsubscribe", b"p*", b"2"), array(b"punsubscribe", b"q*", b"1"), MESSAGE),
            c(b"UNSUBSCRIBE"),
            s(array(b"unsubscribe", b"a", b"0")),
            *AFTER,
        ),
        (
            "PSUBSCRIBE p* q* = psubscribe p* 1",
            "SUBSCRIBE a = subscribe a 3",
            "PUNSUBSCRIBE = punsubscribe p* 2",
            "UNSUBSCRIBE = unsubscribe a 0",
            *AFTERWARDS,
        ),
    ),
    Scenario(
        "subscription",
        "SUNSUBSCRIBE down to count 0",
        (
            c(b"SSUBSCRIBE a"),
            s(array(b"ssubscribe", b"a", b"1"), array(b"smessage", b"a", b"x")),
            c(b"SUBSCRIBE b"),
            s(array(b"subscribe", b"b", b"1")),
            c(b"SUNSUBSCRIBE"),
            s(array(b"sunsubscribe", b"a", b"0"), MESSAGE),
            c(b"UNSUBSCRIBE b"),
            s(array(b"unsubscribe", b"b", b"0")),
            *AFTER,
        ),
        (
            "SSUBSCRIBE a = ssubscribe a 1",
            "SUBSCRIBE b = subscribe b 1",
            "SUNSUBSCRIBE = sunsubscribe a 0",
            "UNSUBSCRIBE b = unsubscribe b 0",
            *AFTERWARDS,
        ),
    ),
    Scenario(
        "subscription",
        "RESET",
        (*SUBSCRIBE, c(b"RESET"), s(MESSAGE, b"+RESET"), *AFTER),
        ("SUBSCRIBE a b = subscribe a 1", "RESET = RESET", *AFTERWARDS),
    ),
    Scenario(
        "subscription",
        "QUIT",
        (*SUBSCRIBE, c(b"QUIT"), s(MESSAGE, b"+OK")),
        ("SUBSCRIBE a b = subscribe a 1", "QUIT = OK"),
    ),
    Scenario(
        "subscription",
        "QUIT",
        (*SUBSCRIBE, c(b"GET z"), s(b"-ERR Can't execute 'get'", MESSAGE)),
        ("SUBSCRIBE a b = subscribe a 1", "GET z = ERR Can't execute 'get'"),
    ),
    Scenario(
        "confirmations",
        "as many as the command named, or were subscribed",
        (
            ("c", c(b"SUBSCRIBE a b")[1] + c(b"SUBSCRIBE d")[1]),
            s(
                array(b"subscribe", b"a", b"1"),
                array(b"subscribe", b"b", b"2"),
                array(b"subscribe", b"d", b"3"),
                MESSAGE,
            ),
        ),
        ("SUBSCRIBE a b = subscribe a 1", "SUBSCRIBE d = subscribe d 3"),
    ),
    Scenario(
        "confirmations",
        "as many as the command named, or were subscribed",
        (c(b"UNSUBSCRIBE"), s(b"*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0"), *AFTER),
        ("UNSUBSCRIBE = unsubscribe  0", *AFTERWARDS),
    ),
    Scenario(
        "confirmations",
        "any other answer",
        (
            c(b"SUBSCRIBE a b"),
            s(array(b"subscribe", b"a", b"1")),
            c(b"RESET"),
            s(b"+RESET"),
            c(b"SUBSCRIBE c"),
            s(array(b"subscribe", b"c", b"1")),
        ),
        ("SUBSCRIBE a b = subscribe a 1", "RESET = RESET", "SUBSCRIBE c = subscribe c 1"),
    ),
    Scenario(
        "replies off",
        "CLIENT REPLY ON",
        (
            c(b"CLIENT REPLY OFF"),
            c(b"SET a 1"),
            c(b"CLIENT REPLY SKIP"),
            c(b"GET zz"),
            c(b"GET yy"),
            c(b"CLIENT REPLY ON"),
            s(b"+OK"),
            *AFTER,
        ),
        (
            "CLIENT REPLY OFF = -",
            "SET a 1 = -",
            "CLIENT REPLY SKIP = -",
            "GET zz = -",
            "GET yy = -",
            "CLIENT REPLY ON = OK",
            *AFTERWARDS,
        ),
        survives_loss=False,
    ),
    Scenario(
        "replies off",
        "CLIENT REPLY ON",
        (c(b"MULTI"), s(b"+OK"), c(b"CLIENT REPLY OFF"), s(b"+QUEUED"), c(b"DISCARD"), s(b"+OK"), *AFTER),
        ("MULTI = OK", "CLIENT REPLY OFF = QUEUED", "DISCARD = OK", *AFTERWARDS),
        survives_loss=False,
    ),
    Scenario(
        "replies off",
        "RESET",
        (c(b"CLIENT REPLY OFF"), c(b"SET a 1"), c(b"RESET"), s(b"+RESET"), *AFTER),
        ("CLIENT REPLY OFF = -", "SET a 1 = -", "RESET = RESET", *AFTERWARDS),
        survives_loss=False,
    ),
    Scenario(
        "reply skipped",
        "the next command",
        (c(b"CLIENT REPLY SKIP"), c(b"SET a 1"), *AFTER),
        ("CLIENT REPLY SKIP = -", "SET a 1 = -", *AFTERWARDS),
        survives_loss=False,
    ),
    Scenario(
        "reply skipped",
        "RESET",
        (c(b"CLIENT REPLY SKIP"), c(b"RESET"), s(b"+RESET"), *AFTER),
        ("CLIENT REPLY SKIP = -", "RESET = RESET", *AFTERWARDS),
        survives_loss=False,
    ),
    Scenario(
        "transaction",
        "EXEC",
        (
            c(b"MULTI"),
            s(b"+OK"),
            c(b"SUBSCRIBE a"),
            s(b"+QUEUED"),
            c(b"EXEC"),
            s(b"*1\r\n" + array(b"subscribe", b"a", b"1"), MESSAGE),
            c(b"UNSUBSCRIBE"),
            s(array(b"unsubscribe", b"a", b"0")),
            *AFTER,
        ),
        ("MULTI = OK", "SUBSCRIBE a = QUEUED", "EXEC = subscribe a 1", "UNSUBSCRIBE = unsubscribe a 0", *AFTERWARDS),
    ),
    Scenario(
        "transaction",
        "EXEC",
        (
            c(b"MULTI"),
            s(b"+OK"),
            c(b"MONITOR"),
            s(b"+QUEUED"),
            c(b"EXEC"),
            s(b"*1\r\n+OK", LINE),
            c(b"RESET"),
            s(b"+RESET"),
            *AFTER,
        ),
        ("MULTI = OK", "MONITOR = QUEUED", "EXEC = OK", "RESET = RESET", *AFTERWARDS),
    ),
    Scenario(
        "transaction",
        "DISCARD",
        (c(b"MULTI"), s(b"+OK"), c(b"SUBSCRIBE a"), s(b"+QUEUED"), c(b"DISCARD"), s(b"+OK"), *AFTER),
        ("MULTI = OK", "SUBSCRIBE a = QUEUED", "DISCARD = OK", *AFTERWARDS),
    ),
    Scenario(
        "transaction",
        "RESET",
        (c(b"MULTI"), s(b"+OK"), c(b"MONITOR"), s(b"+QUEUED"), c(b"RESET"), s(b"+RESET"), *AFTER),
        ("MULTI = OK", "MONITOR = QUEUED", "RESET = RESET", *AFTERWARDS),
    ),
    Scenario(
        "RESP3",
        "HELLO 2",
        (
            c(b"HELLO 3"),
            s(b"%1\r\n+proto\r\n:3"),
            c(b"SUBSCRIBE a"),
            s(array(b"subscribe", b"a", b"1", kind=b">"), array(b"message", b"a", b"x", kind=b">")),
            *AFTER,
            s(array(b"message", b"a", b"y", kind=b">"), array(b"invalidate", b"k", kind=b">")),
            c(b"HELLO 2"),
            s(array(b"proto", b"2")),
            s(MESSAGE),
            c(b"UNSUBSCRIBE a"),
            s(array(b"unsubscribe", b"a", b"0")),
            *AFTER,
        ),
        (
            "HELLO 3 = proto 3",
            "SUBSCRIBE a = subscribe a 1",
            *AFTERWARDS,
            "HELLO 2 = proto 2",
            "UNSUBSCRIBE a = unsubscribe a 0",
            *AFTERWARDS,
        ),
    ),
    Scenario(
        "RESP3",
        "RESET",
        (
            c(b"HELLO 3"),
            s(b"%1\r\n+proto\r\n:3"),
            c(b"SUBSCRIBE a"),
            s(array(b"subscribe", b"a", b"1", kind=b">")),
            c(b"RESET"),
            s(b"+RESET"),
            *AFTER,
        ),
        ("HELLO 3 = proto 3", "SUBSCRIBE a = subscribe a 1", "RESET = RESET", *AFTERWARDS),
    ),
    Scenario(
        "replication",
        "connection closes",
        (
            c(b"PING"),
            s(b"+PONG"),
            c(b"PSYNC ? -1"),
            s(b"+FULLRESYNC 8de1 1", b"$3", b"abc" + c(b"SET k v")[1]),
            c(b"REPLCONF ACK 1"),
            s(c(b"SET k w")[1]),
        ),
        ("PING = PONG", "PSYNC ? -1 = FULLRESYNC 8de1 1"),
    ),
)

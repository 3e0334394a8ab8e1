"""memcached, the text protocol."""

from __future__ import annotations

from typing import Any

from pcapdig.protocols.memcached import MemcachedDialogue
from played.scenario import Scenario

new = MemcachedDialogue


def summary(record: Any) -> tuple[str, str]:
    """`get k`, `END 3`."""
    asked = " ".join((record.command, *record.keys)) or "-"
    return asked, " ".join((record.status, *(str(size) for _, size in record.values))) or "-"


AFTER = (("c", b"get k\r\n"), ("s", b"VALUE k 0 7\r\nkkkkkkk\r\nEND\r\n"), ("c", b"incr n 1\r\n"), ("s", b"88\r\n"))
AFTERWARDS = ("get k = END 7", "incr n = 88")

SCENARIOS = (
    Scenario(
        "data block",
        "its length, and an end of line",
        (("c", b"set a 0 0 7\r\nget b\r\n\r\nget c\r\n"), ("s", b"STORED\r\nEND\r\n"), *AFTER),
        ("set a = STORED", "get c = END", *AFTERWARDS),
    ),
    Scenario(
        "data block",
        "its length, and an end of line",
        (("c", b"set a 0 0 9\r\n123456789\r\n"), ("s", b"SERVER_ERROR object too large for cache\r\n"), *AFTER),
        ("set a = SERVER_ERROR", *AFTERWARDS),
    ),
    Scenario(
        "data block",
        "more bytes: CLIENT_ERROR",
        (
            ("c", b"set a 0 0 3\r\nabcd\r\n" + AFTER[0][1]),
            ("s", b"CLIENT_ERROR bad data chunk\r\nERROR\r\n" + AFTER[1][1]),
            *AFTER[2:],
        ),
        ("set a = CLIENT_ERROR", *AFTERWARDS),
    ),
    Scenario(
        "data block",
        "more bytes: CLIENT_ERROR",
        (("c", b"ms a 3\r\nabcdefgh\r\n"), ("s", b"CLIENT_ERROR bad data chunk\r\nERROR\r\n"), *AFTER),
        ("ms a = CLIENT_ERROR", *AFTERWARDS),
    ),
    Scenario(
        "values",
        "END",
        (
            ("c", b"get a b\r\nstats\r\n"),
            ("s", b"VALUE a 0 4\r\nEND\n\r\nVALUE b 0 2\r\nbb\r\nEND\r\nSTAT pid 1\r\nEND\r\n"),
            *AFTER,
        ),
        ("get a b = END 4 2", "stats = END", *AFTERWARDS),
    ),
    Scenario("values", "EN", (("c", b"mg a v\r\n"), ("s", b"EN\r\n"), *AFTER), ("mg a = EN", *AFTERWARDS)),
    Scenario(
        "values",
        "the bytes of VA",
        (("c", b"mg a v\r\n"), ("s", b"VA 4 x\r\nEN\r\n\r\n"), *AFTER),
        ("mg a = VA 4", *AFTERWARDS),
    ),
    Scenario(
        "quiet",
        "the next command",
        (("c", b"set a 0 0 1 noreply\r\n1\r\ndelete b noreply\r\n" + AFTER[0][1]), *AFTER[1:]),
        ("set a = -", "delete b = -", *AFTERWARDS),
    ),
    Scenario(
        "quiet",
        "mn, answered MN",
        (("c", b"mg a v q\r\nmd b q\r\nmn\r\n"), ("s", b"VA 1\r\nx\r\nMN\r\n"), *AFTER),
        ("mg a = -", "md b = -", "mn = MN", *AFTERWARDS),
    ),
    Scenario(
        "dump",
        "END",
        (("c", b"lru_crawler metadump all\r\n"), ("s", b"key=a exp=-1 la=1\r\nkey=b exp=-1 la=1\r\nEND\r\n"), *AFTER),
        ("lru_crawler = END", *AFTERWARDS),
    ),
    Scenario(
        "dump",
        "EN",
        (("c", b"lru_crawler mgdump all\r\n"), ("s", b"mg a\r\nmg b\r\nEN\r\n"), *AFTER),
        ("lru_crawler = EN", *AFTERWARDS),
    ),
    Scenario(
        "dump",
        "BUSY",
        (("c", b"lru_crawler metadump all\r\n"), ("s", b"BUSY currently processing crawler request\r\n"), *AFTER),
        ("lru_crawler = BUSY", *AFTERWARDS),
    ),
    Scenario(
        "watch",
        "connection closes",
        (("c", b"watch fetchers\r\n"), ("s", b"OK\r\nts=1.0 gid=1 type=item_get key=a\r\n"), *AFTER),
        ("watch = OK",),
        survives_loss=False,
    ),
    Scenario(
        "watch",
        "connection closes",
        (("c", b"watch fetchers\r\n"), ("s", b"ERROR\r\n"), *AFTER),
        ("watch = ERROR", *AFTERWARDS),
    ),
    Scenario("over", "connection closes", (*AFTER, ("c", b"quit\r\n")), (*AFTERWARDS, "quit = -")),
)

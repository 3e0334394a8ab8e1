"""What a user types: filters and their evaluation, -p formats, and whole command lines with chisels' arguments."""

from __future__ import annotations

import io
import json

import numpy as np

from pcapdig.cli.book import Book
from pcapdig.cli.digging import make_plan
from pcapdig.cli.scanner import scan
from pcapdig.cli.settings import settle
from pcapdig.dig.digger import Digger
from pcapdig.errors import UsageError
from pcapdig.filters import FilterError, FormatError, compile_filter
from pcapdig.filters.catalogue import FIELDS
from pcapdig.filters.format import compile_format
from pcapdig.procs.process import Process
from pcapdig.trace.columns import Interface, Messages, Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import Rows, rows_of
from targets.captures import DIGS, FILTERS
from targets.target import Target

OPERATORS = (
    *(
        "=",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "contains",
        "icontains",
        "bcontains",
        "startswith",
        "bstartswith",
        "endswith",
        "glob",
        "iglob",
    ),
    *("regex", "in", "intersects", "pmatch", "exists", "and", "or", "not"),
)
EXAMPLES = (
    *("proc.name=httpd and evt.buffer contains form", "not (fd.port in (80, 443)) or fd.net=10.0.0.0/8", "fd.cip=10.0.0.1 and fd.sip != ::1"),
    *("evt.buffer bcontains 47 45", "evt.buffer regex '^GET [^ ]+'", "proc.name glob h*d", "proc.cmdline pmatch (/usr/bin, /bin)", "evt.num >= 2"),
    *("fd.name startswith 10.0 and proc.pid < 10", "evt.is_io_read=true", "evt.around[1000]=5", "user.name in (root, 'a b')", "fd.lip exists"),
    *("container.id=host or not proc.name exists", "evt.rawtime > 5", "evt.buffer intersects (a, b)", 'proc.name icontains "HTTP"', "fd.type=ipv4"),
)  # fmt: skip


def tables() -> Tables:
    """Flows and processes of several kinds."""
    records = [
        FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=4000, server_port=80),
        FlowRecord(client="::1", server="fe80::1", client_port=80, server_port=443, protocol=17),
        FlowRecord(client="1.1.1.1", server="1.1.1.1", protocol=1),
    ]
    processes = [
        Process(name="httpd", pid=1, uid=33, cmdline="/usr/sbin/httpd -k"),
        Process(name="é", pid=2, container_id="host"),
        Process(name="x", pid=3, uid=0, user="root"),
    ]
    return Tables(
        flows=Flows.from_records(records), processes=processes, interfaces=[Interface(name="lo"), Interface()]
    )


def some_rows() -> tuple[Rows, Rows, Rows]:
    """No row; packets; messages."""
    known = tables()
    payloads = [b"", b"GET /form HTTP/1.0", b"\0\xff\r\n", b"a", b"x" * 300, b""]
    columns = {
        "flow": [0, 0, 1, -1, 2, 0],
        "forward": [True, False, True, True, False, True],
        "writer": [0, 1, -1, -1, 2, -1],
        "reader": [-1, 0, 2, -1, -1, -1],
        "interface": [0, 1, 0, 1, 0, 1],
        "time_ns": [0, 1, 10**9, 2 * 10**18, -5, 7],
    }
    flags = [2, 24, 0, 0, 0, 20]
    packets = rows_of(Packets.from_payloads(known, payloads, tcp_flags=flags, **columns))
    gaps: list[tuple[tuple[int, int], ...]] = [((0, 5),), (), ((1, 2), (2, 1)), (), (), ()]
    messages = Messages.from_buffers(known, payloads, number=np.arange(1, 7), gaps=gaps, **columns)
    return rows_of(Packets.from_payloads(known, [])), packets, rows_of(messages)


EMPTY, PACKETS, MESSAGES = some_rows()


def run_filter(data: bytes) -> None:
    """FilterError with a place, or a mask; `not` is the complement; what passes as a packet is a candidate."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        compiled = compile_filter(text)
    except FilterError as refusal:
        assert 1 <= refusal.column <= len(text) + 1
        assert len(str(refusal).splitlines()) == 1
        shown, caret = refusal.detail.split("\n")
        assert (len(shown), caret) == (len(text), " " * (refusal.column - 1) + "^")
        return
    if "regex" in text and sum(map(text.count, "*+?{")) > 1:
        return  # Python's matcher tries all ways to part a text, and which expression is run is the user's choice
    for rows in (EMPTY, PACKETS, MESSAGES):
        passing = compiled.mask(rows)
        assert (passing.dtype, len(passing)) == (np.bool_, len(rows))
        if rows is not MESSAGES:
            assert not (passing & ~compiled.candidates(rows)).any()
        halves = [
            compile_filter(text).mask(rows.select(slice(a, b))).tolist()
            for a, b in ((0, len(rows) // 2), (len(rows) // 2, len(rows)))
        ]
        assert halves[0] + halves[1] == passing.tolist()
        if text.strip(" \t\r\n\f\v"):
            try:
                negated = compile_filter(f"not ({text})")
            except FilterError as refusal:
                # A filter may nest or be as long as is allowed.
                assert "nest" in str(refusal) or "long" in str(refusal) or "deep" in str(refusal), refusal
                continue
            assert (negated.mask(rows) ^ passing).all()


def run_format(data: bytes) -> None:
    """FormatError on one line, or lines and JSON of any row."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        compiled = compile_format(text)
    except FormatError as refusal:
        assert len(str(refusal).splitlines()) == 1
        return
    for rows in (PACKETS, MESSAGES):
        for i in range(len(rows)):
            line, value = compiled.line(rows, i), compiled.json(rows, i)
            assert line is None or isinstance(line, str)
            assert value is None or isinstance(json.loads(value), dict)


def run_command(data: bytes) -> None:
    """A command line is understood as far as a plan, or refused on one line; a lone filter on the rows is not run here."""
    # No word of a command line holds a NUL: it ends the word.
    words = [word.partition(b"\0")[0].decode("utf-8", "surrogateescape") for word in data.split(b"\n")]
    try:
        settings = settle(scan(words, Book([])))
        plan = make_plan(settings, io.StringIO())
        Digger(tables(), plan, lambda text: None)
    except UsageError as refusal:
        # cli/entry.py makes other characters of what was typed visible; a line end of ours would be a mistake.
        assert "\n" not in str(refusal).replace("\n".join(words), "") or any("\n" in word for word in words)


def joined(*words: str) -> bytes:
    """Words of a command line as an input has them."""
    return "\n".join(words).encode()


def command_seeds() -> list[bytes]:
    """Every dig, and what else stands on a command line."""
    found = [joined(*words, "-r", "x.pcapng") for words in DIGS]
    found += [
        joined("-r", "x", "-c", "spy_ip", "10.0.0.1", "-w", "y", "-z", "-n", "5", filtered) for filtered in FILTERS
    ]
    found += [
        joined("-cl"),
        joined("-i", "spy_ip"),
        joined("-l", "-v"),
        joined("-w", "x", "-s", "100", "--interface", "lo", "-f", "tcp"),
        joined("--", "-x"),
    ]
    return found + [joined("-r", "x", *example.split()) for example in EXAMPLES]


WORDS = tuple(
    word.encode() for word in (*OPERATORS, *FIELDS, "(", ")", ",", '"', "'", "\\x0d", "10.0.0.0/8", "::1", "[1]")
)

TARGETS = (
    Target(
        name="filter",
        run=run_filter,
        seeds=lambda: [example.encode() for example in EXAMPLES],
        words=WORDS,
        longest=600,
    ),
    Target(
        name="format",
        run=run_format,
        seeds=lambda: [
            b"%evt.num %proc.name",
            b"*%-20fd.name %evt.arg.data",
            *(b"%" + name.encode() for name in FIELDS),
        ],
        words=(b"%", b"*", *(b"%" + name.encode() for name in FIELDS)),
        longest=300,
    ),
    Target(
        name="command",
        run=run_command,
        seeds=command_seeds,
        words=(
            *WORDS,
            *(word.encode() + b"\n" for line in DIGS for word in line),
            b"\n--",
            b"\n-c\n",
            b"--chisel",
            b"`",
            b"'",
        ),
        longest=400,
    ),
)

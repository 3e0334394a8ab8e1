"""Random filters over random packets, against a second evaluator that looks at one row at a time and knows no columns."""

from __future__ import annotations

import ipaddress
from itertools import groupby
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pcapdig.filters import compile_filter
from pcapdig.filters.catalogue import FIELDS
from pcapdig.procs.process import Process
from pcapdig.trace.columns import Interface, Messages, Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import Rows, rows_of

Tree = tuple[Any, ...]
"""("not", tree), ("and" | "or", trees) or ("is", field, operator, value or values)."""

VALUES = {
    "proc.name": ["httpd", "curl", "x"],
    "proc.pid": ["1", "2"],
    "user.uid": ["0", "33"],
    "fd.type": ["ipv4", "ipv6"],
    "fd.ip": ["1.1.1.1", "2.2.2.2", "::1"],
    "fd.lip": ["1.1.1.1", "2.2.2.2", "::1"],
    "fd.port": ["80", "1000"],
    "fd.rport": ["80", "1000"],
    "fd.net": ["1.0.0.0/8", "0.0.0.0/0", "::/0"],
    "evt.num": ["1", "3"],
    "evt.type": ["read", "write", "connect", "accept", "close", "reset", "control", "packet"],
    "evt.is_io_read": ["true", "false"],
    "evt.buffer": ["a", "ab", "b"],
    "evt.buflen": ["0", "1", "3"],
    "evt.interface": ["lo", "eth0"],
}
NUMERIC = ("proc.pid", "user.uid", "fd.port", "fd.rport", "evt.num", "evt.buflen")
EITHER = {"fd.ip": ("fd.cip", "fd.sip"), "fd.port": ("fd.cport", "fd.sport"), "fd.net": ("fd.cip", "fd.sip")}

CHECKS = st.sampled_from(sorted(VALUES)).flatmap(
    lambda name: st.one_of(
        st.tuples(st.just("is"), st.just(name), st.just("exists"), st.just("")),
        st.tuples(st.just("is"), st.just(name), st.sampled_from(["=", "!="]), st.sampled_from(VALUES[name])),
        st.tuples(st.just("is"), st.just(name), st.just("in"), st.lists(st.sampled_from(VALUES[name]), max_size=2)),
        *(
            [st.tuples(st.just("is"), st.just(name), st.sampled_from("<>"), st.sampled_from(VALUES[name]))]
            if name in NUMERIC
            else []
        ),
        *(
            [st.tuples(st.just("is"), st.just(name), st.just("contains"), st.sampled_from(VALUES[name]))]
            if name in ("proc.name", "evt.buffer")
            else []
        ),
    )
)
TREES = st.recursive(
    CHECKS,
    lambda trees: st.one_of(
        st.tuples(st.just("not"), trees),
        st.tuples(st.sampled_from(["and", "or"]), st.lists(trees, min_size=1, max_size=3)),
    ),
    max_leaves=6,
)


def written(tree: Tree) -> str:
    """The filter as text, in brackets."""
    match tree:
        case ("not", part):
            return f"not ({written(part)})"
        case ("is", name, "exists", _):
            return f"{name} exists"
        case ("is", name, "in", listed):
            return f"{name} in ({', '.join(listed)})"
        case ("is", name, operator, value):
            return f"{name} {operator} {value}"
        case (join, parts):
            return "(" + f" {join} ".join(f"({written(part)})" for part in parts) + ")"
    raise AssertionError(tree)


def passes(tree: Tree, rows: Rows, i: int) -> bool:
    """The second evaluator."""
    match tree:
        case ("not", part):
            return not passes(part, rows, i)
        case ("and", parts):
            return all(passes(part, rows, i) for part in parts)
        case ("or", parts):
            return any(passes(part, rows, i) for part in parts)
    _, name, operator, value = tree
    names = EITHER.get(name, (name,))
    verdicts = [compare(name, FIELDS[each].value(rows, i), operator, value) for each in names]
    return all(verdicts) if operator == "!=" else any(verdicts)


def compare(name: str, value: Any, operator: str, wanted: str | list[str]) -> bool:
    """One value, by Python's own operators."""
    if value is None:
        return False
    if operator == "exists":
        return True
    if isinstance(wanted, list):
        return any(compare(name, value, "=", each) for each in wanted)
    if operator == "!=":
        return not compare(name, value, "=", wanted)
    if name == "fd.net":
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted)
    other: Any = wanted
    if isinstance(value, bool):
        other = wanted == "true"
    elif isinstance(value, int):
        other = int(wanted)
    elif isinstance(value, bytes):
        other = wanted.encode()
    found = {"=": lambda: value == other, "<": lambda: value < other, ">": lambda: value > other}
    return bool(found[operator]()) if operator in found else other in value


@st.composite
def packets(draw: st.DrawFn) -> Packets:
    """Up to eight packets of four flows and three processes; a process reads and writes one flow at one end all along."""
    tables = Tables(
        flows=Flows.from_records(
            [
                FlowRecord(client="1.1.1.1", server="2.2.2.2", client_port=1000, server_port=80),
                FlowRecord(client="::1", server="::1", client_port=80, server_port=1000),
                FlowRecord(client="1.1.1.1", server="1.1.1.1", protocol=1),
            ]
        ),
        processes=[Process(name="httpd", pid=1, uid=33), Process(name="curl", pid=2), Process(name="x", pid=3, uid=0)],
        interfaces=[Interface(name="lo"), Interface()],
    )
    count = draw(st.integers(0, 8))
    clients = draw(st.lists(st.integers(-1, 2), min_size=3, max_size=3))
    servers = draw(st.lists(st.integers(-1, 2), min_size=3, max_size=3))
    flow = draw(st.lists(st.integers(-1, 2), min_size=count, max_size=count))
    forward = [draw(st.booleans()) or each < 0 for each in flow]
    ends = [(clients[f], servers[f]) if f >= 0 else (-1, -1) for f in flow]
    return Packets.from_payloads(
        tables,
        draw(st.lists(st.sampled_from([b"", b"a", b"b", b"ab"]), min_size=count, max_size=count)),
        flow=flow,
        forward=forward,
        writer=[client if ahead else server for (client, server), ahead in zip(ends, forward, strict=True)],
        reader=[server if ahead else client for (client, server), ahead in zip(ends, forward, strict=True)],
        tcp_flags=[draw(st.sampled_from([0x02, 0x12, 0x10, 0x11, 0x14])) if f in (0, 1) else 0 for f in flow],
        interface=draw(st.lists(st.integers(0, 1), min_size=count, max_size=count)),
    )


def message_rows(batch: Packets) -> tuple[Rows, list[list[int]]]:
    """Packets with payload joined while flow and direction stay, and for each message the packets it is made of."""
    loaded = [i for i in range(len(batch)) if batch.payload_length[i] and batch.flow[i] >= 0]
    loaded.sort(key=lambda i: int(batch.flow[i]))
    runs = [list(run) for _, run in groupby(loaded, key=lambda i: (batch.flow[i], batch.forward[i]))]
    first = [run[0] for run in runs]
    columns = ("number", "flow", "forward", "writer", "reader", "interface", "tcp_flags", "direction")
    messages = Messages.from_buffers(
        batch.trace,
        [b"".join(batch.buffer(i) for i in run) for run in runs],
        **{name: getattr(batch, name)[first] for name in columns},
    )
    return rows_of(messages), runs


@settings(deadline=None)
@given(TREES, packets())
def test_columns_say_what_single_rows_say(tree: Tree, batch: Packets) -> None:
    """The mask is the second evaluator's answer, row by row."""
    rows = rows_of(batch)
    assert compile_filter(written(tree)).mask(rows).tolist() == [passes(tree, rows, i) for i in range(len(rows))]


@settings(deadline=None)
@given(TREES, packets())
def test_not_is_the_complement(tree: Tree, batch: Packets) -> None:
    """Of any filter, for all rows."""
    rows = rows_of(batch)
    text = written(tree)
    assert compile_filter(f"not ({text})").mask(rows).tolist() == (~compile_filter(text).mask(rows)).tolist()


@settings(deadline=None)
@given(CHECKS.filter(lambda check: check[2] == "=" and check[1] not in EITHER), packets())
def test_unequal_is_the_complement_where_there_is_a_value(check: Tree, batch: Packets) -> None:
    """And where there is none both are false."""
    rows = rows_of(batch)
    _, name, _, value = check
    equal, unequal, there = (
        compile_filter(text).mask(rows) for text in (f"{name}={value}", f"{name}!={value}", f"{name} exists")
    )
    assert (equal ^ unequal).tolist() == there.tolist()
    assert not (equal & unequal).any()


@settings(deadline=None)
@given(TREES, packets())
def test_what_passes_is_a_candidate(tree: Tree, batch: Packets) -> None:
    """A packet that passes could be a message of one packet."""
    rows = rows_of(batch)
    compiled = compile_filter(written(tree))
    assert not (compiled.mask(rows) & ~compiled.candidates(rows)).any()


@settings(deadline=None)
@given(TREES, packets())
def test_each_packet_of_a_message_that_passes_is_a_candidate(tree: Tree, batch: Packets) -> None:
    """At the end at which the message passes."""
    compiled = compile_filter(written(tree))
    rows = rows_of(batch)
    candidates = {
        (int(rows.packet[i]), bool(rows.is_write[i])) for i in compiled.candidates(rows).nonzero()[0].tolist()
    }
    messages, runs = message_rows(batch)
    for i in compiled.mask(messages).nonzero()[0].tolist():
        for packet in runs[int(messages.packet[i])]:
            assert (packet, bool(messages.is_write[i])) in candidates


@settings(deadline=None)
@given(TREES, packets(), st.integers(0, 8))
def test_batches_say_what_the_whole_says(tree: Tree, batch: Packets, cut: int) -> None:
    """What a filter keeps between batches changes nothing."""
    rows = rows_of(batch)
    compiled, fresh = compile_filter(written(tree)), compile_filter(written(tree))
    start = min(cut, len(rows))
    first, second = rows.select(slice(0, start)), rows.select(slice(start, len(rows)))
    assert compiled.mask(first).tolist() + compiled.mask(second).tolist() == fresh.mask(rows).tolist()

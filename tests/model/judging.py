"""What pcapdig says of a sample beside what is right: one text a difference."""

from __future__ import annotations

import io
import itertools
from collections import Counter, defaultdict
from typing import Any

from traffic.kinds.drawing import Sample
from traffic.truth import Answers, Row

import pcapdig

_COLUMNS = {
    "state": "state",
    "client_bytes": "client_bytes",
    "server_bytes": "server_bytes",
    "client_packets": "client_packets",
    "server_packets": "server_packets",
    "out_of_window": "out_of_window",
}
"""Our names of what a row claims, and those of `conns -j`."""
_LINES = {
    "http": ("httplog", ("method", "url", "response_code", "size")),
    "redis": ("redislog", ("command", "reply_kind", "reply")),
    "dns": ("dnslog", ("query", "answer")),
    "sql": ("sqllog", ("command", "sql", "rows", "affected", "error")),
    "mail": ("plaintext", ("user", "secret")),
}
"""By protocol: its log, and the keys of a line."""


def differences(sample: Sample) -> list[str]:
    """What is wrong, as pcapdig is installed here. Empty: everything claimed is right."""
    with pcapdig.open([io.BytesIO(data) for data in sample.files], decap=sample.decap) as capture:
        answers = sample.answers
        found = _rows(capture, answers) + _messages(capture, answers)
        for protocol in _LINES:
            found += _log(capture, answers, protocol)
        return found + _totals(capture, answers)


def _rows(capture: Any, answers: Answers) -> list[str]:
    """Compare `conns`."""
    given = list(capture.chisel("conns"))
    for line in given:
        if "client_out_of_window" in line:
            line["out_of_window"] = line["client_out_of_window"] + line["server_out_of_window"]
    by_name: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in given:
        by_name[line["fd.name"]].append(line)
    found = []
    for name in sorted({row.name for row in answers.rows} | by_name.keys()):
        right = [row for row in answers.rows if row.name == name]
        lines = by_name[name]
        if not answers.is_strict and len(lines) > len(right):
            lines = [line for line in lines if line["client_bytes"] or line["server_bytes"] or line["state"] != "S0"]
        if len(lines) != len(right):
            found.append(f"conns: {len(lines)} rows of {name}, not {len(right)}")
            continue
        found += _cells(lines, right)
    counted = sum(line["client_packets"] + line["server_packets"] for line in given)
    if answers.packets not in (None, counted):
        found.append(f"conns: {counted} packets in all rows, not {answers.packets}")
    outside = sum(line.get("out_of_window", 0) for line in given)
    if answers.out_of_window not in (None, outside) and "out_of_window" in given[0]:
        found.append(f"conns: {outside} packets out of window in all rows, not {answers.out_of_window}")
    return found


def _cells(lines: list[dict[str, Any]], right: list[Row]) -> list[str]:
    """Compare the rows of one name, in whatever order."""
    columns = [ours for ours, theirs in _COLUMNS.items() if theirs in lines[0]] if lines else []
    claims = [tuple(getattr(row, column) for column in columns) for row in right]
    given = [tuple(line[_COLUMNS[column]] for column in columns) for line in lines]
    left = list(given)
    found = []
    for row, claim in zip(right, claims, strict=True):
        fit = next((line for line in left if all(a in (None, b) for a, b in zip(claim, line, strict=True))), None)
        if fit is None:
            found.append(f"conns: {row.name}: no row {dict(zip(columns, claim, strict=True))} in {given}")
        else:
            left.remove(fit)
    if not found:
        again = sum(line["client_retransmits"] + line["server_retransmits"] for line in lines)
        claimed = [row.retransmits for row in right]
        if None not in claimed and sum(claimed) != again:  # type: ignore[arg-type]
            found.append(f"conns: {right[0].name}: {again} retransmits, not {sum(claimed)}")  # type: ignore[arg-type]
    return found


def _messages(capture: Any, answers: Answers) -> list[str]:
    """Compare what was said in turn, connection by connection, and that nothing is missing."""
    if answers.messages is None:
        return []
    by_flow: dict[tuple[int, str], list[tuple[bool, bytes]]] = defaultdict(list)
    ways: Counter[str] = Counter()
    missing = 0
    for event in capture.events("fd.l4proto=tcp or fd.l4proto=udp", messages=True):
        ways[event.direction] += 1
        missing += sum(size for _, size in event.gaps)
        if answers.copies == 2 and event.direction == "read":
            continue
        from_client = (event.direction == "write") is event.is_client
        by_flow[event.flow.id, event.flow.name].append((from_client, event.buffer))
    found = [f"echo_fds: {missing} bytes are said to be missing"] if missing else []
    given = Counter((name, tuple(turns)) for (_, name), turns in by_flow.items())
    right = Counter((name, turns) for name, turns in answers.messages if turns)
    if given != right:
        found.append(f"echo_fds: {_short(given - right)} in place of {_short(right - given)}")
    elif answers.copies == 2 and ways["read"] != ways["write"]:
        found.append(f"echo_fds: {ways['write']} messages written, {ways['read']} read")
    return found


def _short(conversations: Counter[tuple[str, tuple[tuple[bool, bytes], ...]]]) -> str:
    """Conversations as a text that fits a line."""
    texts = []
    for name, turns in conversations.elements():
        said = " ".join(f"{'c' if side else 's'}{len(data)}:{data[:12]!r}" for side, data in turns[:12])
        texts.append(f"{name} [{said}]")
    return "; ".join(texts) or "nothing"


def _log(capture: Any, answers: Answers, protocol: str) -> list[str]:
    """Compare the log of a protocol, and that no answer takes less than no time."""
    chisel, keys = _LINES[protocol]
    only = "fd.is_server=true" if answers.copies == 2 else None
    words = ("show",) if chisel == "plaintext" else ()
    lines = list(capture.chisel(chisel, *words, filter=only))
    given = Counter((line["fd.name"], *(line.get(key) for key in keys)) for line in lines)
    right = answers.logs.get(protocol, Counter())
    times = [line["evt.rawtime"] for line in lines]
    back = sum(later < before for before, later in itertools.pairwise(times))
    order = [f"{chisel}: {back} lines step back in time"] if back else []
    found = order + [
        f"{chisel}: a latency of {line['latency_ns']} ns" for line in lines if (line.get("latency_ns") or 0) < 0
    ]
    if answers.are_lines_lost:  # then values and sizes are what there is of them, and only what is paired is judged
        judged = {"http": 4, "redis": 3}.get(protocol)
        given = Counter(line[:judged] for line in given.elements() if None not in line)
        right = Counter(line[:judged] for line in right.elements())
        if protocol == "http":  # a host that was lost is not shown
            right += Counter((*line[:2], "/" + str(line[2]).partition("/")[2], line[3]) for line in right.elements())
    extra = given - right if answers.are_logs_whole else Counter()
    lost = Counter() if answers.are_lines_lost else right - given
    for line in [line for line in lost.elements() if ... in line]:  # not all of it is claimed
        fit = next(
            (each for each in (given - right) if all(a in (..., b) for a, b in zip(line, each, strict=True))), None
        )
        if fit is not None:
            given[fit] -= 1
            extra[fit] -= 1
            lost[line] -= 1
    if +extra or +lost:
        found.append(f"{chisel}: {list(extra.elements())[:4]} in place of {list(lost.elements())[:4]}")
    return found


def _totals(capture: Any, answers: Answers) -> list[str]:
    """Compare `topconns` under filters, and `topports_server`."""
    found = []
    for words, right in answers.filters.items():
        given = sum(row["evt.bytes"] for row in _table(capture, "topconns", words))
        if given != right:
            found.append(f"topconns {words}: {given} bytes, not {right}")
    if answers.ports is not None:
        ports = {int(row["fd.sport"]): row["evt.bytes"] for row in _table(capture, "topports_server", None)}
        if ports != answers.ports:
            found.append(f"topports_server: {ports}, not {answers.ports}")
    return found


def _table(capture: Any, chisel: str, words: str | None) -> list[dict[str, Any]]:
    rows = list(capture.chisel(chisel, filter=words))
    return [{**row, "evt.bytes": next(value for value in row.values() if isinstance(value, int))} for row in rows]

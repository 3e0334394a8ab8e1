"""Requests and names of application protocols in every capture, as tshark reads them.

Compared are conversations that are there whole: of what the snap length cut, each reader shows what it can. tshark tells most
protocols by their port, pcapdig by the content.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import dpkt
from by_pcapdig import pcapdig
from by_tshark import Frame, tshark

RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
INTERIM = {"100", "102", "103"}
HELLO_CLIENT, HELLO_SERVER = "1", "2"
SHOWN = 200
"""Characters of long texts that are compared."""


def names(capture: Path, conversations: set[tuple[str, int]]) -> set[str]:
    """The flows of some of tshark's conversations, as `fd.name` writes them."""
    ours, theirs = pcapdig(capture, decap=True), tshark(capture)
    flow = ours.column("flow")
    return {ours.trace.flows.name(int(flow[theirs.conversations[name][0]])) for name in conversations}


def records(capture: Path, chisel: str) -> list[dict[str, Any]]:
    """A chisel's lines, one a request: where both ends are named there are two. Without conversations that were cut."""
    cut = names(capture, tshark(capture).is_cut)
    lines = [line for line in pcapdig(capture, decap=True).records(chisel) if line["fd.name"] not in cut]
    told = {(line["fd.name"], line["evt.rawtime"]) for line in lines if line.get("direction") == "<"}
    return [
        line for line in lines if line.get("direction") != ">" or (line["fd.name"], line["evt.rawtime"]) not in told
    ]


def assert_http(capture: Path, expected: Counter[Any], found: list[tuple[str, Any]]) -> None:
    """All that tshark shows is there, and more only of messages that never ended: tshark waits for their rest."""
    counts = Counter(what for _, what in found)
    assert not expected - counts
    unfinished = names(capture, tshark(capture).is_unfinished)
    assert counts - expected <= Counter(what for name, what in found if name in unfinished)


def url(method: str, host: str, target: str) -> str:
    """What is asked for, without a scheme: RFC 9112 section 3.2 has four forms of it."""
    if method == "CONNECT":
        return target
    return target.split("://", 1)[1] if "://" in target.split("?")[0] else host + target


def test_http_requests_are_those_of_tshark(capture: Path) -> None:
    """Method, host and path of each request."""
    expected = Counter()
    for frame in tshark(capture).with_field("http.request.method"):
        hosts = frame["http.host"] or [""] * len(frame["http.request.method"])
        for method, host, target in zip(frame["http.request.method"], hosts, frame["http.request.uri"], strict=True):
            expected[method, url(method, host.strip(), target)] += 1
    # PRI is how HTTP/2 begins, of which httplog shows that it is there; tshark shows its requests as another protocol's.
    lines = [each for each in records(capture, "httplog") if each.get("method") not in (None, "PRI")]
    assert_http(capture, expected, [(each["fd.name"], (each["method"], each["url"])) for each in lines])


def test_http_answers_are_those_of_tshark(capture: Path) -> None:
    """Status of each answer, but for interim ones (RFC 9110 section 15.2), which belong to the same request."""
    frames = tshark(capture).with_field("http.response.code")
    expected = Counter(
        int(status) for frame in frames for status in frame["http.response.code"] if status not in INTERIM
    )
    lines = [each for each in records(capture, "httplog") if each.get("response_code")]
    assert_http(capture, expected, [(each["fd.name"], each["response_code"]) for each in lines])


def dns_frames(capture: Path, *, answers: bool) -> list[Frame]:
    """Packets with DNS queries, or those with answers."""
    return [
        frame
        for frame in tshark(capture).with_field("dns.id")
        if not frame.is_error_report
        and frame.protocols[-1] == "dns"
        and (frame["dns.flags.response"][0] in ("1", "True")) == answers
    ]


def test_dns_questions_are_those_of_tshark(capture: Path) -> None:
    """Each name asked for, as it was written."""
    asked = [name for frame in dns_frames(capture, answers=False) for name in frame["dns.qry.name"]]
    expected = Counter("." if name == "<Root>" else name for name in asked)
    assert Counter(each["query"] for each in records(capture, "dnslog") if each.get("query")) == expected


def test_dns_answers_are_those_of_tshark(capture: Path) -> None:
    """Response code of each answer, and all IPv4 and IPv6 addresses in them."""
    codes, addresses = Counter(), Counter()
    for frame in dns_frames(capture, answers=True):
        codes.update(RCODES[int(code)] for code in frame["dns.flags.rcode"])
        addresses.update(frame["dns.a"] + frame["dns.aaaa"])
    lines = [each for each in records(capture, "dnslog") if each.get("rcode")]
    assert Counter(each["rcode"] for each in lines) == codes
    found = Counter(
        word for each in lines for word in each["answer"].split(",") if re.fullmatch(r"[0-9.]+|[0-9a-f:]+", word)
    )
    assert found == addresses


def printed(text: str) -> str:
    """The beginning of a text as tshark prints fields: line ends and tabs escaped."""
    return text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")[:SHOWN]


def test_sql_statements_are_those_of_tshark(capture: Path) -> None:
    """The text of each statement sent to MySQL or MariaDB, run at once or prepared.

    More only where tshark reads in part: packets that are compressed, and those that it calls malformed (attributes of queries, MySQL 9).
    """
    expected = Counter(
        text[:SHOWN] for frame in tshark(capture).with_field("mysql.query") for text in frame["mysql.query"]
    )
    lines = [each for each in records(capture, "sqllog") if each["command"] in ("query", "prepare")]
    found = [(each["fd.name"], printed(each["sql"])) for each in lines if ":3306" in each["fd.name"]]
    counts = Counter(text for _, text in found)
    assert not expected - counts
    malformed = [frame for frame in tshark(capture).with_field("_ws.malformed") if "mysql" in frame.protocols]
    partly = [*malformed, *tshark(capture).with_field("mysql.compressed_packet_length")]
    unread = names(capture, {frame.conversation for frame in partly if frame.conversation})
    assert counts - expected <= Counter(text for name, text in found if name in unread)


def test_postgresql_statements_are_those_of_tshark(capture: Path) -> None:
    """The text of each statement sent to PostgreSQL, by the client's port. One may be parsed once and run often, or not at all."""
    frames = tshark(capture).with_field("pgsql.query")
    expected = {(frame["tcp.srcport"][-1], text[:SHOWN]) for frame in frames for text in frame["pgsql.query"]}
    lines = [each for each in records(capture, "sqllog") if each["fd.name"].endswith(":5432") and each.get("sql")]
    lines = [each for each in lines if each["product"] == "postgresql"]
    assert {(each["fd.name"].split("->")[0].rsplit(":", 1)[1], printed(each["sql"])) for each in lines} == expected


def test_redis_commands_hold_those_of_tshark(capture: Path) -> None:
    """Each command of which tshark shows all words. It does not show inline commands."""
    expected = Counter()
    for frame in tshark(capture).with_field("resp.bulk_string.value"):
        words = [bytes.fromhex(word).decode("utf-8", "replace") for word in frame["resp.bulk_string.value"]]
        lengths = [int(length) for length in frame["resp.array.length"]]
        if frame.number("tcp.dstport") == 6379 and sum(lengths) == len(words):
            for length in lengths:
                command, words = words[:length], words[length:]
                expected[tuple(word[:SHOWN] for word in command)] += 1
    found = Counter()
    for each in records(capture, "redislog"):
        words = re.findall(r'"(?:[^"\\]|\\.)*"|\S+', each["command"])
        found[tuple((json.loads(word) if word[0] == word[-1] == '"' else word)[:SHOWN] for word in words)] += 1
    assert not {command for command in expected - found if command[0].upper() != "AUTH"}


def test_memcached_commands_hold_those_of_tshark(capture: Path) -> None:
    """Each command that tshark shows with its first key. It reads one command a segment where they come together."""
    expected = Counter()
    for frame in tshark(capture).with_field("memcache.command"):
        commands, keys = frame["memcache.command"], frame["memcache.key"]
        if len(commands) == 1 and keys and frame.number("tcp.dstport") == 11211:
            expected[commands[0], keys[0]] += 1
    assert not expected - Counter((each["method"], each["key"]) for each in records(capture, "memcachelog"))


def test_tls_names_are_those_of_tshark(capture: Path) -> None:
    """The name a client asks for in each connection; none where it names none."""
    asked: dict[object, str | None] = {}
    for frame in tshark(capture).with_field("tls.handshake.type"):
        if HELLO_CLIENT in frame["tls.handshake.type"]:
            asked[frame.conversation] = next(iter(frame["tls.handshake.extensions_server_name"]), None)
    assert Counter(each.get("sni") for each in records(capture, "tlslog")) == Counter(asked.values())


def test_tls_ciphers_are_those_of_tshark(capture: Path) -> None:
    """The cipher suite that the server chose in each connection."""
    chosen = {}
    for frame in tshark(capture).with_field("tls.handshake.type"):
        if HELLO_SERVER in frame["tls.handshake.type"]:
            code = int(frame["tls.handshake.ciphersuite"][-1], 16)
            chosen[frame.conversation] = dpkt.ssl_ciphersuites.BY_CODE[code].name
    found = [each["cipher"] for each in records(capture, "tlslog") if "cipher" in each]
    assert Counter(found) == Counter(chosen.values())

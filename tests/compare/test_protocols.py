"""Requests and names of application protocols in every capture, as tshark reads them.

Compared are conversations that are there whole: of what the snap length cut, each reader shows what it can. tshark tells most
protocols by their port, pcapdig by the content.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import dpkt
from by_pcapdig import pcapdig
from by_tshark import Frame, tshark

DNS = ("dns", "mdns", "llmnr")
PORTS = {53, 5353, 5355}
RCODES = {
    0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN", 7: "YXRRSET", 8: "NXRRSET",
    9: "NOTAUTH", 10: "NOTZONE", 16: "BADVERS", 23: "BADCOOKIE",
}  # fmt: skip
INTERIM = {"100", "102", "103"}
HELLO_CLIENT, HELLO_SERVER, CERTIFICATE = "1", "2", "11"
ADDRESS = re.compile(r"[0-9]+(\.[0-9]+){3}|[0-9a-f]*:[0-9a-f:.]+")
SHOWN = 200
"""Characters of long texts that are compared."""


def names(capture: Path, conversations: set[tuple[str, int]]) -> set[str]:
    """The flows of some of tshark's conversations, as `fd.name` writes them."""
    ours, theirs = pcapdig(capture, decap=True), tshark(capture)
    flow = ours.column("flow")
    found = {int(flow[theirs.conversations[name][0]]) for name in conversations}
    return {ours.trace.flows.name(each) for each in found if each >= 0}


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


def http_frames(capture: Path, field: str) -> list[Frame]:
    """Packets with a field of HTTP that TCP carries in clear: not SSDP's, nor what tshark decrypts."""
    return [frame for frame in tshark(capture).with_field(field) if frame.carrier("http") == "tcp"]


def requests(frame: Frame) -> list[tuple[str, str, str]]:
    """(method, target, host) of each request in a packet."""
    methods, targets, hosts = frame["http.request.method"], frame["http.request.uri"], frame["http.host"]
    return list(zip(methods, targets, hosts or [""] * len(methods), strict=False))


def is_even(frame: Frame) -> bool:
    """Whether each request in a packet has a target, and all of them a host, or none."""
    count = len(frame["http.request.method"])
    return len(frame["http.request.uri"]) == count and len(frame["http.host"]) in (0, count)


def test_http_requests_are_those_of_tshark(capture: Path) -> None:
    """Method, host and path of each request. tshark ends a path at its first blank."""
    frames = http_frames(capture, "http.request.method")
    # Of some it cannot be told whose target or host is whose.
    unread = {frame.conversation for frame in frames if not is_even(frame)}
    expected = Counter(
        (method, url(method, host.strip(), target).split(" ")[0])
        for frame in frames
        if frame.conversation not in unread
        for method, target, host in requests(frame)
    )
    skipped = names(capture, {name for name in unread if name})
    # PRI is how HTTP/2 begins, of which httplog shows that it is there; tshark shows its requests as another protocol's.
    lines = [each for each in records(capture, "httplog") if each.get("method") not in (None, "PRI")]
    lines = [each for each in lines if each["fd.name"] not in skipped]
    assert_http(capture, expected, [(each["fd.name"], (each["method"], each["url"].split(" ")[0])) for each in lines])


def test_http_answers_are_those_of_tshark(capture: Path) -> None:
    """Status of each answer, but for interim ones (RFC 9110 section 15.2), which belong to the same request."""
    frames = http_frames(capture, "http.response.code")
    expected = Counter(
        int(status) for frame in frames for status in frame["http.response.code"] if status not in INTERIM
    )
    lines = [each for each in records(capture, "httplog") if each.get("response_code")]
    assert_http(capture, expected, [(each["fd.name"], each["response_code"]) for each in lines])


def dns_messages(capture: Path, *, answers: bool) -> list[Frame]:
    """Packets with DNS queries, or those with answers, at the ports where dnslog looks for them. What HTTP and TLS carry is not read."""
    return [
        frame
        for frame in tshark(capture).with_field("dns.id")
        if frame.carrier(*DNS) in ("tcp", "udp")
        and PORTS & {frame.number(f"{kind}.{end}port") for kind in ("tcp", "udp") for end in ("src", "dst")}
        and (frame["dns.flags.response"][0] in ("1", "True")) == answers
        and frame.conversation not in damaged(capture)
    ]


def damaged(capture: Path) -> set[tuple[str, int]]:
    """Conversations with a packet that tshark could not read to its end: where it stopped is its own."""
    theirs = tshark(capture)
    return {
        name
        for name, packets in theirs.conversations.items()
        if any(theirs.frames[index][each] for index in packets for each in ("_ws.malformed", "_ws.unreassembled"))
    }


def dns_lines(capture: Path) -> list[dict[str, Any]]:
    """What dnslog shows of the others."""
    skipped = names(capture, damaged(capture))
    return [each for each in records(capture, "dnslog") if each["fd.name"] not in skipped]


def answered(frame: Frame) -> list[tuple[str, bool]]:
    """Type of each record in a packet, and whether it is in an answer section: tshark shows all sections in a row."""
    types, found = iter(frame["dns.resp.type"]), []
    # An update has sections of other names; it tells no addresses.
    counts = zip(*(frame[f"dns.count.{section}"] for section in ("answers", "auth_rr", "add_rr")), strict=False)
    for answers, authorities, more in counts:
        section = list(islice(types, int(answers) + int(authorities) + int(more)))
        found += [(kind, index < int(answers)) for index, kind in enumerate(section)]
    return found


def marked(name: str) -> str:
    """A name with one mark for each run of bytes that are no text."""
    plain = re.sub(r"\\([0-9]{3})", lambda escape: chr(int(escape[1])) if int(escape[1]) < 128 else "\ufffd", name)
    return re.sub("\ufffd+", "\ufffd", plain)


def test_dns_questions_are_those_of_tshark(capture: Path) -> None:
    """Each name asked for, as it was written, but for bytes that are no text: tshark shows them as a mark, pcapdig as `\\DDD`."""
    asked = [name for frame in dns_messages(capture, answers=False) for name in frame["dns.qry.name"]]
    expected = Counter(marked(part) for name in asked for part in ("." if name == "<Root>" else name).split(","))
    # An answer whose query is not there has a line with what it says was asked; so have all messages of a zone transfer.
    shown = [each for each in dns_lines(capture) if each.get("message", 1) == 1]
    lines = [each for each in shown if "rcode" not in each or "latency_ns" in each]
    found = Counter(marked(part) for each in lines if each.get("query") for part in each["query"].split(","))
    assert found == expected


def test_dns_answers_are_those_of_tshark(capture: Path) -> None:
    """Response code of each answer, and all IPv4 and IPv6 addresses in them."""
    codes, addresses = Counter(), Counter()
    for frame in dns_messages(capture, answers=True):
        upper = frame["dns.resp.ext_rcode"] if len(frame["dns.id"]) == 1 else []
        codes.update(
            RCODES.get(number := int(code) | int(upper[0], 0) << 4 if upper else int(code), f"RCODE{number}")
            for code in frame["dns.flags.rcode"]
        )
        sections = answered(frame)
        for number, name in (("1", "dns.a"), ("28", "dns.aaaa")):
            shown = iter(frame[name])
            addresses.update(
                address for kind, is_answer in sections if kind == number for address in islice(shown, 1) if is_answer
            )
    lines = [each for each in dns_lines(capture) if each.get("rcode")]
    assert Counter(each["rcode"] for each in lines) == codes
    # A record of an answer that does not repeat the question has its name and type before it.
    texts = [
        re.sub(r"ipv[46]hint=\S*", "", each.get("answer", "")) for each in lines
    ]  # SvcParams of RFC 9460 name addresses too
    words = [part.split(" ")[-1] for text in texts for part in text.split(",")]
    found = Counter(word for word in words if re.fullmatch(ADDRESS, word))
    assert found == addresses


RECORD_FIELDS = (
    "dns.cname", "dns.ns", "dns.ptr.domain_name", "dns.mx.mail_exchange", "dns.srv.target", "dns.soa.mname",
    "dns.ds.digest", "dns.nsec.next_domain_name", "dns.naptr.replacement",
)  # fmt: skip


def test_dns_records_have_what_tshark_shows_of_them(capture: Path) -> None:
    """The names and digests in the data of answers' records. tshark says which section a field is of only where there is one section."""
    expected: Counter[str] = Counter()
    for frame in dns_messages(capture, answers=True):
        if len(frame["dns.id"]) != 1 or frame.number("dns.count.auth_rr") or set(answers_beside(frame)) - {OPT}:
            continue
        expected.update(marked(value).lower() for field in RECORD_FIELDS for value in frame[field] if is_shown(value))
    lines = [each for each in dns_lines(capture) if each.get("rcode")]
    words = re.split(r"[ ,]", " ".join(marked(each.get("answer", "")) for each in lines).lower())
    assert not expected - Counter(words)


OPT = "41"


def answers_beside(frame: Frame) -> list[str]:
    """Types of the records behind the answers of a message."""
    return frame["dns.resp.type"][frame.number("dns.count.answers") or 0 :]


def is_shown(value: str) -> bool:
    """Is a value one word, and not the root, which is a dot?"""
    return value != "<Root>" and not set(value) & set(" ,")


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


def tls_frames(capture: Path, message: str) -> list[Frame]:
    """Packets with a handshake message of TLS that TCP, or a proxy over it, carries: not QUIC's, nor EAP's or another tunnel's."""
    frames = tshark(capture).with_field("tls.handshake.type")
    return [each for each in frames if message in each["tls.handshake.type"] and each.carrier("tls") in ("tcp", "http")]


def test_tls_names_are_those_of_tshark(capture: Path) -> None:
    """The name a client asks for in each connection; none where it names none."""
    asked: dict[object, str | None] = {}
    for frame in tls_frames(capture, HELLO_CLIENT):
        asked.setdefault(frame.conversation, next(iter(frame["tls.handshake.extensions_server_name"]), None))
    # Of a server that is heard alone, its choice is shown.
    lines = [each for each in records(capture, "tlslog") if {"ja4", "latency_ns"} & each.keys() or "cipher" not in each]
    assert Counter(each.get("sni") for each in lines) == Counter(asked.values())


def test_tls_ciphers_are_those_of_tshark(capture: Path) -> None:
    """The cipher suite that the server chose in each connection."""
    chosen = {}
    for frame in tls_frames(capture, HELLO_SERVER):
        if not frame["tls.handshake.ciphersuite"]:
            continue  # SSL 2.0, where the client chooses
        code = int(frame["tls.handshake.ciphersuite"][-1], 16)
        suite = dpkt.ssl_ciphersuites.BY_CODE.get(code)
        chosen.setdefault(frame.conversation, suite.name if suite else f"0x{code:04x}")
    found = [each["cipher"] for each in records(capture, "tlslog") if "cipher" in each]
    assert Counter(found) == Counter(chosen.values())


def test_tls_certificates_are_those_of_tshark(capture: Path) -> None:
    """The DNS names of the server's own certificate, which is the first that is sent."""
    sent: dict[str, list[str]] = {}
    greeted = {frame.conversation for frame in tls_frames(capture, HELLO_SERVER)}
    for frame in tls_frames(capture, CERTIFICATE):
        if frame["x509ce.dNSName"] and frame.conversation in greeted and frame.conversation:
            (name,) = names(capture, {frame.conversation})
            sent.setdefault(name, frame["x509ce.dNSName"])
    found = {each["fd.name"]: each for each in records(capture, "tlslog")}
    for name, expected in sent.items():
        if found[name].get("version") == "TLSv1.3":
            continue  # tshark has its secrets from the capture, and decrypts it
        shown = [
            each.split("\0")[0]
            for each in found[name].get("certificate", "").split(",")
            if not re.fullmatch(ADDRESS, each)
        ]  # tshark ends them there
        assert shown
        assert shown == expected[: len(shown)]

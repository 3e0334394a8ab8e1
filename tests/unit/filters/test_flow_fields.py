"""fd.* over the sample trace. Rows: see conftest.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pcapdig.filters.catalogue import FIELDS
from pcapdig.filters.filter import compile_filter
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of

if TYPE_CHECKING:
    from pcapdig.trace.rows import Rows

WEB_CLIENT, WEB_SERVER, ANSWER6, DNS, PING, ARP = 6, 7, 10, 13, 14, 16


def at(rows: Rows, name: str) -> dict[int, object]:
    """A field's value in one row of each kind."""
    found = FIELDS[name].values(rows)
    return {row: found[row] for row in (WEB_CLIENT, WEB_SERVER, ANSWER6, DNS, PING, ARP)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fd.type", ["ipv4", "ipv4", "ipv6", "ipv4", "ipv4", None]),
        ("fd.typechar", ["4", "4", "6", "4", "4", None]),
        ("fd.sockfamily", ["ip", "ip", "ip", "ip", "ip", None]),
        ("fd.l4proto", ["tcp", "tcp", "tcp", "udp", "icmp", None]),
        ("fd.cip", ["192.168.0.1", "192.168.0.1", "2001:db8::1", "192.168.0.1", "192.168.0.1", None]),
        ("fd.sip", ["10.0.0.80", "10.0.0.80", "2001:db8::80", "192.168.0.53", "10.0.0.80", None]),
        ("fd.lip", ["192.168.0.1", "10.0.0.80", "2001:db8::80", "192.168.0.1", "192.168.0.1", None]),
        ("fd.rip", ["10.0.0.80", "192.168.0.1", "2001:db8::1", "192.168.0.53", "10.0.0.80", None]),
        ("fd.cport", [41135, 41135, 5000, 4000, None, None]),
        ("fd.sport", [80, 80, 443, 53, None, None]),
        ("fd.cproto", [41135, 41135, 5000, 4000, None, None]),
        ("fd.sproto", [80, 80, 443, 53, None, None]),
        ("fd.lport", [41135, 80, 443, 4000, None, None]),
        ("fd.rport", [80, 41135, 5000, 53, None, None]),
        ("fd.lproto", [41135, 80, 443, 4000, None, None]),
        ("fd.rproto", [80, 41135, 5000, 53, None, None]),
        ("fd.is_server", [False, True, True, False, False, None]),
    ],
)
def test_values(rows: Rows, name: str, expected: list[object]) -> None:
    """Client and server are the flow's, local and remote the row's; ICMP has no ports, ARP has nothing."""
    assert list(at(rows, name).values()) == expected


def test_names_of_addresses_are_the_files(rows: Rows) -> None:
    """Of the client, the server, and the ends as the row sees them; nothing is looked up."""
    rows.trace.flows.names[bytes(10) + b"\xff\xff\x0a\0\0\x50"] = "web.example"
    assert at(rows, "fd.cip.name")[WEB_CLIENT] is None
    assert at(rows, "fd.sip.name")[WEB_CLIENT] == "web.example"
    assert (at(rows, "fd.lip.name")[WEB_SERVER], at(rows, "fd.rip.name")[WEB_SERVER]) == ("web.example", None)
    assert at(rows, "fd.rip.name")[WEB_CLIENT] == "web.example"
    assert at(rows, "fd.sip.name")[ARP] is None
    assert compile_filter("fd.sip.name=web.example").mask(rows)[WEB_CLIENT]


def test_the_name_has_the_client_first(rows: Rows) -> None:
    """In the answer too."""
    names = at(rows, "fd.name")
    assert names[WEB_CLIENT] == names[WEB_SERVER] == "192.168.0.1:41135->10.0.0.80:80"
    assert names[ANSWER6] == "2001:db8::1:5000->2001:db8::80:443"


def test_a_protocol_without_name_shows_its_number() -> None:
    """Nothing is lost."""
    flows = Flows.from_records([FlowRecord(client="1.1.1.1", server="2.2.2.2", protocol=253)])
    rows = rows_of(Packets.from_payloads(Tables(flows=flows), [b"x"], flow=0))
    assert FIELDS["fd.l4proto"].values(rows) == ["ip-proto-253"]


@pytest.mark.parametrize(
    ("text", "passing"),
    [
        ("fd.ip=192.168.0.1", {WEB_CLIENT, WEB_SERVER, DNS, PING}),
        ("fd.ip=10.0.0.80", {WEB_CLIENT, WEB_SERVER, PING}),
        ("fd.ip!=10.0.0.80", {ANSWER6, DNS}),
        ("fd.ip!=192.168.0.1", {ANSWER6}),
        ("fd.ip in (192.168.0.53, 2001:db8::1)", {ANSWER6, DNS}),
        ("fd.ip exists", {WEB_CLIENT, WEB_SERVER, ANSWER6, DNS, PING}),
        ("not fd.ip=10.0.0.80", {ANSWER6, DNS, ARP}),
        ("fd.port=http", {WEB_CLIENT, WEB_SERVER}),
        ("fd.proto=http", {WEB_CLIENT, WEB_SERVER}),
        ("fd.port=41135", {WEB_CLIENT, WEB_SERVER}),
        ("fd.port!=80", {ANSWER6, DNS}),
        ("fd.port<1000", {WEB_CLIENT, WEB_SERVER, ANSWER6, DNS}),
        ("fd.port>41134", {WEB_CLIENT, WEB_SERVER}),
        ("fd.sport=80", {WEB_CLIENT, WEB_SERVER}),
        ("fd.lport=80", {WEB_SERVER}),
        ("fd.rport=80", {WEB_CLIENT}),
        ("fd.lproto=http", {WEB_SERVER}),
        ("fd.lip=192.168.0.1", {WEB_CLIENT, DNS, PING}),
        ("fd.rip=192.168.0.1", {WEB_SERVER}),
        ("fd.net=192.168.0.0/24", {WEB_CLIENT, WEB_SERVER, DNS, PING}),
        ("fd.net!=192.168.0.0/24", {ANSWER6}),
        ("fd.net=2001:db8::/32", {ANSWER6}),
        ("fd.cnet=10.0.0.0/8", set()),
        ("fd.snet=10.0.0.0/8", {WEB_CLIENT, WEB_SERVER, PING}),
        ("fd.lnet=10.0.0.0/8", {WEB_SERVER}),
        ("fd.rnet=10.0.0.0/8", {WEB_CLIENT, PING}),
        ("fd.is_server=true", {WEB_SERVER, ANSWER6}),
        ("fd.is_server!=true", {WEB_CLIENT, DNS, PING}),
        ("fd.type=ipv4 and (fd.port=8000 or fd.port=80)", {WEB_CLIENT, WEB_SERVER}),
        ("fd.name contains :41135->", {WEB_CLIENT, WEB_SERVER}),
    ],
)
def test_filters(rows: Rows, text: str, passing: set[int]) -> None:
    """Either end with =, both ends with !=; ends by the row; a packet without connection fails all but `not`."""
    mask = compile_filter(text).mask(rows)
    assert {row for row in (WEB_CLIENT, WEB_SERVER, ANSWER6, DNS, PING, ARP) if mask[row]} == passing


def test_a_connections_name_with_its_container(rows: Rows) -> None:
    """Missing where either is."""
    found = FIELDS["fd.containername"].values(rows)
    assert found[WEB_SERVER] == "0123456789ab:192.168.0.1:41135->10.0.0.80:80"
    assert [found[row] for row in (WEB_CLIENT, ARP)] == [None, None]

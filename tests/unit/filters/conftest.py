"""A small trace that the tests of this room share: a web request over IPv4 and IPv6, a DNS question, a ping, a reset, an ARP."""

from __future__ import annotations

import pytest

from pcapdig.procs.process import Process
from pcapdig.trace.columns import Interface, Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import Rows, rows_of

START_NS = 1_506_127_469_905_003_444
"""2017-09-23T00:44:29.905003444Z."""

WEB, WEB6, DNS, PING, REFUSED = range(5)
CURL, HTTPD, SHELL = range(3)

SYN, SYN_ACK, ACK, FIN_ACK, RST_ACK = 0x02, 0x12, 0x10, 0x11, 0x14


def make_tables() -> Tables:
    """Flows, processes and interfaces of the sample."""
    return Tables(
        first_ns=START_NS,
        flows=Flows.from_records(
            [
                FlowRecord(
                    client="192.168.0.1", server="10.0.0.80", client_port=41135, server_port=80, first_ns=START_NS
                ),
                FlowRecord(client="2001:db8::1", server="2001:db8::80", client_port=5000, server_port=443),
                FlowRecord(client="192.168.0.1", server="192.168.0.53", client_port=4000, server_port=53, protocol=17),
                FlowRecord(client="192.168.0.1", server="10.0.0.80", client_port=77, protocol=1),
                FlowRecord(client="127.0.0.1", server="127.0.0.1", client_port=6000, server_port=8080),
            ]
        ),
        processes=[
            Process(name="curl", pid=200, uid=1000, user="alice", ppid=100, pname="bash", cmdline="curl -s http://x/y"),
            Process(
                name="httpd",
                pid=300,
                uid=33,
                user="www-data",
                ppid=1,
                pname="systemd",
                exepath="/usr/sbin/httpd",
                container_id="0123456789ab",
                cmdline="/usr/sbin/httpd -k start",
            ),
            Process(name="sh", pid=400, uid=0, container_id="host"),
        ],
        interfaces=[Interface(name="lo"), Interface()],
    )


def make_packets() -> Packets:
    """Eleven packets; those of WEB have both ends on this machine."""
    return Packets.from_payloads(
        make_tables(),
        [b"", b"", b"", b"GET /fo", b"rm HTTP/1.1\r\n", b"200 OK\xff", b"", b"question", b"echo", b"", b""],
        flow=[WEB, WEB, WEB, WEB, WEB, WEB6, WEB, DNS, PING, REFUSED, -1],
        forward=[True, False, True, True, True, False, False, True, True, False, True],
        tcp_flags=[SYN, SYN_ACK, ACK, ACK, ACK, ACK, FIN_ACK, 0, 0, RST_ACK, 0],
        writer=[CURL, HTTPD, CURL, CURL, CURL, HTTPD, HTTPD, CURL, SHELL, -1, -1],
        reader=[HTTPD, CURL, HTTPD, HTTPD, HTTPD, -1, CURL, -1, -1, CURL, -1],
        writer_evidence=[1, 3, 1, 1, 1, 2, 1, 4, 1, 0, 0],
        time_ns=[START_NS + i * 700_000_000 for i in range(11)],
        interface=[0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0],
        fresh=[0, 0, 0, 7, 13, 7, 0, 8, 4, 0, 0],
    )


@pytest.fixture
def packets() -> Packets:
    """The sample as packets."""
    return make_packets()


@pytest.fixture
def rows() -> Rows:
    """The sample as rows: a write and a read where both ends are known."""
    return rows_of(make_packets())

"""plaintext: credentials, with connection and processes."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

from pcapdig.chisels.plaintext import Plaintext
from pcapdig.errors import UsageError
from pcapdig.filters import compile_filter
from pcapdig.procs.process import Process
from pcapdig.render.items import Line
from pcapdig.streams.reassembler import Reassembler
from pcapdig.trace.columns import Messages, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of
from pcapdig.trace.trace import Trace

WEB = "10.0.0.1:5000->10.0.0.2:80"
FORM = b"POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 23\r\n\r\nuser=al%20ice&pass=word"


def lines(chisel: Plaintext, **columns: object) -> list[Line]:
    """What it says of one form post."""
    flows = Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5000, server_port=80)])
    tables = Tables(flows=flows, processes=[Process(name="curl", pid=41), Process(name="httpd", pid=7)])
    messages = Messages.from_buffers(tables, [FORM], number=[1], flow=0, time_ns=9, **columns)
    return [item for item in (*chisel.feed(rows_of(messages)), *chisel.end()) if isinstance(item, Line)]


def test_another_word_is_refused() -> None:
    """Secrets are not shown by a slip of the pen."""
    with pytest.raises(UsageError, match="chisel plaintext: argument 'all' is not understood"):
        Plaintext(secrets="all")


def test_secrets_are_masked() -> None:
    """Whatever their length; in text and in JSON. Both ends are one line."""
    (line,) = lines(Plaintext(), writer=0, reader=1)
    assert line.text == f'http form user="al ice" secret=******** {WEB} (curl->httpd)'
    assert dict(line.fields) == {
        "protocol": "http",
        "method": "form",
        "user": "al ice",
        "secret": "********",
        "fd.name": WEB,
        "client_process": "curl",
        "client_pid": 41,
        "server_process": "httpd",
        "server_pid": 7,
    }
    assert line.time_ns == 9


def test_secrets_are_shown_when_asked_for() -> None:
    """By the word show; processes as far as known."""
    (line,) = lines(Plaintext(secrets="show"), reader=1)
    assert line.text == f'http form user="al ice" secret=word {WEB} (<NA>->httpd)'


def test_copies_are_not_heard() -> None:
    """What has no new bytes was heard before."""
    assert lines(Plaintext(), fresh=0) == []


def test_only_tcp() -> None:
    """Its own filter."""
    assert compile_filter(Plaintext().filter) is not None


def dialogue(port: int, client_port: int, turns: list[tuple[bool, bytes]]) -> list[Packet]:
    """A TCP connection that says this, handshake included."""
    numbers = {True: 100, False: 900}
    frames = []

    def send(by_client: bool, flags: str, payload: bytes = b"") -> None:
        ends = ("10.0.0.1", "10.0.0.2") if by_client else ("10.0.0.2", "10.0.0.1")
        ports = (client_port, port) if by_client else (port, client_port)
        seq, ack = numbers[by_client], 0 if flags == "S" else numbers[not by_client]
        frame = (
            Ether() / IP(src=ends[0], dst=ends[1]) / TCP(sport=ports[0], dport=ports[1], flags=flags, seq=seq, ack=ack)
        )
        frames.append(frame / Raw(payload) if payload else frame)
        numbers[by_client] += len(payload) + ("S" in flags)

    send(True, "S")
    send(False, "SA")
    send(True, "A")
    for by_client, text in turns:
        send(by_client, "PA", text)
        send(not by_client, "A")
    return frames


C, S = True, False
DIALOGUES = {
    (21, 5001): [(S, b"220 hi\r\n"), (C, b"USER alice\r\n"), (S, b"331 go\r\n"), (C, b"PASS secret\r\n"), (S, b"230 in\r\n")],
    (80, 5002): [(C, b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic Ym9iOmh1bnRlcjI=\r\n\r\n"), (S, b"HTTP/1.1 204 No Content\r\n\r\n")],
    (110, 5003): [(S, b"+OK hi\r\n"), (C, b"USER carol\r\n"), (S, b"+OK\r\n"), (C, b"PASS pw3\r\n"), (S, b"+OK\r\n")],
    (143, 5004): [(S, b"* OK hi\r\n"), (C, b"a1 LOGIN dave pw4\r\n"), (S, b"a1 OK\r\n")],
    (25, 5005): [(S, b"220 hi ESMTP\r\n"), (C, b"EHLO x\r\n"), (S, b"250 AUTH PLAIN\r\n"), (C, b"AUTH PLAIN AGVyaW4AcHc1\r\n"), (S, b"235 ok\r\n")],
}  # fmt: skip


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_the_users_tshark_finds(tmp_path: Path) -> None:
    """`-z credentials` names the same user for each of FTP, HTTP Basic, POP3, IMAP and SMTP."""
    path = tmp_path / "t.pcap"
    frames = [frame for place, turns in DIALOGUES.items() for frame in dialogue(*place, turns)]
    for number, frame in enumerate(frames):
        frame.time = 1000 + number / 1000
    wrpcap(str(path), frames)
    command = ["tshark", "-r", path, "-o", "smtp.decryption:TRUE", "-q", "-z", "credentials"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^\d+ +(\w+)(?: basic auth)? +(\w+)", said, re.MULTILINE)
    expected = {(protocol.lower(), user) for protocol, user in rows}
    assert len(expected) == len(DIALOGUES)
    chisel, trace = Plaintext(secrets="show"), Trace()
    reassembler = Reassembler(trace)
    found: list[object] = []
    for packets in trace.read(str(path)):
        found += chisel.feed(reassembler.feed(packets, np.ones(len(trace.flows), np.bool_)))
    found += [*chisel.feed(reassembler.flush()), *chisel.end()]
    members = [dict(item.fields) for item in found if isinstance(item, Line)]
    assert {(m["protocol"], m["user"]) for m in members} == expected
    assert sorted(str(m["secret"]) for m in members) == ["hunter2", "pw3", "pw4", "pw5", "secret"]

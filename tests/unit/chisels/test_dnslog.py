"""dnslog: a line a query."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from pcapdig.chisels.dnslog import Dnslog
from pcapdig.errors import UsageError

QUESTION = b"\x01a\x04test\0" + struct.pack(">2H", 1, 1)
QUERY = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + QUESTION
ANSWER = (
    struct.pack(">6H", 7, 0x8180, 1, 1, 0, 0)
    + QUESTION
    + b"\xc0\x0c"
    + struct.pack(">HHIH", 1, 1, 9, 4)
    + b"\xc0\0\2\7"
)


@pytest.mark.parametrize("port", ["", "x", "0", "65536", "-1", "5 3", "٥"])
def test_no_port_is_refused(port: str) -> None:
    """Before anything is read."""
    with pytest.raises(UsageError, match="not a port"):
        Dnslog(port=port)


def test_filter_is_the_port() -> None:
    """53 if nothing is said."""
    assert (Dnslog().filter, Dnslog(port="5353").filter) == ("fd.port in (53, 5353, 5355)", "fd.port=5353")


def test_query_answer_and_processes(conversation: Callable[..., Any]) -> None:
    """One line though both ends are local."""
    (line,) = Dnslog().feed(conversation([(True, QUERY), (False, ANSWER)], port=53, protocol=17))
    words = "query=a.test type=A rcode=NOERROR answer=192.0.2.7 latency=1.50ms client.proc=curl server.proc=httpd"
    assert line.text.split(" ", 2)[2] == words  # type: ignore[union-attr]


def test_no_answer(conversation: Callable[..., Any]) -> None:
    """Shown at the end."""
    chisel = Dnslog(verbose=True)
    assert list(chisel.feed(conversation([(True, QUERY)], port=53, protocol=17, ends="client"))) == []
    (line,) = chisel.end()
    words = "query=a.test type=A rcode=<NA> answer=<NA> latency=<NA> client.proc=curl client.pid=100 server.proc=<NA> server.pid=<NA>"
    assert line.text.split(" ", 2)[2] == f"{words} fd.name=10.0.0.1:5000->10.0.0.2:53"  # type: ignore[union-attr]


def test_an_update_has_no_answer(conversation: Callable[..., Any]) -> None:
    """What stands where answers do are the conditions of the change (RFC 2136 section 2.4), which the server sends back."""
    update, done = (message[:2] + flags + message[4:] for message, flags in ((QUERY, b"\x28\0"), (ANSWER, b"\xa8\0")))
    (line,) = Dnslog().feed(conversation([(True, update), (False, done)], port=53, protocol=17))
    assert " query=a.test type=A rcode=NOERROR answer=<NA> opcode=UPDATE " in line.text  # type: ignore[union-attr]

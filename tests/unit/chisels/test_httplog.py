"""httplog: sysdig's line, at each end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from pcapdig.chisels.httplog import Httplog


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times as on a machine in UTC."""
    monkeypatch.setenv("TZ", "UTC0")
    time.tzset()


CALL = [
    (True, b"GET /bar HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    (False, b"HTTP/1.1 502 Bad\r\nContent-Length: 3\r\n\r\nabc"),
]


def texts(rows: Any, *, verbose: bool = False) -> list[str]:
    """All lines."""
    chisel = Httplog(verbose=verbose)
    return [item.text for item in (*chisel.feed(rows), *chisel.end())]  # type: ignore[union-attr]


def test_other_protocols_give_nothing(conversation: Callable[..., Any]) -> None:
    """Whatever the port."""
    assert texts(conversation([(True, b"\x16\x03\x01\0\0"), (False, b"SSH-2.0-x\r\n")])) == []


def test_a_line_an_end(conversation: Callable[..., Any]) -> None:
    """The client wrote the request, the server read it; the response's time, with nanoseconds."""
    words = "method=GET url=localhost/bar response_code=502 latency=1ms size=3B"
    when = "1970-01-01 00:00:00.001500000"
    assert texts(conversation(CALL)) == [f"{when} > {words}", f"{when} < {words}"]


@pytest.mark.parametrize(("ends", "arrows"), [("client", ">"), ("server", "<"), ("none", "<")])
def test_only_ends_that_are_known(conversation: Callable[..., Any], ends: str, arrows: str) -> None:
    """Where no process is known it is the server's view."""
    assert [text.split()[2] for text in texts(conversation(CALL, ends=ends))] == list(arrows)


def test_the_connection_is_shown_where_no_process_is_known(conversation: Callable[..., Any]) -> None:
    """It alone says who it was; where a process is known nothing is added."""
    ends = {
        end: [text.split("size=3B")[1] for text in texts(conversation(CALL, ends=end))] for end in ("none", "server")
    }
    assert ends == {"none": [" fd.name=10.0.0.1:5000->10.0.0.2:80"], "server": [""]}


def test_a_line_is_dated_by_its_answer(conversation: Callable[..., Any]) -> None:
    """So that the dig can show lines in the order of time."""
    (line,) = [*Httplog().feed(conversation(CALL, ends="server"))]
    assert line.order_ns == 1_500_000  # type: ignore[union-attr]


def test_verbose_adds_the_process(conversation: Callable[..., Any]) -> None:
    """Its own at each end."""
    ends = [text.split("size=3B")[1] for text in texts(conversation(CALL), verbose=True)]
    connection = "fd.name=10.0.0.1:5000->10.0.0.2:80"
    assert ends == [f" proc.name=curl proc.pid=100 {connection}", f" proc.name=httpd proc.pid=200 {connection}"]


def test_no_answer(conversation: Callable[..., Any]) -> None:
    """It is shown at the end."""
    (text,) = texts(conversation(CALL[:1], ends="server"))
    assert text.endswith("< method=GET url=localhost/bar response_code=<NA> latency=<NA> size=<NA>")


def test_json_has_numbers(conversation: Callable[..., Any]) -> None:
    """And no entry for what is not known."""
    (line,) = Httplog().feed(conversation(CALL, ends="server"))
    fields = dict(line.fields)  # type: ignore[union-attr]
    assert (fields["response_code"], fields["size"], fields["latency_ns"], fields["proc.name"]) == (
        502,
        3,
        1_500_000,
        "httpd",
    )
    assert None not in fields.values()

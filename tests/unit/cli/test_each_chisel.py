"""What holds for every chisel: odd captures, the options that go with all of them, and a user's chisel that fails."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from pcapdig.chisels import registry

Run = Callable[..., "Ended"]  # noqa: F821  # of conftest.py, which tests cannot import
pytestmark = pytest.mark.usefixtures("folder")

LAMP = Path(__file__).parents[3] / "fixtures" / "lamp.pcapng.gz"
WORDS = {
    "spy_ip": ["127.0.0.1"],
    "spy_port": ["80"],
    "netlower": ["0"],
    "fdbytes_by": ["fd.sport"],
    "fdcount_by": ["fd.sport"],
}
"""Arguments of those that need some."""
CHISELS = [(name, *WORDS.get(name, [])) for name in registry.names()]
FAILING = """
from pcapdig.chisels.lines import LineChisel


class Failing(LineChisel):
    name = "failing"
    category = short_description = description = "x"

    def __init__(self, *, verbose=False):
        super().__init__(verbose=verbose)
        if verbose:
            raise ValueError("in the beginning")

    def feed(self, rows):
        raise KeyError("in the middle")
        yield
"""


@pytest.mark.parametrize("words", CHISELS, ids=lambda words: words[0])
def test_an_empty_capture(run: Run, folder: Path, words: tuple[str, ...]) -> None:
    """No packet at all: headings at most."""
    data = (folder / "t.pcapng").read_bytes()
    first = int.from_bytes(data[4:8], "little")
    (folder / "empty.pcapng").write_bytes(data[: first + int.from_bytes(data[first + 4 : first + 8], "little")])
    ended = run("-r", "empty.pcapng", "-c", *words)
    assert (ended.status, ended.err) == (0, "")


@pytest.mark.parametrize("words", CHISELS, ids=lambda words: words[0])
@pytest.mark.parametrize("options", [("-v",), ("-q",), ("-pc",), ("-n", "2"), ("-S",), ("-X",)], ids="".join)
def test_options_that_go_with_all(run: Run, words: tuple[str, ...], options: tuple[str, ...]) -> None:
    """With processes and without, and a filter after the arguments."""
    for file in ("t.pcapng", "t.pcap"):
        ended = run("-r", file, *options, "-c", *words, "fd.sport=80 or fd.type=ipv4")
        assert (ended.status, ended.err) == (0, "")


@pytest.mark.parametrize(
    ("words", "neighbour"),
    [
        (words, neighbour)
        for words in CHISELS
        for neighbour in ("httplog", "echo_fds", "conns")
        if words[0] not in ("udp_extract", neighbour)  # that one writes files
    ],
    ids=lambda words: words[0] if isinstance(words, tuple) else words,
)
def test_beside_another_each_shows_what_it_shows_alone(run: Run, words: tuple[str, ...], neighbour: str) -> None:
    """One that counts packets is not given its neighbour's messages: a connection has as many packets as it has."""
    alone = run("-r", str(LAMP), "-c", *words).out
    beside = run("-r", str(LAMP), "-c", *words, "-c", neighbour).out
    assert sorted(alone.splitlines()) == _lines_in_common(alone, beside)


def _lines_in_common(alone: str, beside: str) -> list[str]:
    """The lines of `alone` that are in `beside` as often, sorted: two chisels' lines come mixed."""
    return sorted((Counter(alone.splitlines()) & Counter(beside.splitlines())).elements())


@pytest.mark.parametrize("words", CHISELS, ids=lambda words: words[0])
def test_json(run: Run, words: tuple[str, ...]) -> None:
    """All that is shown is JSON: objects, a line each, or one in several lines where it is a table."""
    ended = run("-r", "t.pcapng", "-j", "-c", *words)
    assert (ended.status, ended.err) == (0, "")
    rest, decoder = ended.out.strip(), json.JSONDecoder()
    while rest:
        value, end = decoder.raw_decode(rest)
        assert isinstance(value, dict)
        rest = rest[end:].strip()


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["topprocs_net"], "Bytes     Process   Host_pid  container.id"),
        (["topconns"], "Bytes     container.id Proto     Conn"),
        (["topports_server"], "Bytes     Srv Port  container.id"),
        (["httptop"], "ncalls    container    method    url"),
        (["netlower", "0"], "evt.datetime            container.id         proc.name"),
    ],
    ids=lambda words: words[0] if isinstance(words, list) else None,
)
def test_tables_have_a_column_for_containers(run: Run, words: list[str], shown: str) -> None:
    """Under -pc, as sysdig's; both ends are there."""
    out = run("-r", "t.pcapng", "-pc", "-c", *words).out
    assert out.startswith(shown)
    assert "59fd49aa4072" in out and "host" in out


def test_httplog_has_the_container_before_the_arrow(run: Run) -> None:
    """Each end its own."""
    lines = run("-r", "t.pcapng", "-pc", "-c", "httplog").out.splitlines()
    assert [line.split()[2:4] for line in lines] == [["host", ">"], ["59fd49aa4072", "<"]]


@pytest.mark.parametrize(
    ("options", "error"),
    [((), "line 15): KeyError: 'in the middle'"), (("-v",), "line 12): ValueError: in the beginning")],
)
def test_a_users_chisel_that_fails(run: Run, folder: Path, options: tuple[str, ...], error: str) -> None:
    """One line: file, line, error."""
    (folder / "failing.py").write_text(FAILING)
    ended = run("-r", "t.pcapng", "--chisel-dir", ".", *options, "-c", "failing")
    assert (ended.status, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert ended.err.startswith("chisel failing (failing.py ") and error in ended.err


def test_its_traceback_for_those_who_ask(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the same line."""
    (folder / "failing.py").write_text(FAILING)
    monkeypatch.setenv("PCAPDIG_DEBUG", "1")
    lines = run("-r", "t.pcapng", "--chisel-dir", ".", "-c", "failing").err.splitlines()
    assert lines[0].startswith("Traceback") and lines[-1].startswith("chisel failing (")

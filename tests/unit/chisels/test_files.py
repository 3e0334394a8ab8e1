"""files: beside tshark --export-objects on real servers, and what may not happen to a directory."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections import Counter
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from pcapdig.chisels.files import Files
from pcapdig.dig.extracts import ExtractFiles
from pcapdig.errors import UsageError
from pcapdig.render.items import Extract, Line

CAPTURE = Path(__file__).resolve().parent / "captures" / "files.pcap.gz"
POST = b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Type: text/x; a=b\r\nContent-Length: 4\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"


def told(rows: Any, **arguments: str) -> list[dict[str, Any]]:
    """The members of all lines; what is to be written is written."""
    chisel, files = Files(**arguments), ExtractFiles()
    lines = []
    for item in chain(chisel.feed(rows), chisel.end()):
        if isinstance(item, Extract):
            files.write(item)
        else:
            assert isinstance(item, Line)
            lines.append(dict(item.fields))
    return lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"save": ""}, "save is empty"),
        ({"max_mib": "1.5"}, "max_mib '1.5' is not a whole number"),
        ({"total_mib": "-1"}, "total_mib '-1' is not a whole number"),
        ({"max_files": "many"}, "max_files 'many' is not a whole number of files"),
    ],
)
def test_arguments_that_are_none(arguments: dict[str, str], message: str) -> None:
    """Said before anything is read."""
    with pytest.raises(UsageError, match=message):
        Files(**arguments)


def test_a_line_each_way(conversation: Callable[..., Any]) -> None:
    """The upload, then the download."""
    upload, download = told(conversation([(True, POST + b"body"), (False, OK)]))
    assert upload == {
        "direction": "upload",
        "method": "POST",
        "url": "h/p",
        "type": "text/x",
        "wire": 4,
        "size": 4,
        "sha256": hashlib.sha256(b"body").hexdigest(),
        "state": "whole",
        "evt.rawtime": 0,
        "fd.name": "10.0.0.1:5000->10.0.0.2:80",
        "client.proc.name": "curl",
        "client.proc.pid": 100,
        "server.proc.name": "httpd",
        "server.proc.pid": 200,
    }
    assert (download["direction"], download["name"], download["size"]) == ("download", "p", 3)


def test_a_body_that_never_ends_is_told(conversation: Callable[..., Any]) -> None:
    """At the end, as cut."""
    (line,) = told(conversation([(True, POST + b"bo")]))
    assert (line["state"], line["size"]) == ("cut", 2)


def test_nothing_is_written_unless_asked(conversation: Callable[..., Any]) -> None:
    """Lines only."""
    assert all(isinstance(item, Line) for item in Files().feed(conversation([(True, POST + b"body"), (False, OK)])))


def test_limits_stop_writing_not_hashing(conversation: Callable[..., Any], tmp_path: Path) -> None:
    """The file is cut, the line says so, and size and SHA-256 are of all."""
    data = b"x" * (1 << 20) + b"y"
    post = POST.replace(b"Content-Length: 4", b"Content-Length: %d" % len(data))
    (line,) = told(conversation([(True, post + data)]), save=str(tmp_path), max_mib="1")
    assert (line["size"], line["saved_bytes"], line["sha256"]) == (len(data), 1 << 20, hashlib.sha256(data).hexdigest())
    assert Path(line["saved"]).read_bytes() == data[: 1 << 20]
    (line,) = told(conversation([(True, POST + b"body")]), save=str(tmp_path), total_mib="0")
    assert "saved" not in line


def test_nothing_is_overwritten(conversation: Callable[..., Any], tmp_path: Path) -> None:
    """A second run writes beside the first."""
    for _ in range(2):
        told(conversation([(True, POST + b"body")]), save=str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1-body", "1-body~1"]


def test_many_bodies_under_way_are_bounded(conversation: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is told as cut."""
    monkeypatch.setattr("pcapdig.chisels.files._OPEN_LIMIT", 1)
    lines = told(conversation([(True, POST + b"bo"), (False, OK[:-1]), (True, b"dy")]))
    assert [(line["direction"], line["state"], line["size"]) for line in lines] == [
        ("upload", "cut", 2),
        ("download", "cut", 2),
    ]


def _run(*words: str) -> list[dict[str, Any]]:
    from command import dig

    done = dig("-r", str(CAPTURE), "-j", "-c", "files", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_files_are_tsharks(tmp_path: Path) -> None:
    """The SHA-256 of each body that tshark exports, and of no other but those of forms; each file saved has the hash told."""
    theirs_in, ours_in = tmp_path / "theirs", tmp_path / "ours"
    options = ["-d", "tcp.port==81,http", "-d", "tcp.port==82,http", "--export-objects", f"http,{theirs_in}"]
    subprocess.run(["tshark", "-q", "-r", str(CAPTURE), *options], check=True, capture_output=True)
    # tshark takes what goes through a CONNECT tunnel for a body.
    theirs = Counter(_sha256(path) for path in theirs_in.iterdir() if not path.name.startswith("h%3a1"))
    lines = _run("--save", str(ours_in))
    in_forms = [
        line for line in lines if line.get("name") in ("me at sea.png", "page.html") and line["direction"] == "upload"
    ]
    ours = Counter(line["sha256"] for line in lines) - Counter(line["sha256"] for line in in_forms)
    assert ours == theirs
    assert len(in_forms) == 2 and len(lines) > 30
    assert all(_sha256(Path(line["saved"])) == line["sha256"] for line in lines)
    assert {path.stat().st_mode & 0o777 for path in ours_in.iterdir()} == {0o600}
    assert len(list(ours_in.iterdir())) == len(lines)


def test_each_framing_is_whole() -> None:
    """Chunked, gzip, brotli, keep-alive, pipelined, HTTP/1.0 until close; ranges are parts; HEAD, 204, 304, 101 and CONNECT carry nothing."""
    lines = _run()
    assert {line["state"] for line in lines} == {"whole", "part"}
    assert {line["range"] for line in lines if line["state"] == "part"} == {"bytes 100-299/5008"}
    pages = [line for line in lines if line.get("name") == "page.html"]
    assert len({line["sha256"] for line in pages}) == 1
    assert len({line["wire"] for line in pages}) == 4  # plain, brotli, gzip of two servers
    assert not [line for line in lines if line.get("url") in ("h/ws", "h:1", "127.0.0.1:81/none")]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_no_more_files_than_may_be(conversation: Callable[..., Any], tmp_path: Path) -> None:
    """The others are listed, hashed and counted, and a note says how many were not written."""
    chisel = Files(save=str(tmp_path), max_files="2")
    rows = conversation([(True, POST + b"body")] * 3)
    items = [*chisel.feed(rows), *chisel.end()]
    lines = [item.text for item in items if isinstance(item, Line)]
    assert 2 == sum(isinstance(item, Extract) for item in items)
    assert 3 == len(lines) == sum(" size=4 " in line for line in lines)
    assert ["1 bodies were not written: --max-files is 2"] == [*chisel.notes()]

"""The seam where a file's words become processes."""

from __future__ import annotations

import struct

import pytest

from pcapdig.pcapng import comments
from pcapdig.procs.process import Process
from pcapdig.trace.columns import EVIDENCE_NAMES
from pcapdig.trace.processes import Claim, Processes

HTTPD = Process(
    name="httpd", pid=15457, uid=33, user="www-data", ppid=15439, pname="httpd", cmdline="/usr/sbin/httpd -k start"
)


@pytest.mark.parametrize("comment", [b"", b"PID: 5\nCmd: curl", b"proc.name=a", b"\x00\xff"])
def test_other_comments_claim_nothing(comment: bytes) -> None:
    """Nothing is guessed from them, and no process appears."""
    processes = Processes()
    assert processes.claim_of(comment) is None
    assert processes.known == []


@pytest.mark.parametrize("is_write", [True, False])
@pytest.mark.parametrize("evidence", EVIDENCE_NAMES[1:])
def test_a_claim(is_write: bool, evidence: str) -> None:
    """Process, end and evidence of a comment as the recorder writes it. Whose evidence is a listener serves."""
    processes = Processes()
    claim = processes.claim_of(comments.line(HTTPD, is_write=is_write, evidence=evidence))
    is_server = True if evidence == "listener" else None
    assert claim == Claim(process=0, is_write=is_write, evidence=EVIDENCE_NAMES.index(evidence), is_server=is_server)
    assert processes.known == [HTTPD]


@pytest.mark.parametrize("is_server", [True, False, None])
def test_a_role_is_no_part_of_the_process(is_server: bool | None) -> None:
    """`fd.is_server` says who serves, as the recorder knows it."""
    processes = Processes()
    line = comments.line(HTTPD, is_write=True, evidence="socket", is_server=is_server)
    claim = processes.claim_of(line)
    assert claim is not None
    assert claim.is_server is is_server
    assert processes.known == [HTTPD]


def test_evidence_of_a_later_version_is_none() -> None:
    """The process is named all the same."""
    claim = Processes().claim_of(b"proc.name=a proc.pid=1 evt.io_dir=read evidence=oracle")
    assert claim == Claim(process=0, is_write=False, evidence=0)


def test_one_process_is_one_row() -> None:
    """Whichever end and evidence its comments name; a changed name is another process."""
    processes = Processes()
    rows = [processes.row_of(Process(name=name, pid=1)) for name in ("a", "b", "a")]
    assert rows == [0, 1, 0]
    assert [p.name for p in processes.known] == ["a", "b"]


def test_evidence_numbers_are_those_of_the_probe() -> None:
    """enum event_evidence of probe/events.h."""
    assert EVIDENCE_NAMES == ("", *comments.EVIDENCES)


@pytest.mark.parametrize("full_cmdline", [False, True])
def test_secrets_in_command_lines_are_starred(full_cmdline: bool) -> None:
    """Those of files of before, and of other programs' files, unless somebody wants them."""
    processes = Processes(full_cmdline=full_cmdline)
    comment = b'proc.name=a proc.pid=1 evt.io_dir=read evidence=socket proc.cmdline="mysql -psecret4711 shop"'
    assert processes.claim_of(comment) is not None
    texts = [b"PID: 5", b"Cmd: /usr/bin/curl", b"Args: curl -u alice:secret4711 x"]
    options = b"".join(struct.pack("<HH", 1, len(text)) + text for text in texts)
    assert processes.foreign(options, 0) is not None
    secret = "secret4711" if full_cmdline else "***"
    assert [process.cmdline for process in processes.known] == [f"mysql -p{secret} shop", f"curl -u alice:{secret} x"]

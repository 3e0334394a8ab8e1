"""Comments: what is refused, the layout of DESIGN section 3, and parse as the inverse of compose."""

from __future__ import annotations

import dataclasses

import pytest

from pcapdig.pcapng.comments import CMDLINE_BYTES, EVIDENCES, compose, line, parse
from pcapdig.procs.process import Process

HTTPD = Process(
    name="httpd",
    pid=15457,
    uid=33,
    user="www-data",
    ppid=15439,
    pname="httpd",
    exepath="/usr/sbin/httpd",
    container_id="host",
    cmdline="/usr/sbin/httpd -k start",
)
HTTPD_LINE = (
    b"proc.name=httpd proc.pid=15457 evt.io_dir=read evidence=socket user.name=www-data user.uid=33 proc.ppid=15439 "
    b'proc.pname=httpd proc.exepath=/usr/sbin/httpd container.id=host proc.cmdline="/usr/sbin/httpd -k start"'
)
BARE = Process(name="curl", pid=7)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"a comment of a person",
        b"proc.name=httpd",
        b"proc.name=httpd proc.pid=1",
        b"proc.name= proc.pid=1 evt.io_dir=read",
        b"proc.name=httpd evt.io_dir=read proc.pid=1",
        b"proc.name=httpd proc.pid=x evt.io_dir=read",
        b"proc.name=httpd proc.pid=-1 evt.io_dir=read",
        b"proc.name=httpd proc.pid=4294967296 evt.io_dir=read",
        b"proc.name=httpd proc.pid=99999999999999999999 evt.io_dir=read",
        "proc.name=httpd proc.pid=١ evt.io_dir=read".encode(),
        b"proc.name=httpd proc.pid=1 evt.io_dir=both",
        b"proc.name=httpd proc.pid=1 evt.io_dir=readwrite",
        b'proc.name="httpd proc.pid=1 evt.io_dir=read',
        b" proc.name=httpd proc.pid=1 evt.io_dir=read",
        b"PID: 1\nCmd: curl",
        b"\xff\xfe\x00",
    ],
)
def test_foreign_comment_is_not_ours(text: bytes) -> None:
    """What does not begin with our three keys is None, not an error and not a guess."""
    assert parse(text) is None


@pytest.mark.parametrize("cut", range(len(HTTPD_LINE)))
def test_comment_cut_anywhere_never_raises(cut: int) -> None:
    """A cut comment is either not ours, or ours with what was whole."""
    parsed = parse(HTTPD_LINE[:cut])
    if parsed is not None:
        assert parsed.process.name == "httpd"
        assert parsed.process.cmdline is None


def test_layout_is_the_designs() -> None:
    """The line of DESIGN section 3, byte for byte."""
    assert line(HTTPD, is_write=False, evidence="socket") == HTTPD_LINE


def test_unknown_is_left_out() -> None:
    """A field that is None is not written."""
    bare = b"proc.name=curl proc.pid=7 evt.io_dir=write evidence=procfs"
    assert line(BARE, is_write=True, evidence="procfs", is_server=True) == bare + b" fd.is_server=true"
    assert line(BARE, is_write=True, evidence="procfs", is_server=False) == bare + b" fd.is_server=false"
    assert line(BARE, is_write=True, evidence="procfs") == b"proc.name=curl proc.pid=7 evt.io_dir=write evidence=procfs"


def test_command_line_can_be_left_out() -> None:
    """Without the command line, which may hold secrets, the rest stays."""
    assert compose(HTTPD, cmdline=False)[1].endswith(b" container.id=host")


def test_head_and_tail_surround_direction_and_evidence() -> None:
    """The record loop puts its own words between the two."""
    head, tail = compose(HTTPD)
    assert head + b"evt.io_dir=read evidence=socket" + tail == HTTPD_LINE


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("", b'""'),
        ("a b", b'"a b"'),
        ('a"b', b'"a\\"b"'),
        ("a'b", b'"a\'b"'),
        ("a\\b", b"a\\b"),
        ("a \\b", b'"a \\\\b"'),
        ("a=b", b"a=b"),
        ("größe", "größe".encode()),
        ("a\nb", "a\ufffdb".encode()),
        ("a\x9bb", "a\ufffdb".encode()),
        ("a\udcffb", "a\ufffdb".encode()),
    ],
)
def test_quoting(value: str, written: bytes) -> None:
    """Blanks, quotes and nothing at all are quoted; control and undecodable bytes are replaced."""
    head, _ = compose(Process(name=value, pid=1))
    assert head == b"proc.name=" + written + b" proc.pid=1 "


def test_command_line_is_cut_on_a_character() -> None:
    """512 bytes of command line, never half a character."""
    _, tail = compose(Process(name="x", pid=1, cmdline="x" * (CMDLINE_BYTES - 1) + "ß" + "y"))
    assert tail == b" proc.cmdline=" + b"x" * (CMDLINE_BYTES - 1)


def test_longest_comment_fits_an_option() -> None:
    """Whatever the texts, the whole stays far below an option's 65535 bytes."""
    long = '"' * 100_000
    process = Process(
        name=long,
        pid=1,
        user=long,
        pname=long,
        exepath=long,
        container_id=long,
        cmdline=long,
        uid=2**32 - 1,
        ppid=2**32 - 1,
    )
    assert len(line(process, is_write=True, evidence="snapshot")) < 16384


@pytest.mark.parametrize("evidence", EVIDENCES)
@pytest.mark.parametrize("is_write", [True, False])
@pytest.mark.parametrize(
    "process",
    [
        HTTPD,
        BARE,
        Process(name="", pid=0, cmdline=""),
        Process(
            name="a b", pid=1, exepath='/opt/"x"/\\y z', cmdline="sh -c 'echo \"a\\\\b\"' evidence=none user.uid=0"
        ),
        Process(name='proc.pid=1" ', pid=2, user="evt.io_dir=read", pname="=", cmdline=" "),
    ],
)
def test_parse_is_the_inverse(process: Process, is_write: bool, evidence: str) -> None:
    """What was composed is read back, whatever a process called itself."""
    parsed = parse(line(process, is_write=is_write, evidence=evidence))
    assert parsed is not None
    assert (parsed.process, parsed.is_write, parsed.evidence) == (process, is_write, evidence)


def test_start_time_is_not_on_disk() -> None:
    """The file does not say when a process started: None, not 0."""
    parsed = parse(line(dataclasses.replace(HTTPD, start_boot_ns=5), is_write=True, evidence="socket"))
    assert parsed is not None
    assert parsed.process == HTTPD


def test_unknown_keys_and_order_are_tolerated() -> None:
    """Keys of a later version are passed over, and after the first three any order will do."""
    parsed = parse(
        b'proc.name=a proc.pid=1 evt.io_dir=read user.uid=0 proc.sha="x y" evidence=listener user.name=root new='
    )
    assert parsed is not None
    assert (parsed.process, parsed.evidence) == (Process(name="a", pid=1, uid=0, user="root"), "listener")


def test_first_of_repeated_keys_counts() -> None:
    """A second value cannot overwrite what the recorder wrote."""
    parsed = parse(b"proc.name=a proc.pid=1 evt.io_dir=read user.uid=33 user.uid=0")
    assert parsed is not None
    assert parsed.process.uid == 33


@pytest.mark.parametrize("uid", ["x", "", "-1", "4294967296", "1e3", "9" * 5000])
def test_bad_number_is_unknown(uid: str) -> None:
    """A user id that is no 32-bit number is None."""
    parsed = parse(f"proc.name=a proc.pid=1 evt.io_dir=read user.uid={uid} user.name=b".encode())
    assert parsed is not None
    assert (parsed.process.uid, parsed.process.user) == (None, "b")


def test_unknown_evidence_is_none() -> None:
    """A word of a later version is not passed on as one of ours."""
    parsed = parse(b"proc.name=a proc.pid=1 evt.io_dir=read evidence=oracle")
    assert parsed is not None
    assert parsed.evidence == ""


def test_note_added_by_a_person_ends_the_reading() -> None:
    """Somebody's words after ours do no harm."""
    parsed = parse(HTTPD_LINE + b" <- look at this one, user.uid=0")
    assert parsed is not None
    assert parsed.process == HTTPD


def test_parsed_text_has_no_control_characters() -> None:
    """A hostile file cannot pass escape sequences on."""
    parsed = parse(b"proc.name=a\x1b[2J proc.pid=1 evt.io_dir=read user.name=b\xff")
    assert parsed is not None
    assert (parsed.process.name, parsed.process.user) == ("a\ufffd[2J", "b\ufffd")


IMITATIONS = [
    "proc.name=httpd ",
    "proc.pid=1 ",
    "evt.io_dir=read ",
    "evidence=socket ",
    "user.name=root ",
    "fd.is_server=true ",
    "container.id=host ",
]


@pytest.mark.parametrize("field", ["name", "user", "pname", "exepath", "container_id", "cmdline"])
@pytest.mark.parametrize("imitation", IMITATIONS)
@pytest.mark.parametrize(
    "around", ["{}", "x {}", "x {}y", '"{}"', "\\{}", "a={}", "{}{}", "\ufffd{}", "xproc.{}", "{}"[:2] + "\\"]
)
def test_no_text_imitates_a_key(around: str, imitation: str, field: str) -> None:
    """A display filter for a key finds what pcapdig says, never what a process says; the text is read back as it was."""
    text = around.replace("{}", imitation)
    process = dataclasses.replace(HTTPD, **{"name": "x", "user": "y", "container_id": "z", field: text})
    comment = line(process, is_write=True, evidence="procfs")
    assert imitation.encode() not in comment
    assert parse(comment).process == process  # type: ignore[union-attr]


def test_other_equal_signs_stay_as_they_are() -> None:
    """A command line is legible, and can be looked for."""
    process = dataclasses.replace(BARE, cmdline="java -Djava.io.tmpdir=/tmp --name=x")
    assert line(process, is_write=True, evidence="socket").endswith(b'"java -Djava.io.tmpdir=/tmp --name=x"')


def test_files_of_before_are_read() -> None:
    """Their keys in texts have no backslash."""
    parsed = parse(b"proc.name=x proc.pid=1 evt.io_dir=read evidence=socket proc.cmdline=\"./x 'x proc.name=httpd '\"")
    assert parsed is not None
    assert (parsed.process.name, parsed.process.cmdline) == ("x", "./x 'x proc.name=httpd '")

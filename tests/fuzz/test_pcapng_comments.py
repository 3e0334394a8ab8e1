"""parse(compose(process)) is the process, and parse takes any bytes."""

from __future__ import annotations

import dataclasses
import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pcapdig.pcapng.comments import CMDLINE_BYTES, EVIDENCES, NAME_BYTES, PATH_BYTES, line, parse
from pcapdig.pcapng.text import encode
from pcapdig.procs.process import Process

ODD = st.sampled_from(
    [" ", '"', "'", "\\", "=", "\n", "\x1b", "\x85", "\u2028", "\udc80", "\ufffd", "\0", "a", "é", "\U0001f600"]
)
TEXT = st.one_of(st.lists(ODD, max_size=12).map("".join), st.text(max_size=600))
NUMBER = st.integers(0, 2**32 - 1)
PROCESS = st.builds(
    Process,
    name=TEXT,
    pid=NUMBER,
    uid=st.none() | NUMBER,
    user=st.none() | TEXT,
    ppid=st.none() | NUMBER,
    pname=st.none() | TEXT,
    exepath=st.none() | TEXT,
    container_id=st.none() | TEXT,
    cmdline=st.none() | TEXT,
)
UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def writable(process: Process) -> Process:
    """The process as it may stand in a file: texts cleaned and cut."""
    limits = {"cmdline": CMDLINE_BYTES, "exepath": PATH_BYTES}
    texts = {}
    for name in ("name", "user", "pname", "exepath", "container_id", "cmdline"):
        value = getattr(process, name)
        texts[name] = None if value is None else encode(value, limits.get(name, NAME_BYTES)).decode()
    return dataclasses.replace(process, **texts)


@given(PROCESS, st.booleans(), st.sampled_from(EVIDENCES))
@settings(deadline=None)
def test_round_trip(process: Process, is_write: bool, evidence: str) -> None:
    """Any process comes back, but for what may not be written."""
    written = line(process, is_write=is_write, evidence=evidence)
    assert not UNWRITABLE.search(written.decode("utf-8", "strict"))
    parsed = parse(written)
    assert parsed is not None
    assert (parsed.process, parsed.is_write, parsed.evidence) == (writable(process), is_write, evidence)


PIECES = st.sampled_from(
    [
        "proc.",
        "name",
        "pid",
        "=",
        " ",
        "httpd",
        "evt.io_dir",
        "evidence",
        "user.name",
        "proc.name=",
        '"',
        "\\",
        "'",
        "P",
        "\n",
        "\udcff",
    ]
)
IMITATING = st.lists(PIECES, max_size=10).map("".join)
NAMES = ("httpd", "name", "pid", "P", "")


@given(
    st.builds(
        Process, name=IMITATING, pid=NUMBER, pname=IMITATING, user=IMITATING, exepath=IMITATING, cmdline=IMITATING
    )
)
@settings(deadline=None, max_examples=1000)
def test_a_name_is_found_only_where_it_is_the_name(process: Process) -> None:
    """What a display filter looks for, whatever the process says."""
    written = line(process, is_write=True, evidence="socket").decode()
    assert written.count("proc.name=") == written.count("proc.pid=") == written.count("evidence=") == 1
    for name in NAMES:
        assert f"proc.name={name} " not in written or writable(process).name == name


@given(
    st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=200).map(lambda tail: b"proc.name=a proc.pid=1 evt.io_dir=read " + tail),
        st.lists(
            st.sampled_from(
                [b'proc.name="', b'"', b" ", b"\\", b"proc.pid=", b"1", b"evt.io_dir=read", b"=", b"user.uid=\xff"]
            )
        ).map(b"".join),
    )
)
@example(b'proc.name="' + b"\\" * 20_000)
@example(b"proc.name=a proc.pid=1 evt.io_dir=read" + b" a=b" * 10_000)
@example(b'proc.name=a proc.pid=1 evt.io_dir=read user.name="' + b"x" * 65_000)
@settings(deadline=None)
def test_any_bytes_are_taken(text: bytes) -> None:
    """Nothing is raised, and what is understood can be written again and means the same."""
    parsed = parse(text)
    if parsed is None:
        return
    assert parsed.evidence in ("", *EVIDENCES)
    again = parse(line(parsed.process, is_write=parsed.is_write, evidence=parsed.evidence))
    assert again is not None
    assert again.process == writable(parsed.process)

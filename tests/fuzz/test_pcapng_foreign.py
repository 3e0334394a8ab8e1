"""Any comments name a process with clean texts, or nobody."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pcapdig.pcapng.foreign import parse
from pcapdig.pcapng.text import clean

WORDS = st.sampled_from(
    [
        *(b"PID", b"Cmd", b"Command", b"Args", b"UserId", b"ParentPID", b"ParentCmd", b"ContainerId", b"TID"),
        *(b"rustnet ", b"process", b"pid", b"uid", b"direction=outgoing", b": ", b"=", b" ", b"\n", b"..."),
        *(
            b"/dev/fd/5",
            b"/bin/sh",
            b"5",
            b"0",
            b"4294967296",
            b"\x00",
            b"\x1b[",
            b"\xff",
            b"\xc3\xa9",
            b"\xe2\x80\xa8",
        ),
    ]
)
COMMENTS = st.lists(st.one_of(st.lists(WORDS, max_size=20).map(b"".join), st.binary(max_size=60)), max_size=6)


@settings(max_examples=400)
@given(COMMENTS)
def test_any_comments(comments: list[bytes]) -> None:
    """Nothing is raised, and nothing that steers a terminal gets through."""
    named = parse(comments)
    if named is None:
        return
    process = named.process
    assert process.pid != 0
    assert process.pid is not None or process.name is not None
    for text in (process.name, process.pname, process.exepath, process.cmdline, process.container_id):
        assert text is None or (text and clean(text) == text)
    assert process.name is None or "rustnet" in str(comments) or len(process.name.encode()) <= 15

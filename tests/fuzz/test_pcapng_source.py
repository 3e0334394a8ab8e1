"""Any file: bytes or InputError, nothing else; and what comes out of a changed file is a prefix as long as the change allows."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import lz4.frame
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pcapdig.errors import InputError
from pcapdig.pcapng import blocks
from pcapdig.pcapng.source import open_source

CAPTURE = (
    blocks.section_header(os="Linux")
    + blocks.interface_description(name="lo", link_type=1)
    + b"".join(blocks.enhanced_packet(interface=0, time_ns=number, data=bytes([number]) * 60) for number in range(30))
)
PACKED = [
    CAPTURE,
    gzip.compress(CAPTURE[:999]) + gzip.compress(CAPTURE[999:]),
    zstandard.compress(CAPTURE[:999]) + zstandard.compress(CAPTURE[999:]),
    lz4.frame.compress(CAPTURE[:999]) + lz4.frame.compress(CAPTURE[999:]),
]
MOST_BYTES = 1 << 20


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """A capture in some container with a few bytes changed, put in or taken away."""
    content = bytearray(draw(st.sampled_from(PACKED)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        content[at : at + draw(st.integers(0, 8))] = draw(st.binary(max_size=8))
    return bytes(content)


@given(st.one_of(changed(), st.binary(max_size=200)))
@example(b"")
@example(b"\n\r\r\n\xff\xff\xff\xff\x4d\x3c\x2b\x1a")
@example(b"\n\r\r\n\x00\x00\x00\x00\x4d\x3c\x2b\x1a")
@example(b"\n\r\r\n\x08\x00\x00\x00\x4d\x3c\x2b\x1a\x01\x02\x00\x00")
@example(b"\x1f\x8b")
@example(b"\x28\xb5\x2f\xfd")
@example(b"\x04\x22\x4d\x18")
@example(b"\x50\x2a\x4d\x18\xff\xff\xff\xff")
@settings(deadline=None)
def test_any_file_gives_bytes_or_input_error(content: bytes) -> None:
    """No other exception, a one-line message, and no more output than a short file can hold."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "capture"
        path.write_bytes(content)
        had, message = 0, ""
        try:
            with open_source(str(path)) as source:
                for chunk in source.chunks():
                    had += len(chunk)
                    if had > MOST_BYTES:
                        break
        except InputError as error:
            message = str(error)
        assert "\n" not in message

"""Any bytes, at the very end of readable memory: no read goes past them, and what is said of a cut never changes with more bytes."""

from __future__ import annotations

import ctypes
import mmap
import struct

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pcapdig.packets import _tunnels
from pcapdig.packets._headers import read
from pcapdig.trace.blocks import LINK_TYPES

PAGE = mmap.PAGESIZE

ETHERNET_V4 = bytes(12) + b"\x08\x00"
ETHERNET_V6 = bytes(12) + b"\x86\xdd"
TCP = b"\x9c\x41\x9c\x42" + bytes(8) + b"\x50\x18" + bytes(6)
EXTENSION = st.sampled_from([0, 6, 17, 43, 44, 51, 58, 59, 60, 255])


def v6_header(following: int) -> bytes:
    """An IPv6 header of payload length 0, as BIG TCP has it."""
    return struct.pack(">IHBB", 0x60000000, 0, following, 64) + bytes(32)


class LastPage:
    """Readable memory with nothing readable behind it: reading one byte too far ends the test run by a signal."""

    def __init__(self) -> None:
        self._pages = mmap.mmap(-1, 2 * PAGE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._pages))
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        assert protect(start + PAGE, PAGE, 0) == 0

    def put(self, data: bytes) -> memoryview:
        """The same bytes, ending where readable memory ends."""
        self._pages[PAGE - len(data) : PAGE] = data
        return memoryview(self._pages)[PAGE - len(data) : PAGE]


LAST_PAGE = LastPage()


@st.composite
def packets(draw: st.DrawFn) -> bytes:
    """Bytes that begin like a packet, so that the deeper layers are reached."""
    link = draw(
        st.sampled_from(
            [
                b"",
                bytes(12) + b"\x08\x00",
                ETHERNET_V6,
                bytes(12) + b"\x81\x00\x00\x01\x08\x00",
                bytes(14) + b"\x86\xdd",
            ]
        )
    )
    rest = draw(st.binary(max_size=200))
    if draw(st.booleans()):
        length, protocol = draw(st.integers(0, 400)), draw(st.sampled_from([1, 6, 17, 51, 58, 132]))
        first = bytes([draw(st.sampled_from([0x45, 0x46, 0x4F, 0x44])), 0])
        fragment = draw(st.sampled_from([0, 0x2000, 0x2001, 0x4000]))
        return link + first + struct.pack(">HHHBB", length, 7, fragment, 64, protocol) + rest
    chain = b"".join(
        bytes([draw(EXTENSION), draw(st.sampled_from([0, 0, 1, 4, 255]))]) + draw(st.binary(min_size=6, max_size=6))
        for _ in range(draw(st.integers(0, 6)))
    )
    return (
        link
        + struct.pack(">IHBB", 0x60000000, draw(st.integers(0, 400)), draw(EXTENSION), 64)
        + bytes(32)
        + chain
        + rest
    )


@given(packets(), st.integers(0, 0xFFFFFFFF), st.sampled_from(sorted(LINK_TYPES)))
@example(
    ETHERNET_V6 + struct.pack(">IHBB", 0x60000000, 0, 0, 64) + bytes(32) + b"\x06\x00\xc2\x04\xff\xff\xff\xff", 0, 1
)
@example(bytes(12) + b"\x81\x00" * 40, 0, 1)
@example(bytes(12) + b"\x08\x00\x45\x00\x00\x28" + bytes(5) + b"\x33" + bytes(8), 0xFFFFFFFF, 1)
@settings(deadline=None)
def test_no_read_past_the_end_and_sane_values(data: bytes, original: int, link_type: int) -> None:
    """Whatever the bytes: nothing past them is read, and the fields do not contradict each other."""
    headers = read(LAST_PAGE.put(data), original, link_type)
    assert headers == read(data, original, link_type)
    assert headers.has_network == (headers.family in (4, 6))
    assert not headers.has_ports or (headers.has_network and not headers.is_fragment)
    assert headers.payload_length <= max(original, len(data))


@given(packets(), st.sampled_from(sorted(LINK_TYPES)))
@example(ETHERNET_V6 + v6_header(0) + b"\x06\x01\x05\x01\x00\xc2\x04\x00\x01\x11\x70\x01\x01\x00\x01\x01" + TCP, 1)
@example(ETHERNET_V6 + v6_header(0) + b"\x06\x01" + b"\x05\x01\x00" * 4 + b"\x01\x00" + TCP, 1)
@example(ETHERNET_V6 + v6_header(51) + b"\x2c\x04" + bytes(22) + b"\x06\x00\x00\x01" + bytes(4) + TCP, 1)
@example(ETHERNET_V4 + b"\x45\x00\x00\x00" + bytes(5) + b"\x06" + bytes(10) + TCP, 1)
@example(ETHERNET_V4 + b"\x45\x00\x00\x00" + bytes(5) + b"\x11" + bytes(10) + TCP, 1)
@example(ETHERNET_V4 + b"\x45\x00\x00\x00" + bytes(5) + b"\x01" + bytes(10) + b"\x08" + bytes(7), 1)
@example(ETHERNET_V4 + b"\x45\x00\x00\x00" + bytes(5) + b"\x33" + bytes(10) + b"\x06\x04" + bytes(22) + TCP, 1)
@example(bytes(12) + b"\x81\x00\x00\x01\x88\xa8\x00\x01\x86\xdd" + v6_header(6) + TCP, 1)
@settings(deadline=None)
def test_every_cut_stays_inside_and_agrees_with_the_whole(data: bytes, link_type: int) -> None:
    """Cut at every byte, nothing is read past the cut, and what is said of addresses and ports the whole packet says too."""
    more = read(data, len(data), link_type)
    for cut in range(len(data)):
        less = read(LAST_PAGE.put(data[:cut]), len(data), link_type)
        if less.has_network:
            assert less.source == more.source
            # A route over other addresses may be cut off; so are the ports then.
            assert less.destination == more.destination or not less.has_ports
            assert less.protocol in (0, more.protocol)
            assert less.ip_id in (0, more.ip_id) or less.family == 6  # of several fragment headers the last counts
        if less.has_ports:
            assert (less.source_port, less.destination_port) == (more.source_port, more.destination_port)


TAGS = (
    bytes(12) + b"\x89\x3f" + bytes(6) + b"\x08\0",
    bytes(12) + b"\x88\xe7" + bytes(16) + b"\x08\0",
    bytes(12) + b"\x89\x09\1\1\0\1\0\7\x08\0",
    bytes(12) + b"\x88\x64\x11\0\0\7\0\x40\x21",
)
TUNNEL = st.sampled_from(
    [
        (4, b""),
        (41, b""),
        (47, b"\x00\x00\x08\x00"),
        (47, b"\x30\x00\x65\x58" + bytes(8)),
        (47, b"\x40\x00\x86\xdd" + bytes(4) + b"\x08\x00\x00\x02\xff\xff"),
        (47, b"\x10\x00\x22\xeb" + bytes(15) + b"\x01" + bytes(8)),
        (47, b"\x20\x81\x88\x0b" + bytes(8) + b"\xff\x03\x00\x21"),
        (97, b"\x30\x00"),
        (137, bytes(4)),
        (137, b"\x00\x00\x01\x40"),
        (17, b"\xc3\x50\x12\xb5" + bytes(4) + b"\x08" + bytes(7)),
        (17, b"\xc3\x50\x12\xb6" + bytes(4) + b"\x0c\x00\x00\x02" + bytes(4)),
        (17, b"\xc3\x50\x17\xc1" + bytes(4) + b"\x01\x00\x65\x58" + bytes(8)),
        (47, b"\x00\x00\x88\x3e\0\1\2\3"),
        (47, b"\x00\x00\x82\x00\x08\x01" + bytes(22) + b"\xaa\xaa\3\0\0\0\x08\0"),
        (17, b"\xc3\x50\x08\x68" + bytes(4) + b"\x34\xff\0\x50" + bytes(4) + b"\0\0\0\xc0\1\0\1\0"),
        (17, b"\xc3\x50\x06\xa5" + bytes(4) + b"\x42\2\0\x50\0\1\0\2\0\2\0\0\x21"),
        (17, b"\xc3\x50\x06\xa5" + bytes(4) + b"\0\3" + bytes(10) + bytes(12) + b"\x08\0"),
        (115, b"\0\0\0\7" + bytes(12) + b"\xff\3\0\x21"),
        (17, b"\xc3\x50\x0d\xd8" + bytes(4) + b"\0\1\2\3" + bytes(14) + b"\0\0" + bytes(6) + b"\x60" + bytes(39)),
        (
            17,
            b"\xc3\x50\x14\x7f"
            + bytes(4)
            + b"\0\x10\3\0"
            + bytes(4)
            + b"\x01\x08"
            + bytes(22)
            + b"\xaa\xaa\3\0\0\0\x08\0",
        ),
        (17, b"\xc3\x50\x15\xb3" + bytes(20) + b"\x08\x01" + bytes(22) + b"\xaa\xaa\3\0\0\0\x08\0"),
    ]
)


@st.composite
def tunnels(draw: st.DrawFn) -> bytes:
    """Tunnels in tunnels, their last parts any bytes."""
    data = bytes(12) + b"\x08\x00"
    for _ in range(draw(st.integers(1, 10))):
        protocol, head = draw(TUNNEL)
        length = draw(st.sampled_from([0, 0, 0, 100, 21, 65535]))
        data += b"\x45\x00" + struct.pack(">HHHBB", length, 7, 0, 64, protocol) + bytes(10) + head
        data += draw(st.sampled_from([b"", b"", b"", bytes(12) + b"\x08\x00", bytes(12) + b"\x81\x00\x00\x01", *TAGS]))
    return data + draw(packets())


@given(tunnels(), st.integers(0, 0xFFFFFFFF), st.sampled_from((1, 1, 1, 113, 276)))
@settings(deadline=None)
def test_tunnels_are_never_read_past_the_end(data: bytes, original: int, link_type: int) -> None:
    """Whatever is inside what: nothing past the bytes is read, at no cut, and what is said lies inside the packet."""
    for cut in {0, len(data) // 3, len(data) - 1, len(data)}:
        headers = _tunnels.read(LAST_PAGE.put(data[:cut]), original, link_type)
        assert headers == _tunnels.read(data[:cut], original, link_type)
        assert headers.has_network == read(data[:cut], original, link_type).has_network
        assert not headers.has_ports or (headers.has_network and not headers.is_fragment)
        assert headers.payload_length <= max(original, cut)

"""Opening captures: what is refused, and files in place of interfaces."""

from __future__ import annotations

import os
import socket

import pytest

from pcapdig.capture._pcap import Capture, check_filter, library_version
from pcapdig.errors import HostError, UsageError

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="opening an interface needs root")


def open_lo(name="lo", bpf=None):
    """A small capture."""
    return Capture(name, snap_length=262144, ring_bytes=1 << 20, timeout_ms=50, bpf=bpf)


@needs_root
def test_an_unknown_interface_is_named():
    """The error says which interface does not exist."""
    with pytest.raises(UsageError, match="no interface named nosuch0"):
        open_lo("nosuch0")


@needs_root
def test_a_bad_filter_is_refused_in_libpcaps_words():
    """A BPF expression that does not compile is quoted with libpcap's reason."""
    with pytest.raises(UsageError, match="bad capture filter 'tcp prt 80': .*syntax error"):
        open_lo(bpf="tcp prt 80")


@pytest.mark.parametrize("bpf", ["tcp prt 80", "port", "host nosuch.invalid."])
def test_a_filter_is_checked_without_an_interface(bpf):
    """check_filter needs no privileges."""
    with pytest.raises(UsageError, match="bad capture filter"):
        check_filter(bpf)


def test_a_good_filter_passes():
    """Nothing is raised for what tcpdump takes."""
    check_filter("tcp port 80 or udp")


def test_a_file_that_is_none_is_refused(tmp_path):
    """from_file gives libpcap's reason."""
    path = tmp_path / "x"
    path.write_bytes(b"not a capture at all, but long enough to look at")
    with pytest.raises(HostError, match="unknown file format"):
        Capture.from_file(str(path))


@needs_root
def test_an_open_capture_counts_and_closes_twice():
    """Statistics exist while it is open, and are None afterwards."""
    capture = open_lo(bpf="tcp port 1")
    assert capture.link_type == 1
    counted = capture.statistics()
    assert counted is not None
    assert len(counted) == 3
    capture.close()
    capture.close()
    assert capture.statistics() is None


@needs_root
def test_what_the_snap_length_cuts_takes_no_room():
    """18 MB of datagrams cut to 64 bytes each fit a ring of 2 MiB, though nobody empties it; so the kernel cuts them."""
    capture = Capture("lo", snap_length=64, ring_bytes=2 << 20, timeout_ms=50)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink,
    ):
        sink.bind(("127.0.0.1", 0))
        for _ in range(300):
            sender.sendto(bytes(60_000), sink.getsockname())
    received, dropped, _ = capture.statistics()
    capture.close()
    assert received >= 300
    assert dropped == 0


def test_the_library_names_itself():
    """The version line is libpcap's."""
    assert library_version().startswith("libpcap version 1.")

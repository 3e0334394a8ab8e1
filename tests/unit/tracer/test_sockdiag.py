"""sock_diag's messages, and the real list beside ss."""

import socket
import struct
import subprocess

import pytest

from pcapdig.tracer.sockdiag import STATE_LISTEN, SockDiag, read_message

V4 = bytes.fromhex("020a0000005000007f000001" + "00" * 12 + "00000000" + "00" * 12 + "00000000") + struct.pack(
    "=QIIIII", 0x1234, 0, 0, 0, 33, 998
)


def test_every_cut_is_refused() -> None:
    """A message shorter than the kernel's structure."""
    assert len(V4) == 72
    for size in range(72):
        with pytest.raises(struct.error):
            read_message(V4[:size], socket.IPPROTO_TCP)


def test_a_message_is_read() -> None:
    """A listener on 127.0.0.1:80."""
    found = read_message(V4, socket.IPPROTO_TCP)
    assert (found.state, found.local_port, found.remote_port, found.cookie, found.inode) == (
        STATE_LISTEN,
        80,
        0,
        0x1234,
        998,
    )
    assert found.local == bytes(10) + b"\xff\xff\x7f\0\0\1"


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_it_agrees_with_ss(family: int) -> None:
    """Cookie and inode of a listener made here."""
    with socket.socket(family) as server:
        server.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
        server.listen()
        port = server.getsockname()[1]
        shown = subprocess.run(["ss", "-tlnHe", f"sport = :{port}"], capture_output=True, text=True, check=True).stdout
        words = dict(word.split(":", 1) for word in shown.split() if word.startswith(("ino:", "sk:")))
        diag = SockDiag()
        found = [one for one in diag.sockets() if one.local_port == port and one.state == STATE_LISTEN]
        diag.close()
    assert [(one.inode, one.cookie) for one in found] == [(int(words["ino"]), int(words["sk"], 16))]

"""sock_diag's messages, and the real list beside ss."""

import socket
import struct
import subprocess

import pytest

from pcapdig.tracer.sockdiag import (
    INET_DIAG_INFO,
    STATE_CLOSE_WAIT,
    STATE_ESTABLISHED,
    STATE_LISTEN,
    STATE_SYN_SENT,
    SockDiag,
    read_message,
)

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


def with_progress(state: int, unacknowledged: int, sent_again: int, acknowledged: int, sent: int) -> bytes:
    """A message with struct tcp_info behind another attribute."""
    info = bytearray(232)
    struct.pack_into("=I", info, 24, unacknowledged)
    struct.pack_into("=I", info, 100, sent_again)
    struct.pack_into("=Q", info, 120, acknowledged)
    struct.pack_into("=Q", info, 200, sent)
    return (
        V4[:1]
        + bytes([state])
        + V4[2:]
        + struct.pack("=HHI", 5, 8, 0)
        + struct.pack("=HH", 4 + len(info), INET_DIAG_INFO)
        + info
    )


@pytest.mark.parametrize(
    ("state", "counters", "expected"),
    [
        (STATE_ESTABLISHED, (0, 0, 101, 100), True),
        (STATE_ESTABLISHED, (0, 0, 100, 100), False),
        (STATE_CLOSE_WAIT, (0, 0, 1, 0), True),
        (STATE_SYN_SENT, (1, 0, 0, 0), True),
        # under way, sent again, an end that was sent, numbers of no sense, a listener
        (STATE_ESTABLISHED, (1, 0, 101, 100), None),
        (STATE_ESTABLISHED, (0, 1, 101, 100), None),
        (4, (0, 0, 101, 100), None),
        (STATE_ESTABLISHED, (0, 0, 102, 100), None),
        (STATE_ESTABLISHED, (0, 0, 9, 100), None),
        (STATE_LISTEN, (0, 0, 1, 0), None),
    ],
)
def test_the_counters_show_who_sent_the_syn(
    state: int, counters: tuple[int, int, int, int], expected: bool | None
) -> None:
    """It was acknowledged as one byte more than those of the payload."""
    message = with_progress(state, *counters)
    assert read_message(message, socket.IPPROTO_TCP).is_active is expected
    assert read_message(message, socket.IPPROTO_UDP).is_active is None


def test_cut_counters_show_nothing() -> None:
    """Nor does an attribute of no length, which would never end."""
    whole = with_progress(STATE_ESTABLISHED, 0, 0, 1, 0)
    for size in range(72, 72 + 8 + 4 + 208):
        assert read_message(whole[:size], socket.IPPROTO_TCP).is_active is None
    endless = whole[:72] + bytes(8) + whole[80:]
    assert read_message(endless, socket.IPPROTO_TCP).is_active is None


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("said", [b"", b"hello"])
def test_the_kernel_shows_who_connected(family: int, said: bytes) -> None:
    """Both ends of a connection on loopback, idle and used, whose listener is gone."""
    with socket.socket(family) as listener:
        listener.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
        listener.listen()
        client = socket.create_connection(listener.getsockname()[:2])
        server, _peer = listener.accept()
    with client, server:
        for sender, receiver in ((client, server), (server, client)):
            sender.sendall(said)
            assert not said or receiver.recv(100) == said
        ports = client.getsockname()[1], server.getsockname()[1]
        diag = SockDiag()
        found = {(one.local_port, one.remote_port): one.is_active for one in diag.sockets(progress=True)}
        plain = {(one.local_port, one.remote_port): one.is_active for one in diag.sockets()}
        diag.close()
    assert (found[ports], found[ports[::-1]]) == (True, False)
    assert (plain[ports], plain[ports[::-1]]) == (None, None)


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

"""Every internet socket of a network namespace, asked from the kernel by sock_diag.

The fixed part of the kernel's answer holds all that is needed, so it is read with `struct`: listing 2,000 sockets this way takes a
few milliseconds, which a poll every 100 ms can afford. Source: include/uapi/linux/inet_diag.h, netlink(7), sock_diag(7).
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST_DUMP = 0x301
NLMSG_ERROR, NLMSG_DONE = 2, 3
CLONE_NEWNET = 0x40000000
ANY_STATE = 0xFFFFFFFF
RECEIVE_BYTES = 1 << 16
PROTOCOLS = (socket.IPPROTO_TCP, socket.IPPROTO_UDP, socket.IPPROTO_RAW)

_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBBI48x")
_MESSAGE = struct.Struct("=BBBB 2s2s16s16sIQ IIIII")
_ATTRIBUTE = struct.Struct("=HH")
_PROGRESS = struct.Struct("=24xI72xI16xQ72xQ")
"""struct tcp_info: tcpi_unacked, tcpi_total_retrans, tcpi_bytes_acked, tcpi_bytes_sent (include/uapi/linux/tcp.h)."""
INET_DIAG_INFO = 2
"""The attribute that holds it (include/uapi/linux/inet_diag.h)."""

STATE_ESTABLISHED, STATE_SYN_SENT, STATE_SYN_RECV, STATE_TIME_WAIT = 1, 2, 3, 6
STATE_CLOSE, STATE_CLOSE_WAIT, STATE_LISTEN, STATE_NEW_SYN_RECV = 7, 8, 10, 12
"""include/net/tcp_states.h"""


@dataclass(frozen=True, slots=True)
class DiagSocket:
    """One socket as sock_diag tells it."""

    cookie: int
    protocol: int
    """The socket's; for raw sockets IPPROTO_RAW, whatever they carry."""
    family: int
    state: int
    local: bytes
    """16 bytes, IPv4 as ::ffff:a.b.c.d."""
    local_port: int
    """Host byte order; for raw sockets the protocol they carry."""
    remote: bytes
    remote_port: int
    inode: int
    """Of the socket's file; 0 when no process holds it (not accepted, or closed and still sending)."""
    is_active: bool | None = None
    """TCP: this end connected; False: a listening socket made it; None where the kernel was not asked or does not show it."""


class SockDiag:
    """A netlink socket that lists the sockets of the namespace it was made in."""

    def __init__(self) -> None:
        """Open it.

        Raises:
            OSError: the kernel has no sock_diag.
        """
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG)
        self._socket.settimeout(5)

    def close(self) -> None:
        """Close it, which also lets go of the namespace."""
        self._socket.close()

    def sockets(self, *, progress: bool = False) -> Iterator[DiagSocket]:
        """All TCP, UDP and raw sockets, IPv4 and IPv6; a protocol without a diag module has none.

        Args:
            progress: ask for each connection's counters too, which show who began it.

        Raises:
            OSError: the kernel does not answer.
        """
        for protocol in PROTOCOLS:
            for family in (socket.AF_INET, socket.AF_INET6):
                yield from self._dump(family, protocol, progress and protocol == socket.IPPROTO_TCP)

    def _dump(self, family: int, protocol: int, progress: bool) -> Iterator[DiagSocket]:
        wanted = 1 << (INET_DIAG_INFO - 1) if progress else 0
        request = _REQUEST.pack(family, protocol, wanted, 0, ANY_STATE)
        header = _HEADER.pack(_HEADER.size + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST_DUMP, 1, 0)
        self._socket.send(header + request)
        while True:
            answer = self._socket.recv(RECEIVE_BYTES)
            at = 0
            while at + _HEADER.size <= len(answer):
                length, kind, _flags, _sequence, _port = _HEADER.unpack_from(answer, at)
                if kind in (NLMSG_DONE, NLMSG_ERROR):
                    return
                if kind == SOCK_DIAG_BY_FAMILY and length >= _HEADER.size + _MESSAGE.size:
                    yield read_message(answer[at + _HEADER.size : at + length], protocol)
                at += max((length + 3) & ~3, _HEADER.size)


def read_message(message: bytes, protocol: int) -> DiagSocket:
    """One struct inet_diag_msg.

    Raises:
        struct.error: shorter than that structure.
    """
    family, state, _t, _r, sport, dport, source, destination, _if, cookie, _e, _rq, _wq, _uid, inode = (
        _MESSAGE.unpack_from(message)
    )
    if family == socket.AF_INET:
        source, destination = _mapped(source), _mapped(destination)
    return DiagSocket(
        cookie=cookie,
        protocol=protocol,
        family=family,
        state=state,
        local=source,
        local_port=int.from_bytes(sport),
        remote=destination,
        remote_port=int.from_bytes(dport),
        inode=inode,
        is_active=_is_active(state, message) if protocol == socket.IPPROTO_TCP else None,
    )


def _is_active(state: int, message: bytes) -> bool | None:
    """Did this end connect? A SYN that was sent counts as one acknowledged byte beside those of the payload (tcp_snd_una_update
    of net/ipv4/tcp_input.c); the SYN+ACK of an accepted connection does not. None while bytes are under way or were sent again."""
    if state == STATE_SYN_SENT:
        return True
    info = _attribute(message, INET_DIAG_INFO)
    if state not in (STATE_ESTABLISHED, STATE_CLOSE_WAIT) or len(info) < _PROGRESS.size:
        return None
    unacknowledged, sent_again, acknowledged, sent = _PROGRESS.unpack_from(info)
    if unacknowledged or sent_again:
        return None
    return {1: True, 0: False}.get(acknowledged - sent)


def _attribute(message: bytes, wanted: int) -> bytes:
    """The value of the first netlink attribute of this type after the fixed part; b"" where there is none."""
    at = _MESSAGE.size
    while at + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, at)
        if length < _ATTRIBUTE.size:
            return b""
        if kind == wanted:
            return message[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return b""


def _mapped(address: bytes) -> bytes:
    return bytes(10) + b"\xff\xff" + address[:4]


def open_in_namespace(path: str) -> SockDiag:
    """A SockDiag of the network namespace of this file (/proc/PID/ns/net). The calling thread goes there and comes back.

    Raises:
        OSError: not allowed, or the namespace is gone.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(libc, there)
        finally:
            os.close(there)
        try:
            return SockDiag()
        finally:
            _enter(libc, home)
    finally:
        os.close(home)


def _enter(libc: ctypes.CDLL, namespace: int) -> None:
    if libc.setns(namespace, CLONE_NEWNET):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))

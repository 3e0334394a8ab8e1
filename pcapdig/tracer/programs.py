"""The programs of probe/socktrace.bpf.c: what each needs of the kernel and what is missed without it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program of the object file."""

    name: str
    """Its function."""
    needs: str
    """The name in the kernel's BTF that must exist; "" for cgroup programs, which the kernel always has when it has cgroup v2."""
    since: str
    """First kernel with the hook."""
    tells: str
    """What is not known without it."""
    cgroup: bool = False
    """Attached at the cgroup root."""
    iterator: bool = False
    """Read on demand, not attached."""
    instead_of: str = ""
    """Only wanted where the kernel has not what this other program needs."""
    function: bool = False
    """Attached to a kernel function, which a kernel or its lockdown may forbid altogether."""


def _tracepoint(name: str, tracepoint: str, since: str, tells: str) -> Program:
    return Program(name=name, needs=f"btf_trace_{tracepoint}", since=since, tells=tells)


def _function(name: str, function: str, tells: str, *, instead_of: str = "", since: str = "5.5") -> Program:
    return Program(name=name, needs=function, since=since, tells=tells, instead_of=instead_of, function=True)


PROGRAMS: tuple[Program, ...] = (
    _tracepoint("tcp_state", "inet_sock_set_state", "4.16", "TCP connections"),
    _tracepoint("tcp_destroyed", "tcp_destroy_sock", "4.15", "the end of a TCP socket that connects again"),
    _tracepoint("tcp_reads", "tcp_rcv_space_adjust", "4.15", "who reads a TCP socket"),
    _tracepoint("tcp_writes", "tcp_sendmsg_locked", "6.16", "a new writer of a TCP socket before its bytes leave"),
    _tracepoint("socket_sent", "sock_send_length", "6.3", "who writes a socket"),
    _tracepoint("socket_received", "sock_recv_length", "6.3", "who reads a datagram socket"),
    _function("inet_sent", "inet_sendmsg", "who writes an IPv4 socket", instead_of="socket_sent"),
    _function("inet6_sent", "inet6_sendmsg", "who writes an IPv6 socket", instead_of="socket_sent"),
    _function("inet_received", "inet_recvmsg", "who reads an IPv4 socket", instead_of="socket_received"),
    _function("inet6_received", "inet6_recvmsg", "who reads an IPv6 socket", instead_of="socket_received"),
    _function("tcp_begins_write", "tcp_sendmsg_locked", "a new writer before its bytes leave", instead_of="tcp_writes"),
    _function("tcp_accepted", "proto_accept_arg", "who accepted, before the first use", since="6.10"),
    _function(
        "tcp_accepted_before_6_10", "inet_csk_accept", "who accepted, before the first use", instead_of="tcp_accepted"
    ),
    Program(name="packet_sent", needs="", since="4.10", tells="addresses of SYNs and datagrams going out", cgroup=True),
    Program(name="packet_received", needs="", since="4.10", tells="which socket took a datagram", cgroup=True),
    Program(name="socket_created", needs="", since="4.10", tells="who made a datagram socket", cgroup=True),
    Program(name="socket_released", needs="", since="5.9", tells="the end of datagram sockets", cgroup=True),
    _tracepoint("process_forked", "sched_process_fork", "2.6", "processes as they are made"),
    _tracepoint("process_execed", "sched_process_exec", "3.4", "programs as they are started"),
    _tracepoint("process_exited", "sched_process_exit", "2.6", "processes as they end"),
    Program(
        name="socket_holders",
        needs="bpf_iter_task_file",
        since="5.11",
        tells="sockets held before recording",
        iterator=True,
    ),
)

REQUIRED = "tcp_state"
"""Without this one there is no tracer."""

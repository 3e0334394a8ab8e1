"""The tracer without eBPF: sockets listed by sock_diag every 100 ms, their holders looked up under /proc.

What lives shorter than a poll is missed, and not guessed. A thread of its own does the looking, since it may take longer than the record loop
can wait and since it visits other network namespaces.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pcapdig.errors import HostError
from pcapdig.procs.events import EventProcess, Kind
from pcapdig.procs.procdir import ProcDir
from pcapdig.tracer import sockdiag
from pcapdig.tracer.contract import EventSource, TracerName
from pcapdig.tracer.events import Evidence, SocketEvent, unmapped
from pcapdig.tracer.holders import Holder, Holders, find_holders, identity, process_event

if TYPE_CHECKING:
    from pcapdig.procs import ProcessTable

POLL_NS = 100_000_000
DUTY = 4
"""A poll that takes long is followed by a pause this many times as long, so that looking never eats a processor."""
RESCAN_NS = 1_000_000_000
"""How often holders are looked up again where nothing new asks for it: descriptors are passed on and closed."""
FIRST_ROUND_S = 30.0


@dataclass(slots=True)
class _Known:
    """A socket seen in the last poll."""

    socket: sockdiag.DiagSocket
    netns: int
    holder: Holder | None = None


class ProcfsTracer:
    """Polls sock_diag and /proc.

    Args:
        processes: the recorder's table; its /proc is looked at.
    """

    name: TracerName = "procfs"

    def __init__(self, *, processes: ProcessTable | None = None) -> None:
        self.notes = ["procfs: sockets that live shorter than 0.1 s are not named"]
        self._proc = processes.proc if processes is not None else ProcDir()
        self._round = Round(self._proc)
        self._events = bytearray()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._rounds = threading.Semaphore(0)
        self._thread: threading.Thread | None = None
        self._failure: str | None = None

    def start(self) -> EventSource:
        """Begin to poll.

        Raises:
            HostError: the kernel has no sock_diag.
        """
        try:
            sockdiag.SockDiag().close()
        except OSError as error:
            raise HostError(f"sockets cannot be listed (sock_diag): {error.strerror}") from error
        self._thread = threading.Thread(target=self._run, name="pcapdig-procfs", daemon=True)
        self._thread.start()
        return EventSource(kind="polled")

    def snapshot(self) -> bytes:
        """The events of the first look; waits for it to end.

        Raises:
            HostError: it failed.
        """
        self._rounds.acquire(timeout=FIRST_ROUND_S)
        if self._failure is not None:
            raise HostError(f"sockets cannot be listed: {self._failure}")
        return self.poll()

    def poll(self) -> bytes:
        """Events of the looks since the last call."""
        with self._lock:
            events = bytes(self._events)
            self._events.clear()
        return events

    def lost_events(self) -> int:
        """None: what was missed was never an event."""
        return 0

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                began = time.monotonic_ns()
                try:
                    events = self._round.look(time.clock_gettime_ns(time.CLOCK_BOOTTIME), began)
                except (OSError, struct.error) as error:
                    self._failure = str(error)
                    self.notes.append(f"procfs: sockets cannot be listed: {error}")
                    return
                finally:
                    self._rounds.release()
                with self._lock:
                    self._events += events
                took = time.monotonic_ns() - began
                self._stop.wait(max(POLL_NS - took, DUTY * took if took > POLL_NS // 2 else 0) / 1e9)
        finally:
            self._round.close()


class Round:
    """One look after the other, and what the last one saw."""

    def __init__(self, proc: ProcDir, *, evidence: Evidence = Evidence.PROCFS) -> None:
        self._proc = proc
        self._evidence = evidence
        self._diags: dict[int, sockdiag.SockDiag] = {}
        self._known: dict[int, _Known] = {}
        self._told: set[tuple[int, int, bytes]] = set()
        self._scanned_ns = 0
        self._unreachable: set[int] = set()
        self._home = os.stat("/proc/self/ns/net").st_ino

    def close(self) -> None:
        """Let go of all namespaces."""
        for diag in self._diags.values():
            diag.close()
        self._diags.clear()

    def look(self, boot_ns: int, monotonic_ns: int) -> bytes:
        """Events for what changed since the last look.

        Raises:
            OSError: the own namespace's sockets cannot be listed.
        """
        seen = self._list()
        unheld = any(
            found.inode and (cookie not in self._known or self._known[cookie].holder is None)
            for cookie, (found, _netns) in seen.items()
        )
        due = monotonic_ns - self._scanned_ns > RESCAN_NS
        holders = None
        if due or (unheld and not self._only_old_unheld(seen)):
            holders = find_holders(self._proc)
            self._scanned_ns = monotonic_ns
            self._told &= {_name(holder) for held in holders.by_inode.values() for holder in held}
            if self._follow_namespaces(holders):
                seen = self._list()
        return self._compare(seen, holders, boot_ns)

    def _only_old_unheld(self, seen: dict[int, tuple[sockdiag.DiagSocket, int]]) -> bool:
        """Every socket without a holder was already looked up in vain; the next regular scan will try again."""
        return all(
            not found.inode
            or (cookie in self._known and (self._known[cookie].holder or self._known[cookie].socket.inode))
            for cookie, (found, _netns) in seen.items()
        )

    # -- listing -----------------------------------------------------------------------------------------------------

    def _list(self) -> dict[int, tuple[sockdiag.DiagSocket, int]]:
        """Cookie -> socket and namespace. Sockets of handshakes and time-wait belong to nobody and are left out."""
        if self._home not in self._diags:
            self._diags[self._home] = sockdiag.SockDiag()
        seen = {}
        for netns, diag in self._diags.items():
            for found in diag.sockets():
                if found.protocol == socket.IPPROTO_TCP and found.state in (
                    sockdiag.STATE_TIME_WAIT,
                    sockdiag.STATE_NEW_SYN_RECV,
                    sockdiag.STATE_CLOSE,
                ):
                    continue
                seen[found.cookie] = (found, netns)
        return seen

    def _follow_namespaces(self, holders: Holders) -> bool:
        """Open the namespaces that processes are in, close those that nobody is in any more. True when there are new ones."""
        for netns in set(self._diags) - set(holders.namespaces) - {self._home}:
            self._diags.pop(netns).close()
        self._unreachable &= set(holders.namespaces)
        added = False
        for netns, pid in holders.namespaces.items():
            if netns in self._diags or netns in self._unreachable:
                continue
            try:
                self._diags[netns] = sockdiag.open_in_namespace(f"{self._proc.root}/{pid}/ns/net")
                added = True
            except OSError:
                self._unreachable.add(netns)
        return added

    # -- comparing ---------------------------------------------------------------------------------------------------

    def _compare(
        self, seen: dict[int, tuple[sockdiag.DiagSocket, int]], holders: Holders | None, boot_ns: int
    ) -> bytes:
        events = bytearray()
        for cookie in self._known.keys() - seen.keys():
            gone = self._known.pop(cookie)
            events += self._socket_event(Kind.SOCKET_CLOSED, gone.socket, gone.netns, boot_ns, None)
        for cookie, (found, netns) in seen.items():
            known = self._known.get(cookie)
            is_new = known is None or _addresses(known.socket) != _addresses(found)
            known = self._known[cookie] = _Known(found, netns, known.holder if known else None)
            holder = self._new_holder(known, holders)
            who = identity(self._proc, holder) if holder is not None else None
            if not is_new and who is None:
                continue
            if holder is not None and who is not None:
                known.holder = holder
                events += self._tell(holder, who, boot_ns)
            events += self._socket_event(_kind(found, is_new), found, netns, boot_ns, who)
        return bytes(events)

    @staticmethod
    def _new_holder(known: _Known, holders: Holders | None) -> Holder | None:
        """The oldest holder, if the one known so far holds the socket no longer."""
        if holders is None or not known.socket.inode:
            return None
        now = holders.by_inode.get(known.socket.inode)
        if not now:
            return None
        before = known.holder
        if before is not None and any(_same_process(before, holder) and before.comm == holder.comm for holder in now):
            return None
        return now[0]

    def _tell(self, holder: Holder, who: EventProcess, boot_ns: int) -> bytes:
        """The holder's program, once for each name it has."""
        if _name(holder) in self._told:
            return b""
        self._told.add(_name(holder))
        return process_event(self._proc, holder, who, boot_ns).pack()

    def _socket_event(
        self, kind: Kind, found: sockdiag.DiagSocket, netns: int, boot_ns: int, who: EventProcess | None
    ) -> bytes:
        raw = found.protocol == socket.IPPROTO_RAW
        return SocketEvent(
            kind=kind,
            time_ns=boot_ns,
            cookie=found.cookie,
            netns=netns,
            local=unmapped(found.local),
            local_port=0 if raw else found.local_port,
            remote=unmapped(found.remote),
            remote_port=0 if raw else found.remote_port,
            protocol=found.local_port & 0xFF if raw else found.protocol,
            evidence=self._evidence,
            family=found.family,
            process=who,
        ).pack()


def _name(holder: Holder) -> tuple[int, int, bytes]:
    return (holder.pid, holder.start_ticks, holder.comm)


def _same_process(a: Holder, b: Holder) -> bool:
    return (a.pid, a.start_ticks) == (b.pid, b.start_ticks)


def _addresses(found: sockdiag.DiagSocket) -> tuple[bytes, int, bytes, int]:
    return (found.local, found.local_port, found.remote, found.remote_port)


def _kind(found: sockdiag.DiagSocket, is_new: bool) -> Kind:
    if found.protocol == socket.IPPROTO_TCP and found.state == sockdiag.STATE_LISTEN:
        return Kind.SOCKET_LISTENING
    return Kind.SOCKET_BOUND if is_new else Kind.SOCKET_HELD

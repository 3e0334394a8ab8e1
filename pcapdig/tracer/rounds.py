"""One look after the other at all sockets and their holders, and what changed between two.

Only a socket that exactly one process holds is named: of several holders, /proc does not say which one uses it. When a second process comes to
hold a named socket (a fork), the socket is told as closed and bound anew without a process, from the moment of that fork on. A child that came
and went between two looks is betrayed by its parent's count of children's page faults; then nobody is named for that time.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass, replace

from pcapdig.errors import HostError
from pcapdig.procs.events import EventProcess, Kind
from pcapdig.procs.procdir import TICK_NS, ProcDir
from pcapdig.tracer import sockdiag
from pcapdig.tracer.events import NO_FLAGS, Evidence, Flags, SocketEvent, unmapped
from pcapdig.tracer.holders import Held, Holder, by_inode, identity, look_at, process_event
from pcapdig.tracer.roles import Place, Roles, chosen_ports

RESCAN_NS = 1_000_000_000
"""How often every process is looked at, though nothing new asks for it: descriptors are passed on and closed."""
GENERATION_SHIFT = 56
"""A socket told anew needs a new cookie; the kernel counts cookies from 1 and never comes this far."""
UNOWNED_STATES = (sockdiag.STATE_TIME_WAIT, sockdiag.STATE_NEW_SYN_RECV, sockdiag.STATE_CLOSE)
"""TCP: of nobody, or not yet anything."""

_Seen = dict[int, tuple[sockdiag.DiagSocket, int]]
"""Cookie -> socket and network namespace."""


@dataclass(slots=True)
class _Known:
    """A socket as it was told."""

    socket: sockdiag.DiagSocket
    netns: int
    holder: Holder | None = None
    generation: int = 0
    is_told: bool = False
    was_unsure: bool = False
    """Somebody else may have used it since it was told."""
    role: Flags = NO_FLAGS
    """Who began, of a socket that was there at the first look."""


class Rounds:
    """Looks, and remembers what was told.

    Args:
        proc: where processes are looked at.
        evidence: what the events say of themselves.
    """

    def __init__(self, proc: ProcDir, *, evidence: Evidence = Evidence.PROCFS) -> None:
        self._proc = proc
        self._evidence = evidence
        self._diags: dict[int, sockdiag.SockDiag] = {}
        self._unreachable: set[int] = set()
        self._held: dict[int, Held] = {}
        self._known: dict[int, _Known] = {}
        self._programs_told: set[Holder] = set()
        self._scanned_ns: int | None = None
        self._last_look_ns = 0
        self._home = os.stat("/proc/self/ns/net").st_ino

    def close(self) -> None:
        """Let go of all namespaces."""
        for diag in self._diags.values():
            diag.close()
        self._diags.clear()

    def look(self, boot_ns: int, monotonic_ns: int) -> bytes:
        """Events for what changed since the last look.

        Args:
            boot_ns: now, CLOCK_BOOTTIME.
            monotonic_ns: now, CLOCK_MONOTONIC, which says when every process is due again.

        Raises:
            OSError: the own namespace's sockets cannot be listed.
        """
        seen = self._list()
        before = self._held
        is_due = self._scanned_ns is None or monotonic_ns - self._scanned_ns > RESCAN_NS
        if is_due or self._has_new_files(seen):
            self._held = {pid: held for pid in self._proc.pids() if (held := look_at(self._proc, pid))}
            self._scanned_ns = monotonic_ns
            self._programs_told &= {held.holder for held in self._held.values()}
            has_changed = True
            if self._follow_namespaces():
                seen = self._list()
        else:
            has_changed = self._look_at_new_processes()
        forked = self._forked_since(before)
        holders = by_inode(self._held.values()) if has_changed or forked else None
        events = self._compare(seen, holders, forked, boot_ns)
        self._last_look_ns = boot_ns
        return events

    @property
    def _is_first_look(self) -> bool:
        return self._last_look_ns == 0

    # -- looking -----------------------------------------------------------------------------------------------------

    def _list(self) -> _Seen:
        if self._home not in self._diags:
            self._diags[self._home] = sockdiag.SockDiag()
        return {
            found.cookie: (found, netns)
            for netns, diag in self._diags.items()
            for found in diag.sockets(progress=self._is_first_look)
            if found.protocol != socket.IPPROTO_TCP or found.state not in UNOWNED_STATES
        }

    def _has_new_files(self, seen: _Seen) -> bool:
        """A socket that somebody now holds, made or accepted since the last look."""
        return any(
            found.inode and (cookie not in self._known or not self._known[cookie].socket.inode)
            for cookie, (found, _netns) in seen.items()
        )

    def _look_at_new_processes(self) -> bool:
        """A fork gives its parent's sockets a second holder: look at those just made and at who shares with them."""
        pids = set(self._proc.pids())
        gone, new = self._held.keys() - pids, pids - self._held.keys()
        made = [held for pid in new if (held := look_at(self._proc, pid))]
        shared = frozenset[int]().union(*(held.inodes for held in made))
        self._held = {
            pid: (look_at(self._proc, pid) or held) if held.inodes & shared else self._counted(held)
            for pid, held in self._held.items()
            if pid not in gone
        }
        self._held.update({held.holder.pid: held for held in made})
        return bool(gone or made)

    def _counted(self, held: Held) -> Held:
        """With its present count of children's faults; only who holds sockets is asked."""
        stat = self._proc.stat(held.holder.pid) if held.inodes else None
        return replace(held, child_faults=stat.child_faults) if stat is not None else held

    def _forked_since(self, before: dict[int, Held]) -> set[int]:
        """Processes that had a child since then, whether it is still there or not."""
        forked = {held.holder.ppid for pid, held in self._held.items() if pid not in before}
        for pid, held in self._held.items():
            if pid in before and before[pid].child_faults != held.child_faults:
                forked.add(pid)
        return forked

    def _follow_namespaces(self) -> bool:
        """Open the namespaces that processes are in, close those that nobody is in any more. True when there are new ones."""
        inhabited = {held.netns: held.holder.pid for held in self._held.values() if held.netns is not None}
        for netns in set(self._diags) - set(inhabited) - {self._home}:
            self._diags.pop(netns).close()
        self._unreachable &= set(inhabited)
        added = False
        for netns, pid in inhabited.items():
            if netns in self._diags or netns in self._unreachable:
                continue
            try:
                self._diags[netns] = sockdiag.open_in_namespace(f"{self._proc.root}/{pid}/ns/net")
                added = True
            except OSError:
                self._unreachable.add(netns)
        return added

    # -- comparing ---------------------------------------------------------------------------------------------------

    def _compare(self, seen: _Seen, holders: dict[int, list[Holder]] | None, forked: set[int], boot_ns: int) -> bytes:
        events = bytearray()
        roles = _roles(seen) if self._is_first_look else {}
        for cookie in self._known.keys() - seen.keys():
            gone = self._known.pop(cookie)
            if gone.holder is not None and (gone.holder.pid in forked or gone.holder.pid not in self._held):
                # its holder may have had a child since the last look, which used it to its end
                events += self._tell_anew(gone, self._last_look_ns)
            events += self._event(Kind.SOCKET_CLOSED, gone, boot_ns)
        for cookie, (found, netns) in seen.items():
            known = self._known.get(cookie)
            is_new = known is None or _addresses(known.socket) != _addresses(found)
            if known is None:
                known = self._known[cookie] = _Known(found, netns, role=roles.get(cookie, NO_FLAGS))
            elif is_new:
                known.role = NO_FLAGS  # it has connected since
            known.socket, known.netns = found, netns
            now = holders.get(found.inode, []) if holders is not None and found.inode else []
            is_unsure = len(now) > 1 or (len(now) == 1 and now[0].pid in forked and self._last_look_ns > 0)
            if is_unsure and known.holder is not None:
                events += self._tell_anew(known, self._unsure_since(now, boot_ns))
                is_new = False
            who = identity(self._proc, now[0]) if len(now) == 1 and now[0] != known.holder else None
            if who is not None:
                if is_new and is_unsure:
                    events += self._event(_kind(found, True), known, boot_ns)
                if known.is_told and (is_unsure or known.was_unsure):
                    events += self._tell_anew(known, boot_ns, who)
                else:
                    events += self._event(_kind(found, is_new), known, boot_ns, who)
                known.holder = now[0]
                events += self._tell_program(now[0], who, boot_ns)
            elif is_new:
                events += self._event(_kind(found, True), known, boot_ns)
            known.was_unsure = len(now) > 1 or (known.was_unsure and known.holder is None)
        return bytes(events)

    def _unsure_since(self, now: list[Holder], boot_ns: int) -> int:
        """From when on another may have used it: since the youngest holder began, or since the last look."""
        youngest_ns = now[-1].start_ticks * TICK_NS if len(now) > 1 else 0
        return min(boot_ns, max(self._last_look_ns, youngest_ns))

    def _tell_anew(self, known: _Known, time_ns: int, who: EventProcess | None = None) -> bytes:
        """Close it and bind it under another cookie: what was told before holds no longer from here on."""
        closed = self._event(Kind.SOCKET_CLOSED, known, time_ns)
        known.generation = (known.generation + 1) & 0x7F
        known.holder = None
        return closed + self._event(_kind(known.socket, True), known, time_ns, who)

    def _tell_program(self, holder: Holder, who: EventProcess, boot_ns: int) -> bytes:
        """The holder's program, once for each name it has."""
        if holder in self._programs_told:
            return b""
        self._programs_told.add(holder)
        return process_event(self._proc, holder, who, boot_ns).pack()

    def _event(self, kind: Kind, known: _Known, time_ns: int, who: EventProcess | None = None) -> bytes:
        found = known.socket
        known.is_told = True
        raw = found.protocol == socket.IPPROTO_RAW
        return SocketEvent(
            kind=kind,
            time_ns=time_ns,
            cookie=found.cookie | known.generation << GENERATION_SHIFT,
            netns=known.netns,
            local=unmapped(found.local),
            local_port=0 if raw else found.local_port,
            remote=unmapped(found.remote),
            remote_port=0 if raw else found.remote_port,
            protocol=found.local_port & 0xFF if raw else found.protocol,
            evidence=self._evidence,
            flags=known.role,
            family=found.family,
            process=who,
        ).pack()


def _roles(seen: _Seen) -> dict[int, Flags]:
    """Cookie -> role, of sockets that were there before the recording. Their SYNs and first datagrams are in no file."""
    places = {
        cookie: Place(
            protocol=found.protocol,
            netns=netns,
            local=found.local,
            local_port=found.local_port,
            remote_port=found.remote_port,
            is_listening=found.protocol == socket.IPPROTO_TCP and found.state == sockdiag.STATE_LISTEN,
            shown={None: NO_FLAGS, True: Flags.ACTIVE, False: Flags.PASSIVE}[found.is_active],
        )
        for cookie, (found, netns) in seen.items()
    }
    roles = Roles(places.values(), chosen_ports(), shows_listener=False)
    return {cookie: roles.of(place) for cookie, place in places.items()}


def held_now(proc: ProcDir) -> bytes:
    """A snapshot by sock_diag and /proc, where the kernel's own iterator cannot be had. Named is what exactly one process holds.

    Raises:
        HostError: sockets cannot be listed.
    """
    looks = Rounds(proc, evidence=Evidence.SNAPSHOT)
    try:
        return looks.look(time.clock_gettime_ns(time.CLOCK_BOOTTIME), time.monotonic_ns())
    except OSError as error:
        raise HostError(f"sockets cannot be listed (sock_diag): {error.strerror}") from error
    finally:
        looks.close()


def _addresses(found: sockdiag.DiagSocket) -> tuple[bytes, int, bytes, int]:
    return (found.local, found.local_port, found.remote, found.remote_port)


def _kind(found: sockdiag.DiagSocket, is_new: bool) -> Kind:
    if found.protocol == socket.IPPROTO_TCP and found.state == sockdiag.STATE_LISTEN:
        return Kind.SOCKET_LISTENING
    return Kind.SOCKET_BOUND if is_new else Kind.SOCKET_HELD

"""The CO-RE tracer: socktrace.bpf.o through libbpf, for kernels with BTF.

Every program but one is optional. What the kernel's BTF does not have is not tried; what the kernel still refuses is left out with its reason
and the rest is loaded again.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from pcapdig.errors import HostError
from pcapdig.procs.procdir import ProcDir
from pcapdig.tracer.cgroups import open_cgroup2
from pcapdig.tracer.contract import EventSource, TracerName
from pcapdig.tracer.events import oldest_holders
from pcapdig.tracer.packet_times import ask_for_packet_times
from pcapdig.tracer.privileges import missing_capabilities
from pcapdig.tracer.programs import PROGRAMS, REQUIRED, Program
from pcapdig.tracer.roles import chosen_ports, with_roles
from pcapdig.tracer.rounds import held_now

if TYPE_CHECKING:
    from pcapdig.procs import ProcessTable
    from pcapdig.tracer._bpf import BpfObject

OBJECT = Path(__file__).with_name("socktrace.bpf.o")
BTF = Path("/sys/kernel/btf/vmlinux")
RING_BYTES = 16 << 20
"""128 bytes an event: 131,000 events between two readings."""
PEERS = 65_536
"""(socket, peer) pairs of datagrams remembered; a forgotten one costs an event when it comes back."""


class CoreTracer:
    """Socket and process events from the CO-RE probe.

    Args:
        ring_bytes: size of the ring buffer, a power of two of at least a page.
        peers: entries of the table of (socket, peer).
        object_path: the compiled probe.
        processes: the recorder's table; its /proc is looked at where the kernel cannot list who holds which socket.
    """

    name: TracerName = "core"

    def __init__(
        self,
        *,
        ring_bytes: int = RING_BYTES,
        peers: int = PEERS,
        object_path: Path = OBJECT,
        processes: ProcessTable | None = None,
    ) -> None:
        self._proc = processes.proc if processes is not None else ProcDir()
        self.notes: list[str] = []
        self.loaded: set[str] = set()
        """Programs that run, by name."""
        self._ring_bytes = ring_bytes
        self._peers = peers
        self._object_path = object_path
        self._object: BpfObject | None = None
        self._asking: socket.socket | None = None

    def start(self) -> EventSource:
        """Load and attach.

        Raises:
            HostError: no permission, no BTF, no probe object, or the kernel refuses the one program that must be there.
        """
        missing = missing_capabilities()
        if missing:
            raise HostError(f"eBPF needs root or the capabilities {', '.join(missing)}: try sudo")
        if not BTF.exists():
            raise HostError(f"this kernel has no BTF ({BTF}); the tracer bcc does without")
        if not self._object_path.exists():
            raise HostError(f"the probe {self._object_path} is missing: pcapdig was not installed whole")
        try:
            self._asking = ask_for_packet_times()
            self._load()
            self._attach()
        except BaseException:
            self.close()
            raise
        return EventSource(kind="ringbuf", map_fd=self._opened.map_fd("events"))

    def snapshot(self) -> bytes:
        """One event for each socket that a process holds now; of several holders the oldest.

        Raises:
            HostError: the kernel has no iterator, and sockets cannot be listed otherwise.
        """
        if self._object is None:
            return b""
        if "socket_holders" not in self.loaded:
            return held_now(self._proc)
        return with_roles(oldest_holders(self._opened.read_iterator("socket_holders")), chosen_ports())

    def poll(self) -> bytes:
        """Nothing: events are in the ring."""
        return b""

    def lost_events(self) -> int:
        """Events that found the ring full."""
        return 0 if self._object is None else self._object.counter("lost_events")

    def close(self) -> None:
        """Detach and unload."""
        if self._object is not None:
            self._object.close()
            self._object = None
        if self._asking is not None:
            self._asking.close()
            self._asking = None
        self.loaded = set()

    @property
    def _opened(self) -> BpfObject:
        if self._object is None:
            raise HostError("the tracer is not started")
        return self._object

    # -- loading -----------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        from pcapdig.tracer._bpf import BpfError, kernel_lacks

        try:
            lacking = kernel_lacks({program.needs for program in PROGRAMS if program.needs})
        except BpfError as error:
            raise HostError(str(error)) from error
        wanted = self._choose(lacking)
        while True:
            self._object = self._open(wanted)
            try:
                self._object.load()
            except BpfError as error:
                self._object.close()
                self._object = None
                program = wanted.get(failed_program(error.log))
                if program is None:
                    raise HostError(f"eBPF is refused: {error}{_in_brackets(last_words(error.log))}") from error
                self._leave_out(wanted, program, refusal(error.log) or str(error), error.errno)
            else:
                self.loaded = set(wanted)
                return

    def _choose(self, lacking: set[str]) -> dict[str, Program]:
        """What the kernel can have: of two programs that tell the same, the better one."""
        by_name = {program.name: program for program in PROGRAMS}
        wanted = {
            program.name: program
            for program in PROGRAMS
            if not program.instead_of or by_name[program.instead_of].needs in lacking
        }
        stand_ins = {program.instead_of for program in wanted.values() if program.needs not in lacking}
        for program in list(wanted.values()):
            if program.needs in lacking:
                why = (
                    ""
                    if program.name in stand_ins
                    else f"this kernel has no {program.needs.removeprefix('btf_trace_')}"
                )
                self._leave_out(wanted, program, why)
        return wanted

    def _leave_out(self, wanted: dict[str, Program], program: Program, why: str, code: int = 0) -> None:
        """Do without a program, with a note if there is a reason to tell. A kernel that forbids one function forbids all."""
        if program.name == REQUIRED:
            raise HostError(f"eBPF is refused: {program.name}: {why}")
        forbidden = [program]
        if program.function and code == errno.EPERM:
            forbidden = [other for other in wanted.values() if other.function]
            why = "this kernel lets no program be attached to its functions"
        for one in forbidden:
            del wanted[one.name]
        if why:
            tells = ", ".join(dict.fromkeys(one.tells for one in forbidden))
            self.notes.append(f"core: not told: {tells} ({why})")

    def _open(self, wanted: dict[str, Program]) -> BpfObject:
        from pcapdig.tracer._bpf import BpfError, BpfObject

        try:
            opened = BpfObject(str(self._object_path))
            for name in opened.programs():
                if name not in wanted:
                    opened.leave_out(name)
            opened.set_map_size("events", self._ring_bytes)
            opened.set_map_size("peers", self._peers)
            opened.set_flag("has_destroy", "tcp_destroyed" in wanted)
            opened.set_flag("has_early_writer", bool(wanted.keys() & {"tcp_writes", "tcp_begins_write"}))
        except BpfError as error:
            raise HostError(f"the probe cannot be used: {error}") from error
        return opened

    # -- attaching ---------------------------------------------------------------------------------------------------

    def _attach(self) -> None:
        programs = [program for program in PROGRAMS if program.name in self.loaded and not program.iterator]
        cgroup, refused = -1, ""
        try:
            cgroup = open_cgroup2()
        except OSError as error:
            refused = error.strerror or str(error)
        try:
            for program in programs:
                if program.cgroup and cgroup < 0:
                    self._not_attached(program, refused)
                else:
                    self._attach_one(program, cgroup)
        finally:
            if cgroup >= 0:
                os.close(cgroup)

    def _attach_one(self, program: Program, cgroup: int) -> None:
        from pcapdig.tracer._bpf import BpfError

        try:
            self._opened.attach(program.name, cgroup if program.cgroup else -1)
        except BpfError as error:
            if program.name == REQUIRED:
                raise HostError(f"eBPF is refused: {error}") from error
            self._not_attached(program, str(error))

    def _not_attached(self, program: Program, why: str) -> None:
        self.loaded.discard(program.name)
        self.notes.append(f"core: not told: {program.tells} ({why})")


def failed_program(log: str) -> str:
    """The program that libbpf's log says could not be loaded, "" when it names none."""
    found = re.findall(r"prog '(\w+)': (?:BPF program load failed|failed to)", log)
    return found[0] if found else ""


def refusal(log: str) -> str:
    """The verifier's own sentence in libbpf's log: the line before its count of instructions, else its last one; "" if there is none."""
    begin = log.find("-- BEGIN PROG LOAD LOG --")
    end = log.find("-- END PROG LOAD LOG --")
    if begin < 0 or end < begin:
        return last_words(log)
    lines = [line.strip() for line in log[begin:end].splitlines()[1:]]
    said = [line for line in lines if line and not line.startswith("processed ")]
    return said[-1] if said else ""


def last_words(log: str) -> str:
    """The last line of libbpf's log that says something, without its prefix."""
    lines = [line.strip().removeprefix("libbpf: ") for line in log.splitlines()]
    said = [line for line in lines if line and not line.startswith("failed to load object")]
    return said[-1] if said else ""


def _in_brackets(words: str) -> str:
    return f" ({words})" if words else ""

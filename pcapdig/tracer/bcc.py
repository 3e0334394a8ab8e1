"""The tracer for kernels without BTF: probe/socktrace.bcc.c, compiled by bcc when recording starts.

bcc's Python module is Debian's; exactly that package is imported from where Debian keeps it, and nothing beside it. Its programs are attached by
links and perf events, which end with this process whatever happens to it.
"""

from __future__ import annotations

import atexit
import ctypes
import importlib.util
import os
import platform
import socket
import sys
import time
from pathlib import Path
from typing import Any

from pcapdig.errors import HostError
from pcapdig.procs.procdir import TICK_NS, ProcDir
from pcapdig.tracer.cgroups import open_cgroup2
from pcapdig.tracer.contract import EventSource, TracerName
from pcapdig.tracer.headers import Headers, find_headers, one_tree
from pcapdig.tracer.hostfiles import quiet_stderr, with_tracefs
from pcapdig.tracer.packet_times import ask_for_packet_times
from pcapdig.tracer.privileges import missing_capabilities
from pcapdig.tracer.rounds import held_now

PACKAGE = Path("/usr/lib/python3/dist-packages/bcc")
SOURCES = ("socktrace.bcc.c", "packets.bcc.c", "processes.bcc.c")
RING_BYTES = 16 << 20
RING_SINCE = (5, 8)
TRACEPOINTS: dict[str, tuple[tuple[str, str], ...]] = {
    "HAS_DESTROY": (("tcp/tcp_destroy_sock", "sock_cookie"),),
    "HAS_READ": (("tcp/tcp_rcv_space_adjust", "sock_cookie"),),
    "HAS_LENGTHS": (("sock/sock_send_length", "sk"), ("sock/sock_recv_length", "sk")),
    "HAS_PROCESSES": (
        ("task/task_newtask", "clone_flags"),
        ("task/task_rename", "newcomm"),
        ("sched/sched_process_exec", "pid"),
        ("sched/sched_process_exit", "pid"),
        ("sched/sched_process_free", "pid"),
    ),
}
"""What the source may use -> tracepoints and the argument that must be there."""
TELLS = {
    "HAS_DESTROY": "the end of TCP sockets",
    "HAS_READ": "who reads a TCP socket",
    "HAS_LENGTHS": "who reads and writes later",
    "HAS_PROCESSES": "processes as they come and go",
}
CGROUP_SKB, CGROUP_SOCK = 8, 9
"""enum bpf_prog_type."""
INGRESS, EGRESS, SOCK_CREATE, SOCK_RELEASE = 0, 1, 2, 34
"""enum bpf_attach_type."""
CGROUP_PROGRAMS = (
    (("packet_sent", "packet_sent_unasked"), CGROUP_SKB, EGRESS, "addresses of SYNs and datagrams going out"),
    (("packet_received",), CGROUP_SKB, INGRESS, "which socket took a datagram"),
    (("socket_created",), CGROUP_SOCK, SOCK_CREATE, "who made a datagram socket"),
    (("socket_released",), CGROUP_SOCK, SOCK_RELEASE, "the end of datagram sockets"),
)
"""Variants of which the first that loads is taken, program type, attach type, what is not told without it."""
BPF_NOEXIST = 1


class BccTracer:
    """Socket and process events from the bcc probe.

    Args:
        ring: use a ring buffer (Linux 5.8); None: where the kernel has it. Else a perf buffer.
        proc: where /proc is.
        place: directory of the probe's sources.
    """

    name: TracerName = "bcc"

    def __init__(self, *, ring: bool | None = None, proc: ProcDir | None = None, place: Path | None = None) -> None:
        self.notes: list[str] = []
        self._ring = _kernel_version() >= RING_SINCE if ring is None else ring
        self._proc = proc or ProcDir()
        self._place = place or find_sources()
        self._module: Any = None
        self._links: list[int] = []
        self._asking: socket.socket | None = None

    def start(self) -> EventSource:
        """Compile, load, attach: about a second.

        Raises:
            HostError: bcc, the headers or a permission is missing, or the kernel refuses; says what to install.
        """
        missing = missing_capabilities()
        if missing:
            raise HostError(f"eBPF needs root or the capabilities {', '.join(missing)}: try sudo")
        bcc = import_bcc()
        release = platform.release()
        headers = find_headers(release)
        if headers is None:
            raise HostError("bcc needs kernel headers: apt-get install linux-headers-amd64")
        try:
            self._asking = ask_for_packet_times()
            with_tracefs(lambda events: self._compile(bcc, headers, release, events))
            self._fill_processes(bcc)
            self._attach_cgroup()
        except BaseException:
            self.close()
            raise
        return EventSource(kind="ringbuf" if self._ring else "perf", map_fd=self._module[b"events"].map_fd)

    def snapshot(self) -> bytes:
        """Every socket held now, by sock_diag and /proc: the kernel's own iterator needs BTF. Named only if one process holds it."""
        return held_now(self._proc)

    def poll(self) -> bytes:
        """Nothing: events are in the map."""
        return b""

    def lost_events(self) -> int:
        """Events that found the ring full; of a perf buffer its reader is told, so 0."""
        if self._module is None or not self._ring:
            return 0
        return sum(self._module[b"lost_events"][ctypes.c_int(0)])

    def close(self) -> None:
        """Detach and unload."""
        for link in self._links:
            os.close(link)
        self._links.clear()
        if self._asking is not None:
            self._asking.close()
            self._asking = None
        if self._module is not None:
            atexit.unregister(self._module.cleanup)
            self._module.cleanup()
            self._module = None

    # -- loading -----------------------------------------------------------------------------------------------------

    def _compile(self, bcc: Any, headers: Headers, release: str, events: Path) -> None:
        try:
            text = b"".join((self._place / name).read_bytes() for name in SOURCES)
        except OSError as error:
            raise HostError(f"the probe {error.filename} is missing: pcapdig was not installed whole") from error
        flags = ["-w", f"-I{self._place}", f"-DBOOT_OFFSET_NS={_boot_offset_ns()}ULL", *self._features(events)]
        if self._ring:
            flags += ["-DUSE_RING", f"-DRING_PAGES={RING_BYTES // os.sysconf('SC_PAGE_SIZE')}"]
        if headers.release != release:
            self.notes.append(f"bcc: compiled with the headers of Linux {headers.release}, which is enough")
        with one_tree(headers) as tree, quiet_stderr() as said:
            before = os.environ.get("BCC_KERNEL_SOURCE")
            os.environ["BCC_KERNEL_SOURCE"] = str(tree)
            try:
                self._module = bcc.BPF(text=text, cflags=flags)
            except Exception as error:  # bcc raises nothing more exact
                raise HostError(f"bcc is refused: {_first_error(said()) or error}") from error
            finally:
                if before is None:
                    del os.environ["BCC_KERNEL_SOURCE"]
                else:
                    os.environ["BCC_KERNEL_SOURCE"] = before

    def _features(self, events: Path) -> list[str]:
        """A define for each group of tracepoints that the kernel has whole."""
        flags = []
        for feature, needed in TRACEPOINTS.items():
            lacking = [name for name, argument in needed if not has_argument(events / name / "format", argument)]
            if lacking:
                self.notes.append(f"bcc: not told: {TELLS[feature]}: this kernel has no tracepoint {lacking[0]}")
            else:
                flags.append(f"-D{feature}")
        return flags

    def _fill_processes(self, bcc: Any) -> None:
        """What runs already; a process that was told meanwhile stays as it was told."""
        table = self._module[b"processes"]
        for pid in self._proc.pids():
            stat = self._proc.stat(pid)
            if stat is None or stat.is_kernel_thread:
                continue
            key, leaf = table.Key(pid), table.Leaf()
            leaf.start_boot_ns = stat.start_ticks * TICK_NS
            leaf.exec_id = 1
            leaf.comm = stat.comm[:15]
            bcc.lib.bpf_update_elem(table.map_fd, ctypes.byref(key), ctypes.byref(leaf), BPF_NOEXIST)

    def _attach_cgroup(self) -> None:
        from pcapdig.tracer._bpf import BpfError, link_cgroup

        try:
            cgroup = open_cgroup2()
        except OSError as error:
            self.notes.append(f"bcc: datagrams are not told: {error.strerror or error}")
            return
        try:
            for variants, program_type, attach_type, tells in CGROUP_PROGRAMS:
                program, why = self._load_first(variants, program_type, attach_type)
                if program < 0:
                    self.notes.append(f"bcc: {variants[0]} left out, so not told: {tells}: {why}")
                    continue
                try:
                    self._links.append(link_cgroup(program, cgroup, attach_type))
                except BpfError as error:
                    self.notes.append(f"bcc: {variants[0]} left out, so not told: {tells}: {error}")
        finally:
            os.close(cgroup)

    def _load_first(self, variants: tuple[str, ...], program_type: int, attach_type: int) -> tuple[int, str]:
        """Descriptor of the first variant that the kernel takes, or -1 and the kernel's words."""
        why = ""
        for name in variants:
            with quiet_stderr() as said:
                try:
                    return self._module.load_func(name.encode(), program_type, attach_type=attach_type).fd, ""
                except Exception as error:  # noqa: BLE001 - bcc raises nothing more exact
                    why = _last_line(said()) or str(error)
        return -1, why


def find_sources() -> Path:
    """Where the probe's sources are: beside this file when installed, in probe/ of a checkout."""
    here = Path(__file__).parent
    return here if (here / SOURCES[0]).exists() else here.parents[1] / "probe"


def import_bcc(package: Path = PACKAGE) -> Any:
    """Debian's bcc module, without making the other packages of its directory visible.

    Raises:
        HostError: it is not installed, or does not load.
    """
    if "bcc" in sys.modules:
        return sys.modules["bcc"]
    spec = importlib.util.spec_from_file_location(
        "bcc", package / "__init__.py", submodule_search_locations=[str(package)]
    )
    if not (package / "__init__.py").exists() or spec is None or spec.loader is None:
        raise HostError("bcc is not installed: apt-get install python3-bpfcc")
    module = importlib.util.module_from_spec(spec)
    sys.modules["bcc"] = module
    try:
        spec.loader.exec_module(module)
    except (ImportError, OSError) as error:
        del sys.modules["bcc"]
        raise HostError(f"bcc does not load: {error}") from error
    return module


def has_argument(format_file: Path, argument: str) -> bool:
    """Does a tracepoint's format file name this argument?"""
    try:
        text = format_file.read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    names = (line.split(";")[0].split()[-1] for line in text.splitlines() if line.strip().startswith("field:"))
    return argument in {name.partition("[")[0] for name in names}


def _kernel_version() -> tuple[int, int]:
    major, minor, *_rest = platform.release().replace("-", ".").split(".")
    return int(major), int(minor)


def _boot_offset_ns() -> int:
    """CLOCK_BOOTTIME - CLOCK_MONOTONIC: time spent suspended."""
    return max(0, time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.clock_gettime_ns(time.CLOCK_MONOTONIC))


def _first_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if "error" in line.lower()]
    return lines[0] if lines else _last_line(text)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("processed ")]
    return lines[-1] if lines else ""

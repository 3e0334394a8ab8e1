"""What the tracers and /proc tell: packed events of a replayed file, and texts of /proc."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pcapdig.attribution._ledger import Ledger
from pcapdig.errors import InputError
from pcapdig.procs import ProcessTable
from pcapdig.procs.containers import container_of
from pcapdig.procs.procdir import ProcDir
from pcapdig.tracer.events import EventProcess, Kind, ProcessEvent, SocketEvent, oldest_holders, split, unpack
from targets.target import Numbers, Target

_PLACE = tempfile.TemporaryDirectory(prefix="fuzz-")
PLACE = Path(_PLACE.name)
ADDRESSES = (bytes(16), bytes(10) + b"\xff\xff\x0a\0\0\1", bytes(10) + b"\xff\xff\x0a\0\0\2", bytes(15) + b"\1")


def run_events(data: bytes) -> None:
    """Events or InputError; the ledger takes them and names processes it knows, or nobody."""
    try:
        events = list(split(data))
        for event in events:
            unpack(event)
        assert b"".join(events) == data
        if all(event[:2] < b"\x10\0" for event in events):
            assert len(oldest_holders(data)) <= len(data)
    except InputError:
        return
    ledger, table = Ledger(complete=bool(len(data) & 1)), ProcessTable("/nowhere")
    try:
        ledger.apply(data, 5)
    except (InputError, ValueError):
        return
    for event in events:
        if event[:2] >= b"\x10\0":
            table.apply(event)
    for protocol in (6, 17):
        for a, b in ((1, 2), (2, 1), (3, 3)):
            for port in (80, 4000):
                for flags in (2, 16, 18):
                    ends = ledger.owners(
                        protocol=protocol, source=ADDRESSES[a], source_port=port, destination=ADDRESSES[b], destination_port=80,
                        time_ns=50, tcp_flags=flags, seq=7,
                    )  # fmt: skip
                    assert all(-3 <= end[0] < max(1, ledger.process_count) for end in ends)
    ledger.forget_before(10**18)


def event_seeds() -> list[bytes]:
    """A connection's events, and a process's."""
    who = [EventProcess(tgid=7 + i, tid=7, uid=3, exec_id=1, start_boot_ns=5, comm=b"curl") for i in range(2)]
    known = {
        "protocol": 6,
        "family": 2,
        "local": ADDRESSES[1],
        "remote": ADDRESSES[2],
        "local_port": 4000,
        "remote_port": 80,
    }
    names = SocketEvent.__dataclass_fields__
    given = {name: value for name, value in known.items() if name in names}
    sockets = [
        SocketEvent(kind=kind, time_ns=10 + i, cookie=2, process=who[i % 2], **given).pack()
        for i, kind in enumerate(Kind)
        if kind < 16
    ]
    processes = [
        ProcessEvent(kind=kind, time_ns=1, process=who[0], filename=b"/bin/x", args=(b"x", b"y")).pack()
        for kind in Kind
        if kind >= 16
    ]
    return [*sockets, *processes, b"".join(sockets), b"".join(sockets + processes), b"".join(sockets) * 2]


def run_texts(data: bytes) -> None:
    """Whatever /proc says: a value or none."""
    numbers = Numbers(data)
    kind, text = numbers.byte() % 3, numbers.rest()
    if kind == 0:
        container = container_of(text.decode("utf-8", "surrogateescape"))
        assert container == "host" or len(container) == 12
    elif kind == 1:
        (PLACE / "9").mkdir(exist_ok=True)
        (PLACE / "9" / "stat").write_bytes(text)
        stat = ProcDir(PLACE).stat(9)
        assert stat is None or stat.start_ticks is not None
    else:
        comm, _, rest = text.partition(b"\n")
        path, _, args = rest.partition(b"\n")
        table = ProcessTable("/nowhere")
        who = EventProcess(tgid=9, exec_id=1, start_boot_ns=5, comm=comm[:15].replace(b"\0", b""))
        given = tuple(args[:300].split(b"\0"))
        table.apply(
            ProcessEvent(kind=Kind.PROCESS_EXECED, time_ns=1, process=who, filename=path[:200], args=given).pack()
        )
        process = table.describe(pid=9, start_boot_ns=5, exec_id=1, comm=who.comm, uid=0)
        for word in (process.name, process.exepath or "", process.cmdline or ""):
            assert len(word.splitlines()) <= 1
            assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in word)
            word.encode()


def text_seeds() -> list[bytes]:
    """As /proc has them."""
    stat = Path("/proc/self/stat").read_bytes()
    cgroups = (
        f"0::/system.slice/docker-{'0a' * 32}.scope\n",
        f"12:pids:/kubepods/besteffort/pod1/{'1b' * 32}\n0::/x\n",
        "0::/../../init.scope\n",
        f"0::/machine.slice/libpod-{'2c' * 32}.scope/container\n",
    )
    return [
        *(b"\0" + text.encode() for text in cgroups),
        b"\1" + stat,
        b"\1" + b"9 (a) b) S 1 2 3",
        b"\2curl\n/usr/bin/curl\ncurl\0-s\0x y",
    ]


TARGETS = (
    Target(name="events", run=run_events, seeds=event_seeds, is_native=True, longest=2000),
    Target(
        name="texts",
        run=run_texts,
        seeds=text_seeds,
        words=(b"docker-", b".scope", b"/kubepods/", b"0::/", b"crio-", b"lxc/"),
    ),
)

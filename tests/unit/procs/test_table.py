"""The process table on a made /proc and on events."""

import os
from pathlib import Path

import pytest

from pcapdig.procs import Process, ProcessTable
from pcapdig.procs.events import EventProcess, Kind, ProcessEvent
from pcapdig.procs.procdir import TICK_NS
from pcapdig.procs.table import DEAD_KEPT_MOST, DEAD_KEPT_NS

CONTAINER = "ab" * 32


class FakeProc:
    """A made /proc."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(
        self,
        pid: int,
        comm: str,
        *,
        start: int = 100,
        ppid: int = 1,
        exe: str = "/bin/true",
        args: str = "",
        cgroup: str = "0::/",
    ) -> None:
        """A process that lives."""
        place = self.root / str(pid)
        place.mkdir(exist_ok=True)
        (place / "stat").write_text(f"{pid} ({comm}) S {ppid} 0 0 0 0 0 {'0 ' * 12}{start} 0")
        (place / "cmdline").write_text(args.replace(" ", "\0") + "\0")
        (place / "cgroup").write_text(cgroup)
        (place / "exe").unlink(missing_ok=True)
        (place / "exe").symlink_to(exe)

    def remove(self, pid: int) -> None:
        """It ends."""
        for entry in (self.root / str(pid)).iterdir():
            entry.unlink()
        (self.root / str(pid)).rmdir()


@pytest.fixture
def proc(tmp_path: Path) -> FakeProc:
    """Nobody but init."""
    made = FakeProc(tmp_path)
    made.add(1, "init", start=1, ppid=0)
    return made


@pytest.fixture
def table(proc: FakeProc) -> ProcessTable:
    """A table over it."""
    return ProcessTable(proc.root)


def who(pid: int, comm: str, *, start_ns: int = 100 * TICK_NS + 5, exec_id: int = 1) -> EventProcess:
    """An identity."""
    return EventProcess(tgid=pid, tid=pid, exec_id=exec_id, start_boot_ns=start_ns, comm=comm.encode())


def forked(
    pid: int,
    comm: str,
    *,
    parent: int = 1,
    parent_ns: int = TICK_NS,
    exec_id: int = 1,
    start_ns: int = 100 * TICK_NS + 5,
    cgroup: int = 0,
) -> bytes:
    """A fork event."""
    return ProcessEvent(
        kind=Kind.PROCESS_FORKED,
        time_ns=start_ns,
        process=who(pid, comm, start_ns=start_ns, exec_id=exec_id),
        parent_tgid=parent,
        parent_start_boot_ns=parent_ns,
        cgroup_id=cgroup,
    ).pack()


def execed(
    pid: int,
    comm: str,
    path: str,
    args: str,
    *,
    exec_id: int = 2,
    start_ns: int = 100 * TICK_NS + 5,
    cgroup: int = 0,
    time_ns: int = 5,
) -> bytes:
    """An exec event."""
    return ProcessEvent(
        kind=Kind.PROCESS_EXECED,
        time_ns=time_ns,
        process=who(pid, comm, start_ns=start_ns, exec_id=exec_id),
        parent_tgid=1,
        parent_start_boot_ns=TICK_NS,
        cgroup_id=cgroup,
        filename=path.encode(),
        args=tuple(args.encode().split(b" ")) if args else (),
    ).pack()


def exited(pid: int, *, time_ns: int, start_ns: int = 100 * TICK_NS + 5) -> bytes:
    """An exit event."""
    return ProcessEvent(kind=Kind.PROCESS_EXITED, time_ns=time_ns, process=who(pid, "x", start_ns=start_ns)).pack()


def describe(
    table: ProcessTable, pid: int, comm: str, *, start_ns: int = 100 * TICK_NS + 5, exec_id: int = 2
) -> Process:
    """What the recorder asks."""
    return table.describe(pid=pid, start_boot_ns=start_ns, exec_id=exec_id, comm=comm.encode(), uid=0)


def test_nonsense_is_not_taken_in(table: ProcessTable) -> None:
    """Cut events, foreign bytes and socket events change nothing."""
    for nonsense in (b"", b"\0" * 80, execed(9, "x", "/x", "x")[:79], os.urandom(200)):
        table.apply(nonsense)
    assert len(table) == 0


def test_a_stranger_is_described_by_what_is_given(table: ProcessTable) -> None:
    """Gone before anything was told: name and pid, the rest is not known."""
    process = table.describe(pid=77, start_boot_ns=5, exec_id=1, comm=b"ghost", uid=4242424)
    assert process == Process(name="ghost", pid=77, start_boot_ns=5, uid=4242424)


def test_no_start_is_no_identity(proc: FakeProc, table: ProcessTable) -> None:
    """A bare pid is not looked up: it may be anyone's."""
    proc.add(9, "httpd", args="httpd -k")
    assert table.describe(pid=9, start_boot_ns=0, comm=b"httpd").cmdline is None


def test_proc_is_read_when_it_is_that_process(proc: FakeProc, table: ProcessTable) -> None:
    """Path, arguments, parent, user, container."""
    proc.add(9, "httpd", ppid=1, exe="/usr/sbin/httpd", args="httpd -k start")
    process = describe(table, 9, "httpd")
    assert (process.exepath, process.cmdline) == (os.path.realpath("/usr/sbin/httpd"), "httpd -k start")
    assert (process.ppid, process.pname, process.user, process.container_id) == (1, "init", "root", "host")


def test_a_pid_used_again_is_not_read(proc: FakeProc, table: ProcessTable) -> None:
    """/proc shows a process with another start."""
    proc.add(9, "httpd", start=101, args="httpd")
    assert describe(table, 9, "httpd") == Process(
        name="httpd", pid=9, start_boot_ns=100 * TICK_NS + 5, uid=0, user="root"
    )


def test_a_short_life_is_known_from_its_events(table: ProcessTable) -> None:
    """fork and exec, gone before anyone could look."""
    table.apply(forked(9, "bash"))
    table.apply(execed(9, "true", "/no/such/true", "true now"))
    process = describe(table, 9, "true")
    assert (process.exepath, process.cmdline, process.ppid) == ("/no/such/true", "true now", 1)


def test_two_programs_of_one_life_are_told_apart(table: ProcessTable) -> None:
    """exec after connect: the older count has the older program."""
    table.apply(execed(9, "sh", "/no/sh", "sh -c x", exec_id=5))
    table.apply(execed(9, "curl", "/no/curl", "curl x", exec_id=6))
    assert describe(table, 9, "sh", exec_id=5).cmdline == "sh -c x"
    assert describe(table, 9, "curl", exec_id=6).cmdline == "curl x"


def test_before_the_first_exec_seen_is_what_proc_showed(proc: FakeProc, table: ProcessTable) -> None:
    """Read at start, then it execs."""
    proc.add(9, "sh", exe="/no/sh", args="sh -c x")
    table.snapshot()
    table.apply(execed(9, "curl", "/no/curl", "curl x", exec_id=6))
    assert describe(table, 9, "sh", exec_id=5).cmdline == "sh -c x"


def test_a_child_begins_with_its_parents_program(proc: FakeProc, table: ProcessTable) -> None:
    """A forked worker that never execs and is gone."""
    proc.add(8, "httpd", exe="/no/httpd", args="httpd -k start")
    table.snapshot()
    table.apply(forked(9, "httpd", parent=8, parent_ns=100 * TICK_NS + 3, exec_id=4))
    process = describe(table, 9, "httpd", exec_id=4)
    assert (process.exepath, process.cmdline, process.pname, process.container_id) == (
        "/no/httpd", "httpd -k start", "httpd", "host",
    )  # fmt: skip


def test_a_pid_used_again_within_a_tick(table: ProcessTable) -> None:
    """Two lives that /proc could not tell apart are told apart by their exact starts."""
    early, late = 100 * TICK_NS + 1, 100 * TICK_NS + 2
    table.apply(execed(9, "one", "/no/one", "one", start_ns=early))
    table.apply(execed(9, "two", "/no/two", "two", start_ns=late))
    assert describe(table, 9, "one", start_ns=early).cmdline == "one"
    assert describe(table, 9, "two", start_ns=late).cmdline == "two"


def test_a_fork_event_after_the_snapshot_is_the_same_life(proc: FakeProc, table: ProcessTable) -> None:
    """Read from /proc before its event was taken from the ring: one process, not two."""
    proc.add(9, "httpd", args="httpd")
    table.snapshot()
    before = len(table)
    table.apply(forked(9, "httpd"))
    assert len(table) == before


def test_the_name_of_the_moment_wins(proc: FakeProc, table: ProcessTable) -> None:
    """prctl(PR_SET_NAME): the event's name, with the program that was read."""
    proc.add(9, "python3", exe="/no/python3", args="python3 app")
    table.snapshot()
    process = describe(table, 9, "gunicorn")
    assert (process.name, process.exepath) == ("gunicorn", "/no/python3")


def test_a_stranger_that_renamed_itself_is_not_guessed(proc: FakeProc, table: ProcessTable) -> None:
    """First seen after the fact, with another name in /proc: it may have run another program since."""
    proc.add(9, "curl", exe="/no/curl", args="curl x")
    process = table.describe(pid=9, start_boot_ns=100 * TICK_NS, exec_id=0, comm=b"sh", uid=0)
    assert (process.name, process.cmdline) == ("sh", None)


def test_an_event_without_texts_is_completed(proc: FakeProc, table: ProcessTable) -> None:
    """The bcc probe tells that a program started, /proc tells which."""
    table.apply(execed(9, "curl", "", "", exec_id=2))
    proc.add(9, "curl", exe="/no/curl", args="curl x")
    assert describe(table, 9, "curl").cmdline == "curl x"


def test_the_dead_are_forgotten_after_a_minute(table: ProcessTable) -> None:
    """Not before."""
    table.apply(execed(9, "x", "/no/x", "x y"))
    table.apply(exited(9, time_ns=1000))
    table.apply(exited(77, time_ns=1000 + DEAD_KEPT_NS))
    assert describe(table, 9, "x").cmdline == "x y"
    table.apply(exited(77, time_ns=1001 + DEAD_KEPT_NS))
    assert describe(table, 9, "x").cmdline is None


def test_the_dead_are_bounded_in_count(table: ProcessTable) -> None:
    """However many come and go in a minute."""
    for number in range(DEAD_KEPT_MOST + 7):
        start_ns = (1000 + number) * TICK_NS
        table.apply(execed(9, "x", "", "", start_ns=start_ns, time_ns=5))
        table.apply(exited(9, time_ns=5, start_ns=start_ns))
    assert len(table) == DEAD_KEPT_MOST


def test_a_short_life_is_in_its_parents_container(proc: FakeProc, table: ProcessTable) -> None:
    """Same cgroup as the parent, which lives."""
    proc.add(8, "sh", cgroup=f"0::/docker/{CONTAINER}")
    table.snapshot()
    table.apply(forked(9, "sh", parent=8, parent_ns=100 * TICK_NS + 3, cgroup=55))
    assert describe(table, 9, "sh").container_id == CONTAINER[:12]


def test_another_cgroup_than_the_parents_is_not_guessed(proc: FakeProc, table: ProcessTable) -> None:
    """The parent runs on the host, the child was put elsewhere and is gone."""
    proc.add(8, "runc", cgroup="0::/")
    table.apply(forked(8, "runc", cgroup=50))
    table.apply(forked(9, "app", parent=8, parent_ns=100 * TICK_NS + 5, start_ns=200 * TICK_NS, cgroup=55))
    assert describe(table, 9, "app", start_ns=200 * TICK_NS).container_id is None


def test_members_of_one_cgroup_share_the_container(proc: FakeProc, table: ProcessTable) -> None:
    """One that lives tells for one that is gone."""
    table.apply(forked(8, "app", start_ns=100 * TICK_NS, cgroup=55))
    proc.add(8, "app", cgroup=f"0::/system.slice/docker-{CONTAINER}.scope")
    describe(table, 8, "app", start_ns=100 * TICK_NS)
    table.apply(forked(9, "app", parent=0, start_ns=200 * TICK_NS, cgroup=55))
    assert describe(table, 9, "app", start_ns=200 * TICK_NS).container_id == CONTAINER[:12]


def test_a_move_before_an_exec_is_no_longer_the_host(proc: FakeProc, table: ProcessTable) -> None:
    """As container runtimes do it: fork on the host, move, exec. Gone before anybody looked, it is in no known container."""
    proc.add(8, "sh", cgroup="0::/")
    table.snapshot()
    table.apply(forked(9, "sh", parent=8, parent_ns=100 * TICK_NS + 3, cgroup=50))
    assert describe(table, 9, "sh").container_id == "host"
    table.apply(execed(9, "curl", "/usr/bin/curl", "curl x", exec_id=3, cgroup=55))
    assert describe(table, 9, "curl", exec_id=3).container_id is None


def test_what_init_sees_of_cgroups_counts(proc: FakeProc, table: ProcessTable) -> None:
    """By number: a snapshot knows in which cgroup each is, and a process that moved is no witness for the old one."""
    top = proc.root / "1" / "root" / "cg"
    (top / "docker" / CONTAINER).mkdir(parents=True)
    (top / "user").mkdir()
    (proc.root / "1" / "mountinfo").write_text("41 31 0:38 / /cg rw,relatime - cgroup2 cgroup2 rw\n")
    inside, outside = (path.stat().st_ino for path in (top / "docker" / CONTAINER, top / "user"))
    proc.add(8, "sh", cgroup="0::/user")
    table.snapshot()
    table.apply(execed(8, "sh", "/bin/sh", "sh", start_ns=100 * TICK_NS + 3, cgroup=outside))
    proc.add(8, "sh", cgroup=f"0::/docker/{CONTAINER}")  # it moves, without an event
    assert describe(table, 8, "sh", start_ns=100 * TICK_NS + 3).container_id == CONTAINER[:12]
    table.apply(execed(9, "ls", "/bin/ls", "ls", start_ns=200 * TICK_NS, cgroup=outside))
    table.apply(execed(10, "ls", "/bin/ls", "ls", start_ns=300 * TICK_NS, cgroup=inside))
    found = [describe(table, pid, "ls", start_ns=ticks * TICK_NS).container_id for pid, ticks in ((9, 200), (10, 300))]
    assert found == ["host", CONTAINER[:12]]


def test_links_are_resolved_on_the_host_only(proc: FakeProc, table: ProcessTable, tmp_path: Path) -> None:
    """/bin/sh is what it points to; inside a container it points elsewhere."""
    link = tmp_path / "link"
    link.symlink_to("/usr/bin/env")
    proc.add(9, "env", cgroup="0::/")
    table.apply(execed(9, "env", str(link), "env"))
    assert describe(table, 9, "env").exepath == os.path.realpath("/usr/bin/env")
    proc.add(10, "env", cgroup=f"0::/docker/{CONTAINER}")
    table.apply(execed(10, "env", str(link), "env"))
    assert describe(table, 10, "env").exepath == str(link)


@pytest.mark.parametrize("full_cmdline", [False, True])
def test_secrets_in_command_lines_are_starred(full_cmdline: bool, proc: FakeProc) -> None:
    """Before the line is cut, and from /proc as from an event; where somebody wants them they stay."""
    table = ProcessTable(proc.root, full_cmdline=full_cmdline)
    table.apply(execed(9, "mysql", "/usr/bin/mysql", "mysql -psecret4711 shop"))
    proc.add(10, "curl", args=f"curl -u alice:{'secret4711' * 60} https://example.org/the-end")
    shown = [describe(table, 9, "mysql").cmdline, describe(table, 10, "curl", exec_id=0).cmdline]
    if full_cmdline:
        assert shown[0] == "mysql -psecret4711 shop"
        assert len(shown[1] or "") == 512
    else:
        assert shown == ["mysql -p*** shop", "curl -u alice:*** https://example.org/the-end"]


def test_a_relative_path_is_not_known(table: ProcessTable) -> None:
    """Relative to a directory that nobody told."""
    table.apply(execed(9, "x", "./x", "./x"))
    assert describe(table, 9, "x").exepath is None


def test_texts_are_one_line(table: ProcessTable) -> None:
    """Control and undecodable bytes never reach a comment; white space is a blank."""
    table.apply(execed(9, "x", "/no/x", "a\n\x1b[31m\tb"))
    process = table.describe(pid=9, start_boot_ns=100 * TICK_NS + 5, exec_id=2, comm=b"\xff\x07ok", uid=0)
    assert process.cmdline == "a \ufffd[31m b"
    assert process.name == "\ufffd\ufffdok"


def test_command_lines_are_cut_between_characters(table: ProcessTable) -> None:
    """512 bytes of UTF-8, never half a character."""
    table.apply(execed(9, "x", "/x", "é" * 256))
    table.apply(execed(10, "x", "/x", "x" + "é" * 255))
    assert describe(table, 9, "x").cmdline == "é" * 256
    cut = describe(table, 10, "x").cmdline
    assert cut == "x" + "é" * 255
    assert len(cut.encode()) == 511


def test_kernel_threads_are_not_counted(proc: FakeProc, table: ProcessTable) -> None:
    """The snapshot reads processes."""
    place = proc.root / "2"
    place.mkdir()
    (place / "stat").write_text(f"2 (kthreadd) S 0 0 0 0 0 {0x208040} {'0 ' * 12}1 0")
    proc.add(9, "x")
    assert table.snapshot() == 2


def test_this_process_on_the_real_proc() -> None:
    """Its own name and arguments."""
    table = ProcessTable()
    table.snapshot()
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    comm = Path("/proc/self/comm").read_bytes().strip()
    process = table.describe(pid=os.getpid(), start_boot_ns=ticks * TICK_NS, comm=comm, uid=os.geteuid())
    assert (process.exepath, process.ppid) == (os.path.realpath("/proc/self/exe"), os.getppid())

"""Exit statuses and errors: what is refused, and that nothing but the error is said then."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pcapdig import __version__

Run = Callable[..., "Ended"]  # noqa: F821  # of conftest.py, which tests cannot import
COMMAND = [sys.executable, "-m", "pcapdig"]
ELSEWHERE = "/"
"""Where commands run: in the checkout, its modules would hide the installed ones."""


def started_without_rights(*argv: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a process that has no capabilities, so that root is a user like any other (capabilities(7))."""
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    return subprocess.run(
        [*drop, *COMMAND, *argv], capture_output=True, text=True, timeout=60, cwd=ELSEWHERE, check=False
    )


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ("-Q", "unknown option -Q; pcapdig --help lists them"),
        ("-r", "option -r needs a value: -r FILE"),
        ("-r t.pcapng -n 0", "-n 0: not between 1 and"),
        ("-r t.pcapng -n x", "-n x: not a whole number"),
        ("-r t.pcapng -t z", "-t z: unknown time type"),
        ("-r t.pcapng -A -x", "you cannot specify more than one output format: -A and -x"),
        ("-r t.pcapng -A -X -b", "you cannot specify more than one output format: -A and -X and -b"),
        ("-r t.pcapng -c topcons", "chisel topcons not found - did you mean topconns? use -cl to list them."),
        ("-r t.pcapng -c spy_ip", "chisel spy_ip needs an argument: [ipv4] host_ip"),
        ("-r t.pcapng -c spy_ip 1.2.3", "1.2.3"),
        ("-r t.pcapng -c spy_port many", "many"),
        ("-r t.pcapng -c echo_fds other", "other"),
        ("-i nosuch", "chisel nosuch not found"),
        ("-r t.pcapng -p %fd.bogus", "fd.bogus"),
        ("-r t.pcapng -p %", "formatting cannot end with a %"),
        ("-r t.pcapng -C 5", "not there yet"),
        ("-r nosuch.pcapng", "nosuch.pcapng: cannot be read: No such file or directory"),
        ("-r directory", "directory: is a directory"),
        ("-r empty", "empty: is empty"),
        ("-r text", "text: "),
        ("-r t.pcapng -r nosuch.pcapng", "nosuch.pcapng: cannot be read"),
        ("-r t.pcapng -r text -c topconns", "text: "),
        ("-r t.pcapng -w t.pcapng", "-w t.pcapng would overwrite the file that -r reads"),
        ("-r t.pcapng -w nosuch/b.pcapng", "cannot write nosuch/b.pcapng: No such file or directory"),
        ("-r t.pcapng -w directory", "cannot write directory: Is a directory"),
        ("-r t.pcapng --interface lo", "--interface is for recording"),
        ("-w a.pcapng --interface nosuch0", "nosuch0"),
        ("-w a.pcapng --interface lo -f nonsense+", "nonsense+"),
        ("topcons", "topcons: no such chisel or command, did you mean topconns?"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_mistakes_are_one_line(run: Run, argv: str, words: str) -> None:
    """Exit status 1, one line on stderr that says what and where, nothing on stdout."""
    ended = run(*argv.split())
    assert (1, "") == (ended.status, ended.out)
    assert words in ended.err
    assert 1 == ended.err.count("\n")


@pytest.mark.parametrize(
    ("words", "column"),
    [
        ("fd.bogus=1", 1),
        ("proc.name=httpd and", None),
        ("proc.name=httpd and fd.cip=1.2.3", None),
        ("(proc.name=httpd", None),
        ("proc.pid contains 1", None),
        ("evt.is_io=yes", None),
    ],
)
@pytest.mark.parametrize("chisel", [[], ["-c", "topconns"], ["-c", "echo_fds"]])
@pytest.mark.usefixtures("folder")
def test_a_bad_filter_shows_the_place(run: Run, words: str, column: int | None, chisel: list[str]) -> None:
    """The line, the filter, a caret under the column that the line names; no table."""
    ended = run("-r", "t.pcapng", *chisel, *words.split())
    message, shown, caret = ended.err.splitlines()
    assert (1, "") == (ended.status, ended.out)
    assert words == shown
    assert f"column {len(caret)}:" in message
    assert "^" == caret.strip()
    assert column in (None, len(caret))


@pytest.mark.usefixtures("folder")
def test_an_error_leaves_no_file_behind(run: Run, folder: Path) -> None:
    """A recording that does not begin makes no file, and leaves one that is there alone."""
    (folder / "old.pcapng").write_bytes(b"precious")
    run("-w", "new.pcapng", "--interface", "nosuch0")
    run("-w", "old.pcapng", "--interface", "nosuch0")
    run("-w", "old.pcapng", "fd.bogus=1")
    run("-r", "text", "-w", "old.pcapng")
    assert not (folder / "new.pcapng").exists()
    assert b"precious" == (folder / "old.pcapng").read_bytes()


def test_hostile_names_do_not_reach_the_terminal(run: Run) -> None:
    """An escape in a file's name is shown as a dot or a code, on one line."""
    ended = run("-r", "no\x1b[2J\nsuch")
    assert "\x1b" not in ended.err
    assert 1 == ended.err.count("\n")


@pytest.mark.parametrize(
    "argv", [["--version"], ["-cl"], ["-i", "spy_ip"], ["-l"], ["-lv"], ["-pp"], ["-h"], ["--help"]]
)
def test_listings_succeed(run: Run, argv: list[str]) -> None:
    """Exit status 0, text on stdout, nothing on stderr."""
    ended = run(*argv)
    assert (0, "") == (ended.status, ended.err)
    assert ended.out.endswith("\n")


def test_version_is_the_packages(run: Run) -> None:
    """One place says it."""
    assert f"pcapdig {__version__}\n" == run("--version").out


def test_types_are_listed_under_v(run: Run) -> None:
    """-lv adds them to -l."""
    assert "(Type: " not in run("-l").out
    assert "(Type: " in run("-lv").out


def test_listing_chisels_loads_no_numpy() -> None:
    """Start-up matters: neither numpy nor the recorder nor what they need is imported for -cl, -i, --help."""
    code = (
        "import sys; from pcapdig.cli import main; status = main(sys.argv[1:]); sys.stdout.flush();"
        "heavy = {'numpy', 'scapy', 'pyroute2', 'rich', 'dpkt', 'pcapdig.record.recorder', 'pcapdig.capture._pcap'};"
        "sys.exit(status or ' '.join(heavy & set(sys.modules)) or 0)"
    )
    for argv in (["-cl"], ["-i", "spy_ip"], ["--help"], ["--version"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *argv], capture_output=True, text=True, cwd=ELSEWHERE, check=False
        )
        assert (0, "") == (done.returncode, done.stderr)


def test_digging_loads_nothing_of_the_recorder(folder: Path) -> None:
    """-r needs no rights, no probe and no libraries of the recorder."""
    code = (
        "import sys; from pcapdig.cli import main; status = main(sys.argv[1:]); sys.stdout.flush();"
        "heavy = {'scapy', 'pyroute2', 'rich', 'pcapdig.record.recorder', 'pcapdig.capture._pcap', 'pcapdig.tracer'};"
        "sys.exit(status or ' '.join(heavy & set(sys.modules)) or 0)"
    )
    argv = [sys.executable, "-c", code, "-r", str(folder / "t.pcapng"), "-c", "topconns"]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=ELSEWHERE, check=False)
    assert (0, "") == (done.returncode, done.stderr)


def test_a_table_loads_only_what_it_needs(folder: Path) -> None:
    """Start-up is most of a small dig: no compiler for a filter that is not there, no decompressor for a plain file."""
    code = (
        "import sys; from pcapdig.cli import main; status = main(sys.argv[1:]); sys.stdout.flush();"
        "unneeded = {'base64', 'difflib', 'json', 'ipaddress', 'lz4', 'zstandard', 'isal', 'pcapdig.filters.compiler', 'pcapdig.filters.syntax',"
        "'pcapdig.filters.format', 'pcapdig.streams.reassembler', 'pcapdig.dig.live', 'pcapdig.dig.block_filter',"
        "'pcapdig.chisels.spy_ip', 'pcapdig.chisels.library', 'pcapdig.dig.extracts', 'pcapdig.dig.event_lines', 'pathlib', 'dpkt'};"
        "sys.exit(status or ' '.join(unneeded & set(sys.modules)) or 0)"
    )
    file = str(folder / "t.pcapng")
    for argv in (["-r", file, "-c", "topconns"], ["topconns", "-r", file]):
        command = [sys.executable, "-c", code, *argv]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ELSEWHERE, check=False)
        assert (0, "") == (done.returncode, done.stderr)


def test_main_leaves_garbage_collection_on(run: Run) -> None:
    """It is off only while all is loaded, whatever happens."""
    run("-r", "nosuch")
    assert gc.isenabled()


def test_a_reader_that_leaves_is_no_error(folder: Path) -> None:
    """`pcapdig -r ... | head -1`: no traceback, no message."""
    script = f"{sys.executable} -m pcapdig -r t.pcapng -X -v | head -c 10"
    large = (folder / "t.pcapng").read_bytes()
    (folder / "t.pcapng").write_bytes(large * 3000)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    assert (0, "", 10) == (done.returncode, done.stderr, len(done.stdout))


@pytest.mark.parametrize(
    ("redirection", "status", "said"),
    [(">/dev/full", 1, "standard output: No space left on device\n"), (">&-", 0, ""), (">&- 2>&-", 0, "")],
)
def test_odd_outputs(redirection: str, status: int, said: str) -> None:
    """A full disk is one line; a closed output is no error."""
    script = f"{sys.executable} -m pcapdig -cl {redirection}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=ELSEWHERE, check=False)
    assert (status, said) == (done.returncode, done.stderr)


def test_without_rights_recording_says_so(tmp_path: Path) -> None:
    """One line, exit status 1, and no file is left behind."""
    done = started_without_rights("-w", str(tmp_path / "a.pcapng"), "--interface", "lo")
    assert (1, "") == (done.returncode, done.stdout)
    assert "permission" in done.stderr
    assert 1 == done.stderr.count("\n")
    assert [] == list(tmp_path.iterdir())


def test_a_file_without_rights_says_so(tmp_path: Path) -> None:
    """One line with the file's name, for reading and for writing."""
    secret = tmp_path / "secret.pcapng"
    secret.write_bytes(b"x")
    secret.chmod(0)
    done = started_without_rights("-r", str(secret))
    assert (1, "", f"{secret}: cannot be read: Permission denied\n") == (done.returncode, done.stdout, done.stderr)
    done = started_without_rights("-w", str(secret))
    assert (1, "", f"cannot write {secret}: Permission denied\n") == (done.returncode, done.stdout, done.stderr)


def test_an_interrupted_dig_is_quiet(monkeypatch: pytest.MonkeyPatch, run: Run, folder: Path) -> None:
    """Ctrl-C: exit status 130 as a shell has it, no traceback, no half table."""
    monkeypatch.setattr("pcapdig.dig.offline.Digger.feed", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    monkeypatch.setattr("pcapdig.dig.summing.Summing.wait", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    for argv in (["-c", "topconns"], ["-c", "topconns", "-n", "9"]):
        ended = run("-r", "t.pcapng", *argv)
        assert (130, "", "") == (ended.status, ended.out, ended.err)


@pytest.mark.parametrize(
    ("argv", "status", "said"), [(["--version"], 0, __version__), (["--nosuch"], 1, "unknown option")]
)
def test_without_arguments_it_is_the_command(argv: list[str], status: int, said: str) -> None:
    """main() reads sys.argv and ends the process, with all that was said written."""
    code = "from pcapdig.cli import main; main(); print('never')"
    done = subprocess.run(
        [sys.executable, "-c", code, *argv], capture_output=True, text=True, cwd=ELSEWHERE, check=False
    )
    assert status == done.returncode
    assert said in done.stdout + done.stderr
    assert "never" not in done.stdout


def test_a_chisel_of_the_users(folder: Path, run: Run) -> None:
    """Found, described, listed; what is broken beside it is told after the list, with exit status 1."""
    text = "from pcapdig.chisels.topconns import Topconns\nclass Mine(Topconns):\n    name = 'mine'\n"
    (folder / "own").mkdir()
    (folder / "own" / "mine.py").write_text(text)
    assert run("-c", "mine", "--chisel-dir", "own", "-r", "t.pcapng").out == run("topconns", "-r", "t.pcapng").out
    assert run("-cl", "--chisel-dir=own").err == ""
    (folder / "own" / "worse.py").write_text("x = 1 / 0")
    listed = run("-cl", "--chisel-dir", "own")
    assert "\nmine                Top network connections" in listed.out
    assert (listed.status, listed.err) == (1, "chisel own/worse.py line 1: ZeroDivisionError: division by zero\n")
    assert run("-i", "mine", "--chisel-dir", "own").status == 0


def test_no_chisel_directory(folder: Path, run: Run) -> None:
    """One line, exit status 1, whether a chisel is asked for or not."""
    for argv in (["-cl"], ["-r", "t.pcapng"], ["-r", "t.pcapng", "-c", "topconns"]):
        ended = run(*argv, "--chisel-dir", "nosuch")
        assert (ended.status, ended.out, ended.err) == (1, "", "--chisel-dir nosuch: there is no such directory\n")


def test_udp_extract_writes_beside_the_text(folder: Path, run: Run) -> None:
    """A directory that is a file is an error, and no file is left of TCP."""
    assert run("-r", "t.pcapng", "-c", "udp_extract").out == ""
    assert not (folder / "udp_dump_files").exists()

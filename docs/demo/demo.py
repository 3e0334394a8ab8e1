"""Record a small web server on loopback, then dig in the recording. Every command is shown above its output.

    make demo                               # in the checkout
    python docs/demo/demo.py [FILE]         # with the Python of an environment that has pcapdig

Leaves FILE (default demo.pcapng). Needs root or sudo to record; where recording is refused it says why and digs in the
trace of fixtures/. Exit status 0, unless a dig fails.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
RECORDED = HERE.parent.parent / "fixtures" / "lamp.pcapng.gz"
PCAPDIG = Path(sys.executable).parent / "pcapdig"
AS_ROOT = [] if os.geteuid() == 0 else ["sudo"]


class RecordingRefusedError(Exception):
    """Packets may not be captured here; the text is pcapdig's own line."""


def say(text: str = "") -> None:
    """Print a line at once, since the commands print to the same terminal."""
    print(text, flush=True)


def dig(*arguments: str) -> None:
    """Show a pcapdig command and its output."""
    say(f"\n$ pcapdig {shlex.join(arguments)}")
    status = subprocess.run([PCAPDIG, *arguments], check=False).returncode
    if status:
        sys.exit(status)


@contextmanager
def web_server() -> Iterator[int]:
    """Run web.py; gives its port."""
    process = subprocess.Popen([sys.executable, HERE / "web.py"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


@contextmanager
def recording(path: Path, *arguments: str) -> Iterator[None]:
    """Record into `path` while the block runs, and show what pcapdig says.

    Raises:
        RecordingRefusedError: it ended before it recorded.
    """
    command = ["-w", str(path), *arguments]
    say(f"$ {' '.join([*AS_ROOT, 'pcapdig'])} {shlex.join(command)}")
    recorder = subprocess.Popen(
        [*AS_ROOT, str(PCAPDIG), *command], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert recorder.stderr is not None
    lines = []
    for line in recorder.stderr:
        lines.append(line)
        if line.startswith("recording on "):
            break
    else:
        recorder.wait()
        if len(lines) != 1:  # a refusal is one line; all else is a defect that must not look like one
            sys.exit("".join(lines) or "pcapdig ended without a word")
        raise RecordingRefusedError(lines[0].strip())
    say("".join(lines).rstrip())
    try:
        yield
    finally:
        # A recorder under sudo is root's: only root may end it, and sudo passes the signal on.
        subprocess.run([*AS_ROOT, "kill", "-INT", str(recorder.pid)], check=True)
        say(recorder.stderr.read().rstrip())
        recorder.wait()
    if AS_ROOT:
        subprocess.run([*AS_ROOT, "chown", f"{os.getuid()}:{os.getgid()}", str(path)], check=True)


def visit(port: int) -> str:
    """Let two clients use the shop at the same time; gives the local port of the one that logs in.

    Each keeps one connection for a second or so (`--rate`), as a browser does; so a tracer that polls sees it too.
    """
    shop = f"http://127.0.0.1:{port}"
    curl = ["curl", "--silent", "--rate", "2/s"]
    pages = ["--output", "/dev/null", f"{shop}/", "--output", "/dev/null", f"{shop}/catalogue"]
    reader = subprocess.Popen([*curl, *pages, "--output", "/dev/null", f"{shop}/nowhere"])
    quiet = ["--output", "/dev/null", "--write-out", "%{local_port} "]
    form = [*quiet, f"{shop}/form", "--next", "--silent", *quiet]
    login = subprocess.run(
        [*curl, *form, "--data", "user=alice&password=open-sesame", f"{shop}/login"],
        check=True,
        capture_output=True,
        text=True,
    )
    reader.wait()
    return login.stdout.split()[-1]


def main() -> None:
    """Record, dig, and say how to open the file in Wireshark."""
    parser = argparse.ArgumentParser(description="Record a small web server on loopback, then dig in the recording.")
    parser.add_argument("file", nargs="?", type=Path, default=Path("demo.pcapng"))
    parser.add_argument("--tracer", default="auto", help="as for pcapdig: auto, core, bcc, procfs")
    arguments = parser.parse_args()
    file: Path = arguments.file
    tracer = [] if arguments.tracer == "auto" else ["--tracer", arguments.tracer]
    if AS_ROOT and not shutil.which("sudo"):
        dig_recorded("recording needs root, and there is no sudo")
        return
    with web_server() as port:
        try:
            with recording(file, "--interface", "lo", "-f", f"tcp port {port}", *tracer):
                client = visit(port)
        except RecordingRefusedError as refusal:
            dig_recorded(str(refusal))
            return
    dig("-r", str(file), "-c", "topprocs_net")
    dig("-r", str(file), "-c", "topconns")
    dig("-r", str(file), "-A", "-c", "echo_fds", f"fd.cport={client}", "and", "evt.is_io_read=true")
    say(f"\nOpen it in Wireshark:  wireshark -r {file} -Y 'frame.comment contains \"proc.name=curl \"'")


def dig_recorded(why: str) -> None:
    """Dig in the recorded trace of a web server instead."""
    say(f"Packets cannot be recorded here ({why}), so this digs in a trace recorded elsewhere.")
    file = os.path.relpath(RECORDED)
    dig("-r", file, "-c", "topprocs_net")
    dig("-r", file, "-c", "topconns", "proc.name=httpd")
    dig(
        "-r",
        file,
        "-A",
        "-c",
        "echo_fds",
        "proc.name=httpd",
        "and",
        "evt.is_io_read=true",
        "and",
        "evt.buffer",
        "contains",
        "form",
    )
    say(f"\nOpen it in Wireshark:  wireshark -r {file} -Y 'frame.comment contains \"proc.name=httpd \"'")


if __name__ == "__main__":
    main()

"""Recording beside `tcpdump -w`: the same load, the same ring, by turns.

    python benchmarks/record.py [--rounds 3] [--seconds 5] [--connections 8] [--directory DIR]

wrk asks httpd (prefork) for a small page over kept-alive connections on the loopback of a namespace of its own, which makes about two
packets a request. Each round measures nobody, tcpdump and pcapdig under that load, in an order that changes from round to round.

    requests/s   as wrk counts them
    packets/s    received on lo, by the interface's own counter (/proc/net/dev)
    lost         packets that lo counted while the recorder ran and that are not in its file, by capinfos
    dropped      what the recorder itself says was dropped (tcpdump counts a loopback packet twice: sent and received)
    CPU          seconds of the recorder, user and system, while it started, ran and ended

To reach: no more packets lost than tcpdump, and at least 0.85 of the requests a second that wrk makes beside tcpdump. Needs root.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "live"))

from command import captures, environment, pcapdig
from namespace import Namespace, run
from servers import Lamp

RING_KIB = 65_536
SNAP_LENGTH = 262_144
QUIET_SECONDS = 1.0
"""After the load: longer than a recorder's hold-back and its flushing."""
WANTED_PACKETS_PER_SECOND = 60_000
WANTED_REQUESTS = 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One recorder, or nobody, under the load once."""

    recorder: str
    requests_per_second: float
    packets_per_second: float
    packets: int
    recorded: int | None
    dropped: int | None
    cpu_seconds: float | None
    file_bytes: int | None

    @property
    def lost(self) -> int | None:
        """Packets that passed lo and are not in the file."""
        return None if self.recorded is None else self.packets - self.recorded


def received(namespace: Namespace) -> int:
    """Packets that the namespace's loopback has received."""
    table = run(namespace.command("cat", "/proc/net/dev"))
    found = re.search(r"^\s*lo:\s*\d+\s+(\d+)", table, re.MULTILINE)
    if not found:
        raise RuntimeError("no lo in /proc/net/dev")
    return int(found[1])


def load(namespace: Namespace, *, connections: int, seconds: int) -> float:
    """Requests a second, by wrk."""
    said = run(
        namespace.command("wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "http://127.0.0.1/small.html"),
        timeout_seconds=seconds + 30,
    )
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(said)
    found = re.search(r"Requests/sec:\s*([\d.]+)", said)
    if not found:
        raise RuntimeError(said)
    return float(found[1])


def command_of(recorder: str, file: Path) -> list[str]:
    """How each is run: the same interface, ring and snap length."""
    ring, snap = str(RING_KIB), str(SNAP_LENGTH)
    if recorder == "tcpdump":
        return ["tcpdump", "-Z", "root", "-i", "lo", "-B", ring, "-s", snap, "-w", str(file)]
    return pcapdig("--interface", "lo", "-B", ring, "-s", snap, "-w", file)


def dropped_of(recorder: str, said: str) -> int | None:
    """Packets dropped, by the recorder's own words."""
    pattern = (
        r"(\d+) packets? dropped by kernel" if recorder == "tcpdump" else r"([\d,]+) packets? dropped by the kernel"
    )
    found = re.search(pattern, said)
    return int(found[1].replace(",", "")) if found else None


def measure(recorder: str, namespace: Namespace, directory: Path, *, connections: int, seconds: int) -> Run:
    """One run."""
    if recorder == "nobody":
        before = received(namespace)
        requests = load(namespace, connections=connections, seconds=seconds)
        packets = received(namespace) - before
        return Run(
            recorder=recorder, requests_per_second=requests, packets_per_second=packets / seconds, packets=packets,
            recorded=None, dropped=None, cpu_seconds=None, file_bytes=None,
        )  # fmt: skip
    file, words = directory / f"{recorder}.out", directory / f"{recorder}.said"
    with words.open("wb") as output:
        running = subprocess.Popen(
            namespace.command(*command_of(recorder, file)), stdout=output, stderr=output, env=environment()
        )
    try:
        await_capture(running, words)
        before = received(namespace)
        requests = load(namespace, connections=connections, seconds=seconds)
        time.sleep(QUIET_SECONDS)
        packets = received(namespace) - before
        running.send_signal(signal.SIGINT)
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    finally:
        if running.returncode is None:
            running.kill()
            running.wait()
    said = words.read_text()
    if running.returncode != 0:
        raise RuntimeError(f"{recorder} ended with {running.returncode}: {said}")
    done = Run(
        recorder=recorder,
        requests_per_second=requests,
        packets_per_second=packets / seconds,
        packets=packets,
        recorded=count_packets(file),
        dropped=dropped_of(recorder, said),
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        file_bytes=file.stat().st_size,
    )
    file.unlink()
    return done


def await_capture(running: subprocess.Popen[bytes], words: Path) -> None:
    """Wait until packets count: the socket is open, and the recorder has said that it listens."""
    deadline = time.monotonic() + 30
    while not (captures(running.pid, ["lo"]) and re.search("listening on|recording on", words.read_text())):
        if running.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the recorder did not start: {words.read_text()}")
        time.sleep(0.05)
    time.sleep(0.3)


def count_packets(file: Path) -> int:
    """Packets in a file, by capinfos."""
    return int(run(["capinfos", "-M", "-T", "-r", "-c", str(file)]).split("\t")[1])


def table(runs: Sequence[Run]) -> str:
    """Each recorder's medians, and the ratios that matter."""
    heading = ("", "requests/s", "packets/s", "lost", "dropped", "CPU s", "file MB")
    lines = ["{:<10}{:>12}{:>12}{:>10}{:>10}{:>8}{:>9}".format(*heading)]
    for name in ("nobody", "tcpdump", "pcapdig"):
        mine = [one for one in runs if one.recorder == name]
        cells: list[str] = [
            f"{statistics.median(one.requests_per_second for one in mine):,.0f}",
            f"{statistics.median(one.packets_per_second for one in mine):,.0f}",
        ]
        if name == "nobody":
            cells += ["-"] * 4
        else:
            cells += [
                f"{sum(one.lost or 0 for one in mine):,}",
                f"{sum(one.dropped or 0 for one in mine):,}",
                f"{statistics.median(one.cpu_seconds or 0 for one in mine):.2f}",
                f"{statistics.median(one.file_bytes or 0 for one in mine) / 1e6:.0f}",
            ]
        lines.append("{:<10}{:>12}{:>12}{:>10}{:>10}{:>8}{:>9}".format(name, *cells))
    return "\n".join(lines)


def bars(runs: Sequence[Run]) -> list[str]:
    """What was to be reached, and whether it was."""
    rate = {
        name: statistics.median(one.requests_per_second for one in runs if one.recorder == name)
        for name in ("nobody", "tcpdump", "pcapdig")
    }
    lost = {name: sum(one.lost or 0 for one in runs if one.recorder == name) for name in ("tcpdump", "pcapdig")}
    load_reached = statistics.median(one.packets_per_second for one in runs if one.recorder == "nobody")
    ratio = rate["pcapdig"] / rate["tcpdump"]
    checks = [
        (load_reached >= WANTED_PACKETS_PER_SECOND, f"load without a recorder {load_reached:,.0f} packets/s, wanted {WANTED_PACKETS_PER_SECOND:,}"),
        (lost["pcapdig"] <= lost["tcpdump"], f"lost {lost['pcapdig']:,} packets, tcpdump {lost['tcpdump']:,}"),
        (ratio >= WANTED_REQUESTS, f"requests/s {ratio:.2f} of those beside tcpdump, wanted {WANTED_REQUESTS}"),
    ]  # fmt: skip
    return [f"{'reached' if reached else 'MISSED '}  {text}" for reached, text in checks]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of load in each run")
    parser.add_argument("--connections", type=int, default=8, help="kept alive by wrk")
    parser.add_argument("--directory", type=Path, help="where the files are written; default: a temporary folder")
    given = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("benchmarks/record.py needs root: it records")
    if given.directory:
        # Both recorders write to the same place; which one that is decides what the disk adds.
        os.environ["TMPDIR"] = str(given.directory)
        tempfile.tempdir = None
    directory = Path(tempfile.mkdtemp(prefix="pcapdig-record-"))
    recorders = ["nobody", "tcpdump", "pcapdig"]
    busy = os.getloadavg()[0]
    runs: list[Run] = []
    try:
        servers = directory / "servers"
        servers.mkdir()
        directory.chmod(0o755)
        with (
            Namespace("bench") as namespace,
            Lamp(servers, namespace=namespace, names=["httpd"], children=given.connections + 4),
        ):
            load(namespace, connections=given.connections, seconds=1)  # so that the first run meets a warm server too
            for turn in range(given.rounds):
                for name in recorders[turn % 3 :] + recorders[: turn % 3]:
                    runs.append(
                        measure(name, namespace, directory, connections=given.connections, seconds=given.seconds)
                    )
                    print(f"round {turn + 1}: {runs[-1]}", file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(directory)
    machine = f"{os.cpu_count()} processors, Linux {os.uname().release}, load average {busy:.2f} before the first run"
    print(f"{machine}; {given.rounds} rounds of {given.seconds} s, medians; lost and dropped are sums")
    print(table(runs), *bars(runs), sep="\n")


if __name__ == "__main__":
    main()

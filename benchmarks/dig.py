"""How long whole commands take on one large file: pcapdig's digs beside the fastest tools that answer the same, and the floor.

The file has a server's comments on each packet, 120,000 connections and 1.9 million packets in 1 GB (parts/repeated.py makes it out of a
recorded trace). It came through a card: had its packets passed a loopback, each would be an event of both ends, and a dig in one
comment a packet would do the work of two. --both-ends measures that. Commands run in turns; the fastest of some runs counts, tshark
runs once. A bar says how many times faster than a peer a dig is to be. tcpdump is given TZ=UTC0: without, it asks for /etc/localtime once
a packet and is four times slower, no fair peer. Memory is the peak of RssAnon: what a process has beside the files it maps.

    .venv/bin/python benchmarks/dig.py [--megabytes 1000] [--repeats 3] [--both-ends] [--file FILE] [--no-tshark] [--no-large]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from parts.repeated import write_capture

MEMORY_BAR_MB = 400
LISTING_BAR_S = 0.15
SAMPLE_S = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is run, and how often."""

    words: list[str]
    once: bool = False
    takes_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A dig is to be so many times faster than a peer."""

    dig: str
    peer: str
    times: float


BARS = [
    *(Bar(dig, peer, times) for dig in ("topconns", "topprocs_net") for peer, times in
      (("softflowd", 2), ("nfpcapd", 2), ("tcpdump -q", 3.5), ("tshark conv,tcp", 100))),
    Bar("echo_fds contains", "ngrep", 1),
    Bar("echo_fds contains", "tshark contains", 10),
    Bar("httplog", "tshark http", 20),
]  # fmt: skip


def pcapdig() -> list[str]:
    """The installed command, else the package that Python finds."""
    installed = Path(sys.executable).parent / "pcapdig"
    return [str(installed)] if installed.exists() else [sys.executable, "-m", "pcapdig"]


def commands_for(file: str, folder: Path, *, tshark: bool) -> dict[str, Command]:
    """What is compared, those that are installed."""
    dig = [*pcapdig(), "-r", file]
    floor = folder / "floor"
    subprocess.run(["cc", "-O2", "-o", str(floor), str(Path(__file__).parent / "parts" / "floor.c")], check=True)
    flows = folder / "flows"
    flows.mkdir(exist_ok=True)
    fields = ["-T", "fields", "-e", "http.request.method", "-e", "http.request.uri", "-e", "http.response.code"]
    wanted = {
        "cat": Command(words=["cat", file]),
        "C loop over the mapped file": Command(words=[str(floor), file]),
        "softflowd": Command(words=["softflowd", "-n", "127.0.0.1:9", "-r", file]),
        "nfpcapd": Command(words=["nfpcapd", "-r", file, "-w", str(flows)]),
        "tcpdump -q": Command(words=["tcpdump", "-nn", "-q", "-r", file]),
        "ngrep": Command(words=["ngrep", "-q", "-I", file, "form"]),
        "topconns": Command(words=[*dig, "-c", "topconns"]),
        "topprocs_net": Command(words=[*dig, "-c", "topprocs_net"]),
        "echo_fds contains": Command(
            words=[*dig, "-c", "echo_fds", "proc.name=httpd and evt.buffer contains form"]
        ),
        "httplog": Command(words=[*dig, "-c", "httplog"]),
        "-cl": Command(words=[*pcapdig(), "-cl"]),
    }  # fmt: skip
    if tshark:
        read = ["tshark", "-n", "-r", file]
        wanted["tshark conv,tcp"] = Command(words=[*read, "-q", "-z", "conv,tcp"], once=True)
        wanted["tshark contains"] = Command(words=[*read, "-Y", 'tcp contains "form"'], once=True)
        wanted["tshark http"] = Command(words=[*read, "-Y", "http", *fields], once=True)
    return {label: command for label, command in wanted.items() if shutil.which(command.words[0])}


def measure(words: list[str], *, sampled: bool = False) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and, of a sampled run, the peak of RssAnon in MB."""
    environment = os.environ | {"TZ": "UTC0"}
    start = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    peak_kib = 0
    while sampled and process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            break
        sizes = [int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")]
        peak_kib = max(peak_kib, *sizes, 0)
        time.sleep(SAMPLE_S)
    if sampled:
        code, cpu = process.wait(), 0.0
    else:
        _, waited, usage = os.wait4(process.pid, 0)
        code, cpu = os.waitstatus_to_exitcode(waited), usage.ru_utime + usage.ru_stime
        process.returncode = code
    wall = time.perf_counter() - start
    if code:
        sys.exit(f"{' '.join(words)}: exit status {code}")
    return wall, cpu, peak_kib / 1024


def compare(commands: dict[str, Command], size_bytes: int, packets: int, repeats: int) -> None:
    """Run all in turns; print times, then bars."""
    best: dict[str, tuple[float, float, float]] = {}
    for turn in range(repeats):
        for label, command in commands.items():
            if turn == 0 or not command.once:
                best[label] = min(best.get(label, (1e9, 0.0, 0.0)), measure(command.words))
    print(f"{'command':<30}{'wall s':>9}{'CPU s':>9}{'M packets/s':>13}{'MB/s':>9}")
    for label, (wall, cpu, _) in best.items():
        rates = "" if label == "-cl" else f"{packets / wall / 1e6:>13.2f}{size_bytes / wall / 1e6:>9.0f}"
        print(f"{label:<30}{wall:>9.3f}{cpu:>9.3f}{rates}")
    print(f"\n{'dig':<22}{'peer':<22}{'times faster':>13}{'bar':>7}")
    for bar in BARS:
        if bar.dig in best and bar.peer in best:
            ratio = best[bar.peer][0] / best[bar.dig][0]
            verdict = "" if ratio >= bar.times else "   below"
            print(f"{bar.dig:<22}{bar.peer:<22}{ratio:>13.2f}{bar.times:>7g}{verdict}")
    if "-cl" in best:
        print(f"-cl: {best['-cl'][0]:.3f} s, bar {LISTING_BAR_S} s")


def memory(commands: dict[str, Command], megabytes: float) -> None:
    """Print each dig's peak beside the mapped file."""
    for label in ("topconns", "topprocs_net", "echo_fds contains", "httplog"):
        print(
            f"{label:<22}{megabytes:>7.0f} MB file:{measure(commands[label].words, sampled=True)[2]:>6.0f} MB RssAnon"
        )


def main() -> None:
    """Make the file, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--both-ends", action="store_true", help="two comments a packet, as recorded on a loopback")
    parser.add_argument("--no-tshark", action="store_true", help="leave out the slowest")
    parser.add_argument("--no-large", action="store_true", help="leave out memory for a file three times as large")
    parser.add_argument("--file", help="dig this file instead of making one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pcapdig-bench-") as name:
        folder = Path(name)
        path = Path(options.file or folder / "bench.pcapng")
        if not options.file:
            write_capture(path, size_bytes=options.megabytes << 20, both_ends=options.both_ends)
        count = subprocess.run(["capinfos", "-Mcr", str(path)], capture_output=True, text=True, check=True).stdout
        packets, size = int(count.split()[-1]), path.stat().st_size
        print(f"{size / 1e6:.0f} MB, {packets} packets, fastest of {options.repeats} runs, file in the page cache\n")
        commands = commands_for(str(path), folder, tshark=not options.no_tshark)
        compare(commands, size, packets, options.repeats)
        print(f"\nMemory beside the mapped file, bar {MEMORY_BAR_MB} MB:")
        memory(commands, size / 1e6)
        if not options.no_large and not options.file:
            write_capture(path, size_bytes=3 * options.megabytes << 20, both_ends=options.both_ends)
            memory(commands, path.stat().st_size / 1e6)


if __name__ == "__main__":
    main()

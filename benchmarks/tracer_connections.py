"""New connections a second, with and without the tracer, and the events lost meanwhile.

    sudo .venv/bin/python benchmarks/tracer_connections.py [--seconds 4] [--rounds 3] [--tracer core]

The load is benchmarks/connections.c, compiled here. The events are read by the record loop, as in a recording, without any packets.
Rounds alternate between without and with, so that both see the same machine.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from pcapdig.attribution._ledger import Ledger
from pcapdig.procs import ProcessTable
from pcapdig.record._loop import Loop
from pcapdig.tracer import open_tracer

SOURCE = Path(__file__).with_name("connections.c")
GATHER_NS = 20_000_000


@dataclass(frozen=True)
class Round:
    """One run of the load."""

    connections: float
    """A second."""
    lost: int = 0
    reader_cpu: float = 0.0
    """Processor seconds of the reading thread, a second."""
    known: int = 0
    """Sockets the ledger knows at the end."""


def compile_load(place: str) -> str:
    """The load generator's path."""
    program = f"{place}/connections"
    subprocess.run(["gcc", "-O2", "-pthread", "-o", program, str(SOURCE)], check=True)
    return program


def load(program: str, seconds: float, pairs: int) -> float:
    """Connections a second."""
    done = subprocess.run([program, str(seconds), str(pairs)], capture_output=True, text=True, check=True)
    return int(done.stdout) / seconds


def traced(program: str, seconds: float, pairs: int, name: str) -> Round:
    """The same with a tracer whose events are read."""
    tracer = open_tracer(name, processes=ProcessTable())
    try:
        source = tracer.start()
        ledger = Ledger(own_netns=os.stat("/proc/self/ns/net").st_ino)
        loop = Loop(ledger, waiting_limit_bytes=1 << 20)
        loop.add_event_map(source.kind, source.map_fd)
        loop.take_events(tracer.snapshot())
        over = threading.Event()
        used = [0.0]

        def read() -> None:
            before = resource.getrusage(resource.RUSAGE_THREAD)
            while not over.is_set():
                loop.gather(GATHER_NS)
                loop.take_process_events()
            after = resource.getrusage(resource.RUSAGE_THREAD)
            used[0] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

        reader = threading.Thread(target=read)
        reader.start()
        connections = load(program, seconds, pairs)
        time.sleep(0.1)
        over.set()
        reader.join()
        lost = tracer.lost_events() + loop.lost_events
        known = ledger.sizes["sockets"]
    finally:
        tracer.close()
    return Round(connections, lost, used[0] / seconds, known)


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--tracer", default="core")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        program = compile_load(place)
        without, with_tracer = [], []
        for _ in range(options.rounds):
            without.append(load(program, options.seconds, options.pairs))
            with_tracer.append(traced(program, options.seconds, options.pairs, options.tracer))
    bare = statistics.median(without)
    watched = statistics.median(run.connections for run in with_tracer)
    lost = sum(run.lost for run in with_tracer)
    print(f"{'':24}{'connections/s':>16}{'lost events':>14}{'reader CPU':>12}")
    print(f"{'without tracer':24}{bare:>16,.0f}")
    cpu = statistics.median(run.reader_cpu for run in with_tracer)
    print(f"{options.tracer:24}{watched:>16,.0f}{lost:>14,}{cpu:>11.0%}")
    print(f"{'ratio':24}{watched / bare:>16.2f}")
    print(
        f"each round: without {[round(value) for value in without]}, with {[round(run.connections) for run in with_tracer]}"
    )
    print(f"sockets the ledger knew at the end: {with_tracer[-1].known:,}")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())

"""How long whole commands take on one file: pcapdig's digs beside cat, tcpdump and tshark.

Makes its own pcapng of HTTP-like connections between many clients and one server, with two process comments on each packet as
pcapdig records them on loopback; then runs each command several times, in turns, and prints a table. Rates are packets of the file a
second of wall clock at the fastest run; the ratio is to `TZ=UTC0 tcpdump -nn -q -r FILE` (without TZ, tcpdump asks for
/etc/localtime once a packet and is four times slower: no fair peer).

The default file has 234,000 packets; a tenth of a second or two is the interpreter starting. --megabytes 890 makes a million.

    .venv/bin/python benchmarks/dig.py [--megabytes 200] [--repeats 3] [--no-comments] [--file FILE] [--no-tshark]
"""

from __future__ import annotations

import argparse
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pcapdig.pcapng import blocks, comments
from pcapdig.procs.process import Process

CONNECTIONS_A_ROUND = 200
ROUND_NS = 1_000_000_000
"""A round is written once and repeated with other client addresses and later times."""
FIRST_NS = 1_700_000_000_000_000_000
SERVER_PORT = 80
FIRST_OCTETS = [octet for octet in range(11, 212) if octet != 127]
"""Of the clients' addresses, round by round. tcpdump hashes addresses by their first 12 bits, so clients of one network would fall
into a few long chains and make it three times slower than it is on the traffic of a server."""
SYN, FIN, PSH, ACK = 2, 1, 8, 16


@dataclass(slots=True)
class Round:
    """The blocks of one round, and where in them the things stand that differ from round to round."""

    data: bytearray = field(default_factory=bytearray)
    times: list[int] = field(default_factory=list)
    """Positions of the packets' time stamps (two 32-bit words)."""
    clients: list[int] = field(default_factory=list)
    """Positions of the first byte of the packets' client address."""


def owner(name: str, pid: int, cmdline: str) -> Process:
    """A process whose comment has the usual 250 bytes."""
    return Process(
        name=name,
        pid=pid,
        uid=33,
        user="www-data",
        ppid=1042,
        pname=name,
        exepath=f"/usr/sbin/{name}",
        container_id="host",
        cmdline=cmdline,
    )


def packet(*, forward: bool, client: int, flags: int, seq: int, ack: int, payload: bytes) -> bytes:
    """An Ethernet frame between 11.<client>.1:(20000 + client) and 10.255.0.1:80, checksums left to the card."""
    ends = [(bytes([11, client & 255, client >> 8, 1]), 20000 + client), (bytes([10, 255, 0, 1]), SERVER_PORT)]
    (source, source_port), (target, target_port) = ends if forward else ends[::-1]
    tcp = struct.pack(">HHIIBBHHH", source_port, target_port, seq, ack, 0x50, flags, 65535, 0, 0)
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 40 + len(payload), 1, 0x4000, 64, 6, 0) + source + target
    return bytes(12) + b"\x08\x00" + ip + tcp + payload


def connection(client: int) -> list[tuple[bool, int, int, int, bytes]]:
    """(forward, flags, seq, ack, payload) of the packets of one connection with four requests."""
    request = b"GET /page?id=%d HTTP/1.1\r\nHost: shop.example\r\n\r\n" % client
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1900\r\n\r\n" + b"<p>text</p>\n" * 8
    packets = [(True, SYN, 1000, 0, b""), (False, SYN | ACK, 5000, 1001, b""), (True, ACK, 1001, 5001, b"")]
    sent, received = 1001, 5001
    for _ in range(4):
        packets.append((True, PSH | ACK, sent, received, request))
        sent += len(request)
        for size in (len(answer), 1448, 420):
            packets.append((False, PSH | ACK, received, sent, answer.ljust(size, b"x")))
            received += size
        packets.append((True, ACK, sent, received, b""))
    packets += [
        (True, FIN | ACK, sent, received, b""),
        (False, FIN | ACK, received, sent + 1, b""),
        (True, ACK, sent + 1, received + 1, b""),
    ]
    return packets


def make_round(*, with_comments: bool) -> Round:
    """One round: connections interleaved packet by packet, 8 server processes, 40 client processes."""
    made = Round()
    servers = [owner("httpd", 15000 + i, "/usr/sbin/httpd -k start -DFOREGROUND") for i in range(8)]
    clients = [owner("wrk", 20000 + i, f"wrk -t 2 -c 100 -d 30 http://shop.example/page?id={i}") for i in range(40)]
    scripts = [connection(client) for client in range(CONNECTIONS_A_ROUND)]
    for step in range(max(map(len, scripts))):
        for client, script in enumerate(scripts):
            forward, flags, seq, ack, payload = script[step]
            at_client, at_server = clients[client % 40], servers[client % 8]
            writer, reader = (at_client, at_server) if forward else (at_server, at_client)
            texts = (
                [
                    comments.line(writer, is_write=True, evidence="socket"),
                    comments.line(reader, is_write=False, evidence="socket"),
                ]
                if with_comments
                else []
            )
            frame = packet(forward=forward, client=client, flags=flags, seq=seq, ack=ack, payload=payload)
            start = len(made.data)
            made.data += blocks.enhanced_packet(interface=0, time_ns=0, data=frame, flags=1, comments=texts)
            made.times.append(start + 12)
            made.clients.append(start + 28 + 14 + (12 if forward else 16))
    return made


def make_capture(path: Path, *, size_bytes: int, with_comments: bool) -> int:
    """Write a pcapng of about `size_bytes`; the number of packets."""
    made = make_round(with_comments=with_comments)
    rounds = max(1, size_bytes // len(made.data))
    data = np.frombuffer(made.data, np.uint8).copy()
    times = np.array(made.times)
    clients = np.array(made.clients)
    steps = np.linspace(0, ROUND_NS - 1000, len(times)).astype(np.uint64)
    with path.open("wb") as file:
        file.write(blocks.section_header(application="pcapdig benchmark"))
        file.write(blocks.interface_description(name="lo", link_type=1, snap_length=262144))
        for number in range(rounds):
            ticks = steps + np.uint64(FIRST_NS + number * ROUND_NS)
            words = np.stack([ticks >> np.uint64(32), ticks & np.uint64(0xFFFFFFFF)], axis=1).astype("<u4")
            data[times[:, None] + np.arange(8)] = words.view(np.uint8)
            data[clients] = FIRST_OCTETS[number % len(FIRST_OCTETS)]
            file.write(data.tobytes())
    return rounds * len(times)


def measure(command: list[str], environment: dict[str, str]) -> tuple[float, float, int]:
    """Wall seconds, CPU seconds and the largest resident size in KiB of one run."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ | environment)
    assert process.stderr is not None
    complaint = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit status {process.returncode}: {complaint.decode()}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def commands_for(file: str, *, tshark: bool) -> dict[str, tuple[list[str], dict[str, str]]]:
    """What is compared, those that are installed."""
    installed = Path(sys.executable).parent / "pcapdig"
    pcapdig = [str(installed)] if installed.exists() else [sys.executable, "-c", "from pcapdig.cli import main; main()"]
    scan = f"from pcapdig.trace.trace import Trace\nprint(sum(map(len, Trace().read({file!r}))))"
    wanted = {
        "cat FILE": (["cat", file], {}),
        "TZ=UTC0 tcpdump -nn -q -r FILE": (["tcpdump", "-nn", "-q", "-r", file], {"TZ": "UTC0"}),
        "pcapdig's scanner alone": ([sys.executable, "-P", "-c", scan], {}),
        "pcapdig -r FILE -c topconns": ([*pcapdig, "-r", file, "-c", "topconns"], {}),
        "pcapdig -r FILE -c topprocs_net": ([*pcapdig, "-r", file, "-c", "topprocs_net"], {}),
    }
    if tshark:
        wanted["tshark -q -z conv,tcp -r FILE"] = (["tshark", "-q", "-z", "conv,tcp", "-r", file], {})
    return {label: (command, env) for label, (command, env) in wanted.items() if shutil.which(command[0])}


def main() -> None:
    """Make the file, run the commands in turns, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-comments", action="store_true", help="a capture without processes")
    parser.add_argument("--no-tshark", action="store_true", help="leave out the slowest")
    parser.add_argument("--file", help="dig this file instead of making one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pcapdig-bench-") as folder:
        path = Path(options.file or Path(folder) / "bench.pcapng")
        if not options.file:
            make_capture(path, size_bytes=options.megabytes << 20, with_comments=not options.no_comments)
        report(path, repeats=options.repeats, tshark=not options.no_tshark)


def report(path: Path, *, repeats: int, tshark: bool) -> None:
    """Run and print."""
    count = subprocess.run(["capinfos", "-Mcr", str(path)], capture_output=True, text=True, check=True).stdout
    packets = int(count.split()[-1])
    chosen = commands_for(str(path), tshark=tshark)
    runs: dict[str, list[tuple[float, float, int]]] = {label: [] for label in chosen}
    for _ in range(repeats):
        for label, (command, environment) in chosen.items():
            runs[label].append(measure(command, environment))
    best = {label: min(taken) for label, taken in runs.items()}
    _, _, own_kib = measure(["true"], {})  # a new process counts the peak of the one that made it
    peer = next((wall for label, (wall, _, _) in best.items() if "tcpdump" in label), None)
    print(f"{path.stat().st_size / 1e6:.0f} MB, {packets} packets, fastest of {repeats} runs, file in the page cache\n")
    print(f"{'command':<36}{'wall s':>8}{'CPU s':>8}{'M packets/s':>13}{'MB/s':>8}{'x tcpdump':>11}{'RSS MB':>8}")
    for label, (wall, cpu, rss_kib) in best.items():
        ratio = f"{peer / wall:.2f}" if peer else ""
        rate = path.stat().st_size / 1e6 / wall
        rss = f"<{own_kib / 1024:.0f}" if rss_kib <= own_kib else f"{rss_kib / 1024:.0f}"
        numbers = f"{wall:>8.2f}{cpu:>8.2f}{packets / wall / 1e6:>13.2f}{rate:>8.0f}{ratio:>11}{rss:>8}"
        print(f"{label:<36}{numbers}")


if __name__ == "__main__":
    main()

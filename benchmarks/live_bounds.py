"""Memory of live chisels and of a live copy with a filter, with the number of connections; prints a table in Markdown.

In: nothing. A model of a recording without end is fed the way a recorder does it, a second of the capture's time in one piece: 500 new TCP
connections with a request and an answer, closed, and 500 DNS queries, answered, each from a port of its own. Out: the RSS of the process
after so many connections, DNS included, and the growth of the last half.

    .venv/bin/python benchmarks/live_bounds.py [--chisels NAME,...] [--counts 100000,200000,400000,800000] [--processes]

With --processes each connection is of a process that ran only for it. `-w` is a copy with the filter `fd.sport=80`.
"""

from __future__ import annotations

import argparse
import io
import os
import struct
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bounds import ARGUMENTS

A_SECOND = 500
START_S = 1_700_000_000
NS = 1_000_000_000
SYN, ACK, FIN = 2, 16, 1
GET = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def main() -> None:
    """Run each chisel in a process of its own, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chisels", default="")
    parser.add_argument("--counts", default="100000,200000,400000,800000")
    parser.add_argument("--processes", action="store_true")
    chosen = parser.parse_args()
    from pcapdig.chisels import registry

    counts = [int(count) for count in chosen.counts.split(",")]
    names = chosen.chisels.split(",") if chosen.chisels else [*sorted(registry.names()), "-w"]
    print("|".join(["| chisel ", *(f" {count:,} " for count in counts), ""]))
    print("|---" * (len(counts) + 1) + "|")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory() as place:
        model = Path(place, "model")
        sizes = write(model, counts[-1] // (2 * A_SECOND) + 1, chosen.processes)
        for name in names:
            child = os.fork()
            if child == 0:
                grown = measured(name, counts, model, sizes)
                print("|".join([f"| `{name}` ", *(f" {size >> 20} MB " for size in grown), ""]))
                sys.stdout.flush()
                os._exit(0)
            os.waitpid(child, 0)


def write(model: Path, seconds: int, has_processes: bool) -> list[int]:
    """Put the traffic into a file; how many bytes each second of it takes."""
    with model.open("wb") as file:
        return [file.write(traffic(second, has_processes)) for second in range(seconds)]


def measured(name: str, counts: list[int], model: Path, sizes: list[int]) -> Iterator[int]:
    """RSS in bytes after each of so many connections."""
    feed = _copy() if name == "-w" else _dig(name, model.parent / "out")
    done, left = 0, [*counts]
    file = model.open("rb", buffering=0)
    for second, size in enumerate(sizes):
        feed(file.read(size), START_S + second + 1)
        done += 2 * A_SECOND
        if done >= left[0]:
            yield _resident()
            left.pop(0)
            if not left:
                return


def _copy():
    from pcapdig.dig import BlockFilter
    from pcapdig.filters import compile_filter
    from pcapdig.trace.trace import Trace

    limits = {}
    try:
        from pcapdig.trace.ages import AGE_LIMITS

        limits["limits"] = AGE_LIMITS
    except ImportError:  # a pcapdig from before
        pass
    keep = BlockFilter(Trace("model"), compile_filter("fd.sport=80"), at_once=True, **limits)
    return lambda data, _: [None for _ in keep.keep(data)]


class Nowhere(io.StringIO):
    """Takes the output."""

    def write(self, text: str) -> int:
        """Forget it."""
        return len(text)


def _dig(name: str, directory: Path):
    from pcapdig.chisels import registry
    from pcapdig.dig import LiveDig, Plan
    from pcapdig.trace.trace import Trace

    words = [word.replace("DIRECTORY", str(directory)) for word in ARGUMENTS.get(name, []) if not word.startswith("--")]
    kind = registry.find(name)
    given = {} if name == "files" else {arg.name: word for arg, word in zip(kind.args, words, strict=False)}
    dig = LiveDig(Trace("model"), Plan(chisels=(kind(**given),)), Nowhere())

    def feed(data: bytes, now_s: int) -> None:
        dig.feed(data)
        dig.pass_time(now_s * NS)

    return feed


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def traffic(second: int, has_processes: bool) -> bytes:
    """The blocks of one second."""
    from pcapdig.pcapng import blocks

    parts = []
    if not second:
        parts = [blocks.section_header(application="model") + blocks.interface_description(name="eth0", link_type=101)]
    for i in range(A_SECOND):
        number = second * A_SECOND + i
        at_ns = (START_S + second) * NS + i * (NS // A_SECOND)
        comment = _comments(number) if has_processes else []
        for step, data in enumerate((*_http(number), *_dns(number))):
            parts.append(
                blocks.enhanced_packet(interface=0, time_ns=at_ns + step * 10_000, data=data, comments=comment[:1])
            )
    return b"".join(parts)


def _comments(number: int) -> list[bytes]:
    from pcapdig.pcapng import comments
    from pcapdig.procs.process import Process

    process = Process(
        name="curl", pid=1000 + number % 4_000_000, ppid=999, pname="sh", uid=33, user="www", exepath="/usr/bin/curl",
        cmdline=f"curl --silent --output /tmp/{number} http://10.0.0.1/{number}",
    )  # fmt: skip
    return [comments.line(process, is_write=True, evidence="socket")]


def _ends(number: int) -> tuple[bytes, int]:
    return b"\x0a" + (2 + number // 60_000).to_bytes(3, "big"), 1024 + number % 60_000


def _ip(source: bytes, target: bytes, protocol: int, payload: bytes) -> bytes:
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0) + source + target + payload


def _http(number: int) -> Iterator[bytes]:
    client, port = _ends(number)
    server = b"\x0a\0\0\1"
    get = GET % (number % 1000)
    asks, answers = number * 7919 & 0xFFFFFFF, number * 104_729 & 0xFFFFFFF
    after = asks + 1 + len(get)
    for is_client, seq, ack, flags, data in (
        (True, asks, 0, SYN, b""),
        (False, answers, asks + 1, SYN | ACK, b""),
        (True, asks + 1, answers + 1, ACK, get),
        (False, answers + 1, after, ACK, OK),
        (True, after, answers + 1 + len(OK), ACK | FIN, b""),
        (False, answers + 1 + len(OK), after + 1, ACK | FIN, b""),
        (True, after + 1, answers + 2 + len(OK), ACK, b""),
    ):
        ports = (port, 80) if is_client else (80, port)
        head = struct.pack(">HHIIBBHHH", *ports, seq, ack, 0x50, flags, 65000, 0, 0)
        yield _ip(*((client, server) if is_client else (server, client)), 6, head + data)


def _dns(number: int) -> Iterator[bytes]:
    client, port = _ends(number)
    server = b"\x0a\0\0\3"
    question = b"\x08%08d\0\0\1\0\1" % (number % 1000)
    query = struct.pack(">HHHHHH", number & 0xFFFF, 0x100, 1, 0, 0, 0) + question
    answer = struct.pack(">HHHHHH", number & 0xFFFF, 0x8180, 1, 1, 0, 0) + question
    answer += b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\1"
    yield _ip(client, server, 17, struct.pack(">HHHH", port, 53, 8 + len(query), 0) + query)
    if number % 10:
        yield _ip(server, client, 17, struct.pack(">HHHH", 53, port, 8 + len(answer), 0) + answer)


if __name__ == "__main__":
    main()

"""Does time grow with the input alone? Inputs of a target, each made long in a few ways: four times the bytes may take a bit over four times as long.

python tests/fuzz/growth.py http filter         # prints the slowest of each target; exit status 1: one grows faster than its size
"""

from __future__ import annotations

import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from instrumented import FOLDER
from targets import TARGETS
from targets.conversations import MARK
from targets.target import Target

SHORT_BYTES, LONG_BYTES = 1 << 15, 1 << 17
MOST_OF_CORPUS = 120
LEAST_SECONDS = 0.02
"""Less is noise."""
MOST_GROWTH = 7.0
"""Of time, for four times the bytes; 16 would be quadratic."""
GIVE_UP_SECONDS = 20


def main(names: list[str]) -> int:
    """Measure the targets named."""
    signal.signal(signal.SIGVTALRM, _give_up)
    is_steep = False
    for name in names:
        measured = sorted(growths(TARGETS[name]), reverse=True)
        steep = [each for each in measured if each[1] > MOST_GROWTH and each[0] > 1]
        is_steep |= bool(steep)
        for seconds, growth, way, begin in steep or measured[:1]:
            print(
                f"{name}: {seconds:.2f} s for {LONG_BYTES} bytes, {growth:.1f} times {SHORT_BYTES}: {way} of {begin!r}",
                flush=True,
            )
    return int(is_steep)


def growths(target: Target) -> Iterator[tuple[float, float, str, bytes]]:
    """(seconds of the long input, times the short one, how it was made, from what)."""
    corpus = sorted((FOLDER / "corpus" / target.name).glob("*"))
    found = random.Random(1).sample(corpus, min(MOST_OF_CORPUS, len(corpus)))
    for data in (*target.seeds(), *target.words, *map(Path.read_bytes, found)):
        for way, make in WAYS.items():
            if not data.replace(MARK, b""):
                continue
            short = spent(target, make(data, SHORT_BYTES))
            if short > LEAST_SECONDS:
                long = spent(target, make(data, LONG_BYTES))
                yield long, long / short, way, data[:60]


def one_turn(data: bytes, size: int) -> bytes:
    """All said at once."""
    body = data.replace(MARK, b"")
    return MARK + b"\0" + body * (size // len(body) + 1)


WAYS: dict[str, Callable[[bytes, int], bytes]] = {
    "repetition": lambda data, size: data * (size // len(data) + 1),
    "repetition behind the first byte": lambda data, size: data[:1] + data[1:] * (size // len(data) + 1),
    "one turn": one_turn,
    "tiny turns behind": lambda data, size: data + (MARK + b"\1x" + MARK + b"\0y") * (size // 8),
    "lines behind": lambda data, size: data + b"a: b\r\n" * (size // 6),
}


def spent(target: Target, data: bytes) -> float:
    """Seconds of the processor. What is refused is refused; the rules are for fuzz.py to check."""
    signal.setitimer(signal.ITIMER_VIRTUAL, GIVE_UP_SECONDS)
    start = time.process_time()
    try:
        target.run(data)
    except (AssertionError, TimeoutError):
        pass
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return time.process_time() - start


def _give_up(*_: object) -> None:
    raise TimeoutError


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(TARGETS)))

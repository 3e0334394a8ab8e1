"""What a person sees of a recording on stderr: a status line while it runs, a summary at its end.

In: `Statistics`, a stream. Out: text on that stream. Must not know the recorder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from pcapdig.render.data import printable
from pcapdig.render.terminal import rewritten
from pcapdig.render.units import bytes_text

if TYPE_CHECKING:
    from pcapdig.record.statistics import Statistics

_ERASE_TO_END = "\x1b[K"
"""ECMA-48 EL: what the line before left on the right is erased."""
_NS = 1_000_000_000


class Status:
    """Shows a recording's progress: on a terminal one line, rewritten; elsewhere one plain line, once."""

    __slots__ = ("_is_terminal", "_shown", "_stream", "_target")

    def __init__(self, stream: TextIO, target: str) -> None:
        """`target` is the file's name as the user wrote it."""
        self._stream = stream
        self._target = printable(target)
        self._is_terminal = stream.isatty()
        self._shown = False

    def __call__(self, statistics: Statistics) -> None:
        """Show where the recording is. Called by the recorder about once a second."""
        if self._is_terminal:
            self._stream.write(rewritten(self._stream, status_line(statistics)))
            self._stream.flush()
        elif not self._shown:
            names = ", ".join(interface.name for interface in statistics.interfaces)
            self._stream.write(f"recording on {printable(names)} to {self._target}\n")
            self._stream.flush()
        self._shown = True

    def clear(self) -> None:
        """Take the status line away, so that what follows has the line for itself."""
        if self._is_terminal and self._shown:
            self._stream.write(f"\r{_ERASE_TO_END}")
            self._stream.flush()


def status_line(statistics: Statistics) -> str:
    """Give `12s  34,567 packets  1.20M  0 dropped  99.98% named`."""
    named = statistics.attributed_percent
    return "  ".join(
        [
            f"{statistics.elapsed_ns // _NS}s",
            _counted(statistics.packets, "packet"),
            bytes_text(statistics.wire_bytes),
            f"{statistics.kernel_drops:,} dropped",
            "no process yet" if named is None else f"{percent_text(named)} named",
        ]
    )


def summary(statistics: Statistics, target: str | None) -> str:
    """Give what was recorded, lost and named, a line each. Losses are always shown, also when there were none.

    Args:
        statistics: totals at the end.
        target: the file written; None for a live run.
    """
    seconds = f"{statistics.elapsed_ns / _NS:.2f}s"
    where = "" if target is None else f" to {printable(target)}"
    verb = "seen" if target is None else "recorded"
    lines = [
        (verb, f"{_packets(statistics)} in {seconds}{where}"),
        ("lost", _losses(statistics)),
        ("named", _named(statistics)),
        (
            "no owner",
            f"{_counted(statistics.ends_kernel, 'end')} made by the kernel, {statistics.ends_unknown:,} unknown",
        ),
        ("tracer", statistics.tracer),
        *(("note", note) for note in statistics.notes),
    ]
    return "".join(f"{label:<10}{printable(text)}\n" for label, text in lines)


def percent_text(percent: float) -> str:
    """Give two decimals, cut: 100.00% is written only when nothing is missing."""
    hundredths = int(percent * 100)
    return f"{hundredths // 100}.{hundredths % 100:02d}%"


def _packets(statistics: Statistics) -> str:
    """Give `24 packets, 2.66KB`; where a filter kept fewer than passed by, `7 packets of 24 seen (2.66KB)`."""
    passed_by = sum(interface.written for interface in statistics.interfaces)
    size = bytes_text(statistics.wire_bytes)
    if statistics.packets < passed_by:
        return f"{_counted(statistics.packets, 'packet')} of {passed_by:,} seen ({size})"
    return f"{_counted(statistics.packets, 'packet')}, {size}"


def _losses(statistics: Statistics) -> str:
    dropped = f"{_counted(statistics.kernel_drops, 'packet')} dropped by the kernel"
    where = [f"{interface.dropped:,} on {interface.name}" for interface in statistics.interfaces if interface.dropped]
    texts = [f"{dropped} ({', '.join(where)})" if where else dropped]
    texts.append(f"{_counted(statistics.lost_events, 'socket event')} lost")
    if statistics.late_packets:
        texts.append(f"{_counted(statistics.late_packets, 'packet')} too late for their place in the file")
    if statistics.released_early:
        texts.append(f"{_counted(statistics.released_early, 'packet')} written before their hold-back ended")
    return ", ".join(texts)


def _named(statistics: Statistics) -> str:
    named = sum(statistics.ends_by_evidence.values())
    percent = statistics.attributed_percent
    if percent is None:
        return "no packet had an end that a process here could own"
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in statistics.ends_by_evidence.items() if count)
    total = named + statistics.ends_unknown
    return f"{named:,} of {_counted(total, 'packet end')} ({percent_text(percent)}){': ' if kinds else ''}{kinds}"


def _counted(count: int, noun: str) -> str:
    """Give `1 packet`, `1,000 packets`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

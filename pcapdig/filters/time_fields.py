"""evt.time and its kin: when a row was, and how long after others."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from pcapdig.filters import values
from pcapdig.filters.fields import Field, FieldType, Getter, shown, varying
from pcapdig.filters.values import Index, Numbers, Texts
from pcapdig.render.units import duration_text
from pcapdig.trace.columns import NO_WAIT, NOT_KEPT

if TYPE_CHECKING:
    from pcapdig.trace.rows import Rows

BILLION = 1_000_000_000


def _raw_time(rows: Rows, index: Index) -> Numbers:
    return Numbers(rows.time_ns[index])


def _gap(rows: Rows, index: Index) -> Numbers:
    gap_ns = rows.trace.history.gap_ns(rows.facts)[rows.packet[index]]
    return Numbers(gap_ns, gap_ns != NOT_KEPT)


def _wait(rows: Rows, index: Index) -> Numbers:
    wait_ns = rows.trace.history.wait_ns(rows.facts)[rows.packet[index]]
    return Numbers(wait_ns, wait_ns != NO_WAIT)


def _whole_seconds(of: Getter) -> Getter:
    def column(rows: Rows, index: Index) -> Numbers:
        ns = of(rows, index)
        assert isinstance(ns, Numbers)
        return Numbers(ns.values // BILLION, ns.present)

    return column


def _fraction(of: Getter) -> Getter:
    def column(rows: Rows, index: Index) -> Numbers:
        ns = of(rows, index)
        assert isinstance(ns, Numbers)
        return Numbers(ns.values % BILLION, ns.present)

    return column


def _wait_text(rows: Rows, index: Index) -> Texts:
    waits = values.to_list(_wait(rows, index))
    return Texts([duration_text(wait) if isinstance(wait, int) else None for wait in waits])


def _since_start(rows: Rows, index: Index) -> Numbers:
    """The ns since the trace's first packet, as -t r has it. Tables made by hand have none."""
    times, first_ns = rows.time_ns[index], rows.trace.first_ns
    if first_ns is None:
        return Numbers(times, np.zeros(len(times), dtype=np.bool_))
    return Numbers(times - first_ns)


def time_texts(
    layout: str, *, fraction: bool, zone: Callable[[float], time.struct_time] = time.localtime, after: str = ""
) -> Callable[[Rows, Index], Texts]:
    """A column of times as text: one `strftime` for each second that occurs, by the zone's rules of that second."""

    def column(rows: Rows, index: Index) -> Texts:
        seconds, fractions = np.divmod(rows.time_ns[index], BILLION)
        distinct, positions = np.unique(seconds, return_inverse=True)
        starts = [time.strftime(layout, zone(second)) for second in distinct.tolist()]
        if not fraction:
            return Texts([starts[position] + after for position in positions.tolist()])
        pairs = zip(positions.tolist(), fractions.tolist(), strict=True)
        return Texts([f"{starts[position]}.{ns:09d}{after}" for position, ns in pairs])

    return column


def _around(rows: Rows, index: Index, centre_ns: int) -> Numbers:
    """Whole ms from a moment, rounded up, so that `distance <= N` is exact."""
    return Numbers(-(-np.abs(rows.time_ns[index] - centre_ns) // 1_000_000))


def _history(name: str, kind: FieldType, column: Getter, meaning: str, *, digits: int = 1) -> Field:
    return varying(name, kind, column, meaning, digits=digits, costly=kind is FieldType.TEXT, uses_history=True)


def _clock(name: str, column: Getter, meaning: str) -> Field:
    return varying(name, FieldType.TEXT, column, meaning, costly=True)


_ABSOLUTE, _RELATIVE = FieldType.ABSOLUTE_TIME, FieldType.RELATIVE_TIME
_CLOCK, _DATE = "%H:%M:%S", "%Y-%m-%d %H:%M:%S"

TIMES = (
    _clock("evt.time", time_texts(_CLOCK, fraction=True), "time of day in this machine's time zone, with nanoseconds."),
    _clock("evt.time.s", time_texts(_CLOCK, fraction=False), "time of day in this machine's time zone, whole seconds."),
    _clock(
        "evt.time.iso8601",
        time_texts("%Y-%m-%dT%H:%M:%S", fraction=True, zone=time.gmtime, after="+0000"),
        "date and time as in ISO 8601 with nanoseconds, always UTC.",
    ),
    _clock("evt.datetime", time_texts(_DATE, fraction=True), "date and time here, with nanoseconds."),
    _clock("evt.datetime.s", time_texts(_DATE, fraction=False), "date and time here, whole seconds."),
    varying("evt.rawtime", _ABSOLUTE, _raw_time, "time in ns since 1970."),
    varying("evt.rawtime.s", _ABSOLUTE, _whole_seconds(_raw_time), "time in whole seconds since 1970."),
    varying("evt.rawtime.ns", _ABSOLUTE, _fraction(_raw_time), "the ns that evt.rawtime.s leaves out.", digits=9),
    varying("evt.reltime", _RELATIVE, _since_start, "ns since the first packet of the capture.", digits=9),
    varying(
        "evt.reltime.s",
        _RELATIVE,
        _whole_seconds(_since_start),
        "whole seconds since the first packet of the capture.",
    ),
    varying("evt.reltime.ns", _RELATIVE, _fraction(_since_start), "the ns that evt.reltime.s leaves out.", digits=9),
    _history(
        "evt.deltatime", _RELATIVE, _gap, "ns since the packet before it in the capture; 0 for the first.", digits=9
    ),
    _history("evt.deltatime.s", _RELATIVE, _whole_seconds(_gap), "whole seconds of evt.deltatime."),
    _history("evt.deltatime.ns", _RELATIVE, _fraction(_gap), "the ns that evt.deltatime.s leaves out.", digits=9),
    _history(
        "evt.latency",
        _RELATIVE,
        _wait,
        "how long an answer took, in ns: from the last packet of what the client sent to the first packet of what the server sent "
        "back, and from SYN to SYN+ACK. Only the packet that begins an answer has it, at both ends.",
    ),
    _history("evt.latency.s", _RELATIVE, _whole_seconds(_wait), "whole seconds of evt.latency."),
    _history("evt.latency.ns", _RELATIVE, _fraction(_wait), "the ns that evt.latency.s leaves out.", digits=9),
    _history("evt.latency.human", FieldType.TEXT, _wait_text, "evt.latency as a person reads it, such as 3.94ms."),
    shown("evt.outputtime", "time as asked for with -t."),
    Field(
        name="evt.around",
        type=FieldType.UNSIGNED,
        domain="event",
        help="evt.around[T]=MS: at most MS milliseconds before or after T, which is in ns since 1970.",
        argument="T",
        of_argument=_around,
        filter_only=True,
        differs_in_message=True,
    ),
)

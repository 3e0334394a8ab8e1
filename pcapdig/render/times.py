"""Times a person reads: the clock of this machine's zone, as it stood at the event, and the columns of -t.

In: ns since 1970. Out: text. The zone is the process's own (TZ, else the machine's), through time.localtime, asked once
a second of trace time. Must not know items or streams.
"""

from __future__ import annotations

import time

from pcapdig.render.options import TimeStyle

_NS = 1_000_000_000
"""Nanoseconds in a second."""


class LocalClock:
    """Local time of day and date. Remembers the last second asked for, since events of one second come together."""

    __slots__ = ("_date", "_second", "_time")

    def __init__(self) -> None:
        self._second: int | None = None
        self._time = ""
        self._date = ""

    def time_of_day(self, time_ns: int) -> str:
        """Give `HH:MM:SS` in the zone offset valid at that moment, daylight saving included."""
        self._turn_to(time_ns // _NS)
        return self._time

    def time_of_day_ns(self, time_ns: int) -> str:
        """Give `HH:MM:SS.nnnnnnnnn`."""
        second, rest_ns = divmod(time_ns, _NS)
        self._turn_to(second)
        return f"{self._time}.{rest_ns:09d}"

    def date_and_time_ns(self, time_ns: int) -> str:
        """Give `YYYY-MM-DD HH:MM:SS.nnnnnnnnn`."""
        second, rest_ns = divmod(time_ns, _NS)
        if second != self._second:
            self._turn_to(second)
        return f"{self._date} {self._time}.{rest_ns:09d}"

    def date(self, time_ns: int) -> str:
        """Give `YYYY-MM-DD`."""
        self._turn_to(time_ns // _NS)
        return self._date

    def _turn_to(self, second: int) -> None:
        """Make the remembered second this one."""
        if second == self._second:
            return
        local = time.localtime(second)
        self._time = f"{local.tm_hour:02d}:{local.tm_min:02d}:{local.tm_sec:02d}"
        self._date = f"{local.tm_year:04d}-{local.tm_mon:02d}-{local.tm_mday:02d}"
        self._second = second


class TimeColumn:
    """The time column of event lines. Keeps what relative times are measured from, so one belongs to one run."""

    __slots__ = ("_clock", "_first_ns", "_previous_ns", "_style")

    def __init__(self, style: TimeStyle, *, first_ns: int | None = None, clock: LocalClock | None = None) -> None:
        """Start a column.

        Args:
            style: what -t asked for.
            first_ns: time of the first event of the trace, shown or not; None: the first one given to `text` counts as
            that. clock: shared clock, so that zone look-ups are shared too.
        """
        self._style = style
        self._clock = clock or LocalClock()
        self._first_ns = first_ns
        self._previous_ns: int | None = None

    def start_at(self, first_ns: int) -> None:
        """Say when the trace's first event was, shown or not.

        Only the first call counts: several files are one trace.
        """
        if self._first_ns is None:
            self._first_ns = first_ns

    def text(self, time_ns: int, latency_ns: int | None = None) -> str:
        """Give the column's text for the event shown next; nanoseconds are always nine digits.

        `latency_ns`: how long the answer took that this event begins; None: it begins none. Only TimeStyle.LATENCY shows it.
        """
        style = self._style
        if style is TimeStyle.LATENCY:
            return seconds_text(latency_ns or 0)
        if style is TimeStyle.CLOCK:
            return self._clock.time_of_day_ns(time_ns)
        if style is TimeStyle.ABSOLUTE:
            return seconds_text(time_ns)
        self.start_at(time_ns)
        if style is TimeStyle.RELATIVE:
            return seconds_text(time_ns - (self._first_ns or 0))
        previous_ns = time_ns if self._previous_ns is None else self._previous_ns
        self._previous_ns = time_ns
        return seconds_text(time_ns - previous_ns)


def seconds_text(time_ns: int) -> str:
    """Give ns as seconds with nine decimals: 17052 is `0.000017052`, -5 is `-0.000000005`."""
    seconds, rest_ns = divmod(abs(time_ns), _NS)
    return f"{'-' if time_ns < 0 else ''}{seconds}.{rest_ns:09d}"

"""Table chisels as data: what is counted by what, how many rows are shown.

A table by connection or port counts each packet's payload once. A table by process counts it at each end that is a process of the
recording machine, as that process sees it. Bytes are fresh payload: no headers, no retransmissions, no second copies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pcapdig.render.items import NOT_KNOWN, Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pcapdig.chisels.chisel import Arg, Needs
    from pcapdig.chisels.totals import Totals
    from pcapdig.render.items import Item
    from pcapdig.trace.columns import Dimensions
    from pcapdig.trace.flows import Flows
    from pcapdig.trace.renumbering import Renumbering
    from pcapdig.trace.rows import Rows
    from pcapdig.trace.sums import Sums

BYTES = Column("evt.rawarg.res", "Bytes")
"""What all of them count, under sysdig's name."""
CONTAINER = Column("container.id", "container.id")
"""What -pc adds. sysdig has container.name there, which no packet carries."""


_VALUES_KEPT = 1 << 16
"""Live: values that are remembered from one second to the next."""


class TableChisel:
    """What the tables share. A subclass says how ids are counted, and how they become rows."""

    category: ClassVar[str] = "Net"
    args: ClassVar[tuple[Arg, ...]] = ()
    needs: ClassVar[Needs] = "packets"
    every_second: ClassVar[bool] = False
    refreshes: ClassVar[bool] = True
    filter: ClassVar[str] = ""
    colour: ClassVar[bool] = True
    keys: ClassVar[tuple[Column, ...]]
    """Columns after the bytes."""
    limit: ClassVar[int] = 100
    """Rows shown."""
    things: ClassVar[str] = "rows"
    """What a row is one of, for the note that there are more of them than are shown."""
    all_of: ClassVar[str] = "a filter chooses fewer"
    """How to see the rest, as the end of that note."""

    def __init__(self, *, verbose: bool = False) -> None:
        """`verbose`: -v was given; the table says more, but never counts otherwise."""
        self.verbose = verbose
        self._trace: Dimensions | None = None
        self._time_ns = 0
        self._counted: Totals | None = None

    @property
    def _totals(self) -> Totals:
        """What was counted; made when something is, for it loads numpy."""
        if self._counted is None:
            from pcapdig.chisels.totals import Totals

            self._counted = Totals()
        return self._counted

    def feed(self, rows: Rows) -> Iterable[Item]:
        """Count."""
        if len(rows):
            self._trace = rows.trace
            self._time_ns = int(rows.time_ns[-1])
            self._count(rows)
        return ()

    @property
    def adds_up(self) -> bool:
        """All it shows of a file are sums by flow or by process, so that `feed_sums` may take the place of `feed`."""
        return False

    def feed_sums(self, sums: Sums) -> None:
        """Count all packets of a trace at once; only where it adds up."""
        self._trace = sums.trace
        self._time_ns = sums.last_ns
        self._totals.add_all(self._sums_of(sums))

    def _sums_of(self, sums: Sums) -> bytes | bytearray:
        """Those it shows."""
        raise NotImplementedError

    def _counts_like(self, base: type[TableChisel]) -> bool:
        """Is every packet counted, and just as `base` does it? A chisel of the user's may do otherwise."""
        kind = type(self)
        is_plain = kind.needs == "packets" and not kind.filter and not kind.every_second
        return is_plain and kind.feed is TableChisel.feed and kind._count is base._count

    def renumber(self, renumbering: Renumbering) -> Iterable[Item]:
        """Nothing is kept by flow here."""
        return ()

    def interval(self, time_ns: int) -> Iterable[Item]:
        """The table of this second; counting starts anew."""
        table = self._table()
        self._counted = None
        return (table,)

    def end(self) -> Iterable[Item]:
        """The table of all that was counted since the last one."""
        return (self._table(),)

    def shown_keys(self) -> tuple[Column, ...]:
        """The columns after the bytes of this run."""
        return self.keys

    def _count(self, rows: Rows) -> None:
        """Add the rows' sizes to the totals."""
        raise NotImplementedError

    def _ranked(
        self, trace: Dimensions, ids: NDArray[np.intp], sums: NDArray[np.int64]
    ) -> tuple[list[tuple[int, tuple[str, ...]]], int]:
        """The rows to show of ids that have bytes, and how many there would be without a limit."""
        raise NotImplementedError

    def _table(self) -> Table:
        ranked: list[tuple[int, tuple[str, ...]]] = []
        found = 0
        if self._trace is not None:
            ranked, found = self._ranked(self._trace, *self._totals.counted())
        return Table(
            value=BYTES,
            keys=self.shown_keys(),
            rows=tuple(ranked),
            time_ns=self._time_ns,
            found=found,
            things=self.things,
            all_of=self.all_of,
        )


class ProcessTable(TableChisel):
    """Keys are fields of processes. What no process is known for is one row of `<NA>`."""

    def _count(self, rows: Rows) -> None:
        self._totals.add(rows.process, rows.size)

    @property
    def adds_up(self) -> bool:
        """Each row counts for its process."""
        return self._counts_like(ProcessTable)

    def _sums_of(self, sums: Sums) -> bytes | bytearray:
        return sums.by_process

    def _ranked(
        self, trace: Dimensions, ids: NDArray[np.intp], sums: NDArray[np.int64]
    ) -> tuple[list[tuple[int, tuple[str, ...]]], int]:
        texts = key_texts(trace, self.shown_keys(), ids.tolist())
        by_key: dict[tuple[str, ...], int] = {}
        for key, total in zip(texts, sums.tolist(), strict=True):
            by_key[key] = by_key.get(key, 0) + total
        ranked = sorted(by_key.items(), key=lambda entry: (-entry[1], entry[0]))
        return [(total, key) for key, total in ranked[: self.limit]], len(ranked)


class FlowTable(TableChisel):
    """Keys are fields of connections. A subclass says which connections share a row."""

    def _count(self, rows: Rows) -> None:
        from pcapdig.chisels.totals import first_of_packet

        facts = rows.facts
        if rows.are_packets:  # as where a server recorded: nothing to gather
            self._totals.add(facts.flow, facts.fresh)
            return
        packet = rows.packet[first_of_packet(rows)]
        self._totals.add(facts.flow[packet], facts.fresh[packet])

    @property
    def adds_up(self) -> bool:
        """Each packet counts for its flow."""
        return self._counts_like(FlowTable)

    def _sums_of(self, sums: Sums) -> bytes | bytearray:
        return sums.by_flow

    def renumber(self, renumbering: Renumbering) -> Iterable[Item]:
        """What goes was silent for seconds, and so is not in the table of this one."""
        self._totals.renumber(renumbering)
        return ()

    def _ranked(
        self, trace: Dimensions, ids: NDArray[np.intp], sums: NDArray[np.int64]
    ) -> tuple[list[tuple[int, tuple[str, ...]]], int]:
        is_flow = ids >= 0
        ids, sums = ids[is_flow], sums[is_flow]
        keep = self._has_key(trace.flows, ids)
        groups, found = self._groups(trace.flows, ids[keep], sums[keep])
        texts = key_texts(trace, self.keys, [members[0] for _, members in groups])
        extra = [self._extra(trace, members) for _, members in groups]
        rows = [(total, (*text, *more)) for (total, _), text, more in zip(groups, texts, extra, strict=True)]
        return rows, found

    def _has_key(self, flows: Flows, ids: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which of these flows belong in the table."""
        import numpy as np

        return np.ones(len(ids), np.bool_)

    def _groups(
        self, flows: Flows, ids: NDArray[np.intp], sums: NDArray[np.int64]
    ) -> tuple[list[tuple[int, list[int]]], int]:
        """Bytes and flows of each row to be shown, in order, and how many rows there would be without a limit."""
        raise NotImplementedError

    def _extra(self, trace: Dimensions, ids: list[int]) -> tuple[str, ...]:
        """Texts of further columns for the flows of one row."""
        return ()


class FieldTable(TableChisel):
    """Keys are any fields. A missing value is shown as `<NA>`.

    Keys that belong to connections alone count each packet once; with any other key a packet counts at each end that passed.
    """

    def __init__(self, *, verbose: bool = False) -> None:
        """Raises UsageError where a key is no field that can be counted by."""
        from pcapdig.chisels.key_ids import KeyIds, key_field

        super().__init__(verbose=verbose)
        self._key_ids = [KeyIds(key_field(key.field)) for key in self.shown_keys()]
        self._groups: dict[tuple[int, ...], int] = {}
        self._had_others = False  # in a second before

    def _count(self, rows: Rows) -> None:
        from pcapdig.chisels.totals import first_of_packet

        if all(key.by_flow for key in self._key_ids):
            rows = rows.select(first_of_packet(rows))
        rows = rows.select(rows.size > 0)
        self._totals.add(self._group_ids([key.of(rows) for key in self._key_ids]), rows.size)

    def _group_ids(self, columns: list[NDArray[np.intp]]) -> NDArray[np.intp]:
        """One id for each combination of keys."""
        import numpy as np

        if len(columns) == 1:
            return columns[0]
        code = np.zeros(len(columns[0]), np.int64)
        for column in columns:  # pairs of ids become ids without holes again, so that none can overflow
            _, code = np.unique(code * (int(column.max(initial=0)) + 2) + column + 1, return_inverse=True)
        _, first, position = np.unique(code, return_index=True, return_inverse=True)
        found = zip(*(column[first].tolist() for column in columns), strict=True)
        return np.array([self._group(ids) for ids in found], np.intp)[position]

    def _group(self, ids: tuple[int, ...]) -> int:
        """The number of a combination of keys; of those beyond the limit that of all others."""
        from pcapdig.chisels.key_ids import MOST_VALUES

        if ids not in self._groups and len(self._groups) >= MOST_VALUES:
            ids = tuple(key.others() for key in self._key_ids)
        return self._groups.setdefault(ids, len(self._groups))

    def interval(self, time_ns: int) -> Iterable[Item]:
        """The table of this second; counting starts anew, and so does the numbering of values where they are many."""
        items = super().interval(time_ns)
        if len(self._groups) > _VALUES_KEPT or any(len(key.values) > _VALUES_KEPT for key in self._key_ids):
            self._had_others |= any(key.has_others for key in self._key_ids)
            self._key_ids = [key.anew() for key in self._key_ids]
            self._groups.clear()
        return items

    def notes(self) -> Iterator[str]:
        """What is to be said beside the table."""
        from pcapdig.chisels.key_ids import note_of_others

        return note_of_others(self._key_ids, had_others=self._had_others)

    def _ranked(
        self, trace: Dimensions, ids: NDArray[np.intp], sums: NDArray[np.int64]
    ) -> tuple[list[tuple[int, tuple[str, ...]]], int]:
        of_group = [*self._groups] if len(self._key_ids) > 1 else None
        parts = [of_group[group] if of_group else (group,) for group in ids.tolist()]

        def rank(entry: tuple[int, tuple[int, ...]]) -> tuple[object, ...]:
            return (-entry[0], *(key.order(number) for key, number in zip(self._key_ids, entry[1], strict=True)))

        shown = sorted(zip(sums.tolist(), parts, strict=True), key=rank)[: self.limit]
        rows = [
            (total, tuple(key.text(number) or NOT_KNOWN for key, number in zip(self._key_ids, part, strict=True)))
            for total, part in shown
        ]
        return rows, len(parts)


def key_texts(trace: Dimensions, keys: Sequence[Column], ids: Sequence[int]) -> list[tuple[str, ...]]:
    """The texts of some key fields for flows or processes by id; `<NA>` where there is no value, as for id -1."""
    from pcapdig.filters.catalogue import lookup

    known = [i for i in ids if i >= 0]
    columns = []
    for key in keys:
        field = lookup(key.field)
        values = iter(field.values_of(trace, known))
        found = [next(values) if i >= 0 else None for i in ids]
        columns.append([NOT_KNOWN if value is None else field.text(value) for value in found])
    return list(zip(*columns, strict=True))

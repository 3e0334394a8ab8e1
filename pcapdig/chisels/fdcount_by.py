"""fdcount_by: connections by any field."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pcapdig.chisels.chisel import Arg
from pcapdig.chisels.lines import LineChisel
from pcapdig.errors import UsageError
from pcapdig.render.items import NOT_KNOWN, Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from pcapdig.render.items import Item
    from pcapdig.trace.renumbering import Renumbering
    from pcapdig.trace.rows import Rows


class FdcountBy(LineChisel):
    """How many different connections there were for each value of a field."""

    name: ClassVar[str] = "fdcount_by"
    category: ClassVar[str] = "I/O"
    short_description: ClassVar[str] = "FD count, aggregated by an arbitrary filter field"
    description: ClassVar[str] = (
        "Counts different connections (for UDP: conversations between two ports) for each value of a field, such as fd.sport, "
        "fd.cip or proc.name: a line each, value, tab, number, largest first. Connections that used the same addresses and "
        "ports one after the other count each. With the filter evt.type=accept it counts those that a server of this machine "
        "accepted. Live, the lines come when the recording ends."
    )
    args: ClassVar[tuple[Arg, ...]] = (Arg(name="key", type="string", description="the field to count by"),)

    def __init__(self, *, key: str, verbose: bool = False) -> None:
        """Raises UsageError where `key` is no field that can be counted by."""
        import numpy as np

        from pcapdig.chisels.key_ids import KeyIds, key_field

        super().__init__(verbose=verbose)
        try:
            self._key = KeyIds(key_field(key))
        except UsageError as error:
            raise UsageError(f"chisel fdcount_by: {error}") from None
        self._key_name = key
        self._pairs = np.zeros(0, np.int64)  # flow and key, each pair once
        self._gone: dict[int, int] = {}  # by key: connections whose rows have gone

    def feed(self, rows: Rows) -> Iterable[Item]:
        """Note which connections have which value."""
        import numpy as np

        with_flow = rows.select(rows.flow >= 0)
        if len(with_flow):
            pairs = (with_flow.flow.astype(np.int64) << 32) + self._key.of(with_flow) + 1
            self._pairs = np.union1d(self._pairs, pairs)
        return ()

    def renumber(self, renumbering: Renumbering) -> Iterable[Item]:
        """The number of those that go is enough."""
        flow = renumbering.new[self._pairs >> 32].astype("int64")
        for number, count in self._counts(self._pairs[flow < 0]).items():
            self._gone[number] = self._gone.get(number, 0) + count
        self._pairs = (flow[flow >= 0] << 32) + (self._pairs[flow >= 0] & 0xFFFFFFFF)
        return ()

    def _counts(self, pairs: NDArray[np.int64]) -> dict[int, int]:
        """Connections by key."""
        import numpy as np

        ids, counts = np.unique((pairs & 0xFFFFFFFF) - 1, return_counts=True)
        return dict(zip(ids.tolist(), counts.tolist(), strict=True))

    def notes(self) -> Iterator[str]:
        """What is to be said beside the lines."""
        from pcapdig.chisels.key_ids import note_of_others

        return note_of_others([self._key])

    def end(self) -> Iterable[Item]:
        """The lines."""
        counts = self._counts(self._pairs)
        for number, count in self._gone.items():
            counts[number] = counts.get(number, 0) + count
        ranked = sorted(counts.items(), key=lambda entry: (-entry[1], self._key.order(entry[0])))
        for number, count in ranked:
            text = self._key.text(number)
            shown = NOT_KNOWN if text is None else text.replace("\t", ".")
            yield Line(text=f"{shown}\t{count}", fields=((self._key_name, text), ("count", count)))

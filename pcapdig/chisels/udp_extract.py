"""udp_extract: the payload of each UDP conversation in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pcapdig.chisels.chisel import Arg
from pcapdig.chisels.lines import LineChisel
from pcapdig.render.items import Extract, Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pcapdig.render.items import Item
    from pcapdig.trace.renumbering import Renumbering
    from pcapdig.trace.rows import Rows

DIRECTORY = "udp_dump_files"
"""Where sysdig puts them."""


class UdpExtract(LineChisel):
    """A file a conversation: its datagrams one after the other, both ways."""

    name: ClassVar[str] = "udp_extract"
    category: ClassVar[str] = "I/O"
    short_description: ClassVar[str] = "Extract data from UDP streams to files"
    description: ClassVar[str] = (
        "Writes the payload of each UDP conversation, both ways, datagram after datagram, to a file of its own in "
        "./udp_dump_files, named after the connection: 192.0.2.1_5000--192.0.2.2_53. A file that was there before is replaced. "
        "At the end a line for each file says how many datagrams and bytes are in it, and how many bytes were sent and not "
        "captured."
    )
    args: ClassVar[tuple[Arg, ...]] = (
        Arg(name="directory", type="string", description=f"where the files go, in place of {DIRECTORY}", optional=True),
    )

    def __init__(self, *, directory: str = DIRECTORY, verbose: bool = False) -> None:
        """`directory` is made when the first file is."""
        super().__init__(verbose=verbose, own_filter="fd.l4proto=udp and evt.is_io=true")
        self._directory = directory
        self._names: dict[int, str] = {}  # by flow; several between the same ends share a file
        self._written: dict[str, list[int]] = {}

    def feed(self, rows: Rows) -> Iterable[Item]:
        """Each datagram, once, by conversation."""
        from pcapdig.chisels.totals import first_of_packet

        new = rows.select(first_of_packet(rows) & (rows.size > 0))
        pieces: dict[int, list[bytes]] = {}
        for i, (flow, size) in enumerate(zip(new.flow.tolist(), new.size.tolist(), strict=True)):
            payload = new.buffer(i)
            pieces.setdefault(flow, []).append(payload)
            name = self._names.get(flow)
            if name is None:
                name = self._names[flow] = _file_name(rows.trace.flows.name(flow))
            counts = self._written.setdefault(name, [0, 0, 0])
            for position, amount in enumerate((1, len(payload), size - len(payload))):
                counts[position] += amount
        for flow, payloads in pieces.items():
            yield Extract(directory=self._directory, name=self._names[flow], data=b"".join(payloads))

    def renumber(self, renumbering: Renumbering) -> Iterable[Item]:
        """What is in the files of conversations that go. More of one, should it come, is added to its file and has a line of its own."""
        gone = {name for flow, name in self._names.items() if renumbering.goes(flow)}
        self._names = renumbering.keys(self._names)
        gone.difference_update(self._names.values())
        return self._lines({name: self._written.pop(name) for name in [*self._written] if name in gone})

    def end(self) -> Iterable[Item]:
        """What is in each file."""
        return self._lines(self._written)

    def _lines(self, written: dict[str, list[int]]) -> Iterator[Line]:
        for name, (datagrams, size, missing) in written.items():
            path = f"{self._directory}/{name}"
            lost = f", {missing} bytes not captured" if missing else ""
            yield Line(
                text=f"{path}: {datagrams} datagram{'' if datagrams == 1 else 's'}, {size} bytes{lost}",
                fields=(("file", path), ("datagrams", datagrams), ("bytes", size), ("missing_bytes", missing)),
            )


def _file_name(connection: str) -> str:
    """sysdig's: `:` is `_`, `>` is `-`."""
    return connection.replace(":", "_").replace(">", "-")

"""The flow table as columns: who talked to whom, one row per connection or datagram conversation.

Rows are only added, so a row number (`Packets.flow`) names the same flow for the whole trace, and its values never change. A live trace
alone drops rows between two batches and numbers the others anew (renumbering.py).
The native scanner fills the records in place; everyone else reads the columns. They lie in plain memory, so that a scan may begin
while numpy is still being loaded.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from mmap import MADV_HUGEPAGE, MAP_ANONYMOUS, MAP_PRIVATE, mmap
from typing import TYPE_CHECKING

from pcapdig.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RECORD = [
    ("client", "u1", (16,)),
    ("server", "u1", (16,)),
    ("client_port", "<u2"),
    ("server_port", "<u2"),
    ("protocol", "u1"),
    ("family", "u1"),
    ("interface", "<u2"),
    ("first_ns", "<i8"),
]
"""One flow, as numpy's types have it; `_flows.pxd` declares the same structure."""
RECORD_BYTES = 48
"""Without padding."""

LARGE_BYTES = 1 << 22
"""Memory from here on is asked for in large pages (2 MiB)."""

_ENDS = struct.Struct("<16s16sHHBB")
"""The first fields of a record, through its family."""

_AF_INET, _AF_INET6 = 2, 10
"""Linux' numbers of address families."""

_MAPPED_PREFIX = bytes(10) + b"\xff\xff"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRecord:
    """One flow written by hand, for tests and for callers that make flows without packets."""

    client: str
    """Address text, IPv4 or IPv6."""
    server: str
    client_port: int = 0
    server_port: int = 0
    protocol: int = 6
    """IPPROTO number: 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6."""
    first_ns: int = 0
    """Time of the first packet, ns since 1970."""
    interface: int = 0
    """Row in trace.interfaces of the first packet."""


class Flows:
    """Columns over flows. A column is a view of the rows there are now: ask again after the next batch."""

    __slots__ = ("_count", "_memory", "_records", "names", "numbering")

    def __init__(self) -> None:
        """An empty table."""
        self.names: dict[bytes, str] = {}
        """Names of addresses (16 bytes, IPv4-mapped) that the file itself gives, of each address the first. Names are only added."""
        self.numbering = object()
        """Another one after rows were numbered anew: what was kept by row before is not of these rows."""
        self._memory = _memory(64 * RECORD_BYTES)
        self._records: NDArray[np.void] | None = None
        self._count = 0

    @classmethod
    def from_records(cls, records: Iterable[FlowRecord]) -> Flows:
        """A table of flows written by hand.

        Raises:
            UsageError: client and server are not both IPv4 or both IPv6 address texts.
        """
        flows = cls()
        for record in records:
            flows.append(record)
        return flows

    def append(self, record: FlowRecord) -> int:
        """Add one flow; its row number."""
        family = 6 if ":" in record.client else 4
        import numpy as np

        row = self._count
        self.reserve(row + 1)
        self._rows()[row] = (
            np.frombuffer(_address_bytes(record.client, family), np.uint8),
            np.frombuffer(_address_bytes(record.server, family), np.uint8),
            record.client_port,
            record.server_port,
            record.protocol,
            family,
            record.interface,
            record.first_ns,
        )
        self._count = row + 1
        return row

    def reserve(self, rows: int) -> bytearray | mmap:
        """The records with room for at least `rows`; columns handed out before keep the memory they had."""
        room = len(self._memory) // RECORD_BYTES
        if rows > room:
            grown = _memory(max(rows, 2 * room) * RECORD_BYTES)
            used = self._count * RECORD_BYTES
            grown[:used] = memoryview(self._memory)[:used]
            self._memory, self._records = grown, None
        return self._memory

    def resize(self, rows: int) -> None:
        """Tell that the first `rows` records are filled (the scanner's side of `reserve`)."""
        self._count = rows

    def renumbered(self) -> None:
        """Tell that rows have gone and others moved (the scanner's side did it). Columns handed out before are not valid any more."""
        self.numbering = object()

    def __len__(self) -> int:
        return self._count

    def _rows(self) -> NDArray[np.void]:
        """The records that there is room for."""
        if self._records is None:
            import numpy as np

            self._records = np.frombuffer(self._memory, np.dtype(RECORD))
        return self._records

    def _column(self, name: str) -> NDArray[np.generic]:
        column: NDArray[np.generic] = self._rows()[name][: self._count]
        return column

    @property
    def protocol(self) -> NDArray[np.uint8]:
        """IPPROTO number as on the wire, after IPv6 extension headers."""
        return self._column("protocol")  # type: ignore[return-value]

    @property
    def family(self) -> NDArray[np.uint8]:
        """4 or 6: the IP version of the packets."""
        return self._column("family")  # type: ignore[return-value]

    @property
    def client(self) -> NDArray[np.uint8]:
        """(n, 16): address in network order, IPv4 as ::ffff:a.b.c.d."""
        return self._column("client")  # type: ignore[return-value]

    @property
    def server(self) -> NDArray[np.uint8]:
        """(n, 16): address in network order, IPv4 as ::ffff:a.b.c.d."""
        return self._column("server")  # type: ignore[return-value]

    @property
    def client_port(self) -> NDArray[np.uint16]:
        """Host order; the identifier for ICMP echo; 0 where the protocol has none."""
        return self._column("client_port")  # type: ignore[return-value]

    @property
    def server_port(self) -> NDArray[np.uint16]:
        """Host order; 0 where the protocol has none."""
        return self._column("server_port")  # type: ignore[return-value]

    @property
    def first_ns(self) -> NDArray[np.int64]:
        """Time of the first packet, ns since 1970."""
        return self._column("first_ns")  # type: ignore[return-value]

    @property
    def interface(self) -> NDArray[np.uint16]:
        """Row in trace.interfaces of the first packet."""
        return self._column("interface")  # type: ignore[return-value]

    def client_ip(self, row: int) -> str:
        """The client's address as text: 192.0.2.1 or RFC 5952 without brackets."""
        return self._address(row, "client")

    def server_ip(self, row: int) -> str:
        """The server's address as text: 192.0.2.1 or RFC 5952 without brackets."""
        return self._address(row, "server")

    def name(self, row: int) -> str:
        """`1.2.3.4:5->6.7.8.9:80`; without ports where the protocol has none (neither end has one)."""
        return "->".join(self.end_texts(row))

    def end_texts(self, row: int) -> tuple[str, str]:
        """Client and server, `1.2.3.4:5` and `6.7.8.9:80`; without ports where the protocol has none (neither end has one)."""
        text_of = _address_text()
        if not 0 <= row < self._count:
            raise IndexError(f"flow {row} of {self._count}")
        client, server, client_port, server_port, protocol, family = _ENDS.unpack_from(self._memory, row * RECORD_BYTES)
        if family == 4:
            ends = text_of(_AF_INET, client[12:]), text_of(_AF_INET, server[12:])
        else:
            ends = text_of(_AF_INET6, client), text_of(_AF_INET6, server)
        if not client_port and not server_port and protocol not in (6, 17):
            return ends
        return f"{ends[0]}:{client_port}", f"{ends[1]}:{server_port}"

    def ends(self, rows: NDArray[np.intp]) -> NDArray[np.void]:
        """The records of some rows, a copy: fields as in RECORD."""
        found: NDArray[np.void] = self._rows()[: self._count][rows]
        return found

    def largest(
        self, rows: NDArray[np.intp], sums: NDArray[np.int64], limit: int
    ) -> tuple[list[tuple[int, list[int]]], int]:
        """Of some rows with a number each, the `limit` connections with the largest sums: (sum, its rows), largest first.

        With them comes how many connections there are in all.

        Flows between the same ends, as client and server, are one connection. Equal sums are in the order of protocol, client, server.
        """
        import numpy as np

        from pcapdig.trace._ranking import largest

        return largest(self._memory, np.ascontiguousarray(rows, np.int64), np.ascontiguousarray(sums, np.int64), limit)

    def _at(self, row: int, name: str) -> NDArray[np.generic]:
        if not 0 <= row < self._count:
            raise IndexError(f"flow {row} of {self._count}")
        value: NDArray[np.generic] = self._rows()[name][row]
        return value

    def _address(self, row: int, name: str) -> str:
        import socket  # with selectors, which a scan need not wait for

        raw = self._at(row, name).tobytes()
        if int(self._at(row, "family")) == 4:
            return socket.inet_ntop(socket.AF_INET, raw[12:])
        return socket.inet_ntop(socket.AF_INET6, raw)


@cache
def _address_text() -> Callable[[int, bytes], str]:
    """`socket.inet_ntop`, whose module comes with selectors, which a scan need not wait for."""
    from socket import inet_ntop

    return inet_ntop


def _memory(size_bytes: int) -> bytearray | mmap:
    """Zeros. Many of them lie in few large pages, since flows are looked up all over them."""
    if size_bytes < LARGE_BYTES:
        return bytearray(size_bytes)
    memory = mmap(-1, size_bytes, MAP_PRIVATE | MAP_ANONYMOUS)
    with suppress(OSError):  # a kernel without large pages
        memory.madvise(MADV_HUGEPAGE)
    return memory


def _address_bytes(text: str, family: int) -> bytes:
    """16 bytes in network order."""
    import socket

    try:
        if family == 4:
            return _MAPPED_PREFIX + socket.inet_pton(socket.AF_INET, text)
        return socket.inet_pton(socket.AF_INET6, text)
    except OSError:
        raise UsageError(f"not an IPv{family} address: {text}") from None

"""The flow table as columns: who talked to whom, one row per connection or datagram conversation.

Rows are only ever added, so a row number (`Packets.flow`) names the same flow for the whole trace, and its values never change.
The native scanner fills the records in place; everyone else reads the columns.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pcapdig.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

RECORD = np.dtype(
    [
        ("client", "u1", (16,)),
        ("server", "u1", (16,)),
        ("client_port", "<u2"),
        ("server_port", "<u2"),
        ("protocol", "u1"),
        ("family", "u1"),
        ("interface", "<u2"),
        ("first_ns", "<i8"),
    ]
)
"""One flow, 48 bytes without padding; `_flows.pxd` declares the same structure and checks its size."""

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

    __slots__ = ("_count", "_records", "names")

    def __init__(self) -> None:
        """An empty table."""
        self.names: dict[bytes, str] = {}
        """Names of addresses (16 bytes, IPv4-mapped) that the file itself gives, of each address the first. Names are only added."""
        self._records: NDArray[np.void] = np.zeros(64, RECORD)
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
        row = self._count
        if row == len(self._records):
            self.reserve(row + 1)
        self._records[row] = (
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

    def reserve(self, rows: int) -> NDArray[np.void]:
        """The records with room for at least `rows`; columns handed out before keep the memory they had."""
        if rows > len(self._records):
            grown = np.zeros(max(rows, 2 * len(self._records)), RECORD)
            grown[: self._count] = self._records[: self._count]
            self._records = grown
        return self._records

    def resize(self, rows: int) -> None:
        """Tell that the first `rows` records are filled (the scanner's side of `reserve`)."""
        self._count = rows

    def __len__(self) -> int:
        return self._count

    def _column(self, name: str) -> NDArray[np.generic]:
        column: NDArray[np.generic] = self._records[name][: self._count]
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
        client_port, server_port = int(self._at(row, "client_port")), int(self._at(row, "server_port"))
        if not client_port and not server_port and int(self._at(row, "protocol")) not in (6, 17):
            return f"{self.client_ip(row)}->{self.server_ip(row)}"
        return f"{self.client_ip(row)}:{client_port}->{self.server_ip(row)}:{server_port}"

    def _at(self, row: int, name: str) -> NDArray[np.generic]:
        if not 0 <= row < self._count:
            raise IndexError(f"flow {row} of {self._count}")
        value: NDArray[np.generic] = self._records[name][row]
        return value

    def _address(self, row: int, name: str) -> str:
        raw = self._at(row, name).tobytes()
        if int(self._at(row, "family")) == 4:
            return socket.inet_ntop(socket.AF_INET, raw[12:])
        return socket.inet_ntop(socket.AF_INET6, raw)


def _address_bytes(text: str, family: int) -> bytes:
    """16 bytes in network order."""
    try:
        if family == 4:
            return _MAPPED_PREFIX + socket.inet_pton(socket.AF_INET, text)
        return socket.inet_pton(socket.AF_INET6, text)
    except OSError:
        raise UsageError(f"not an IPv{family} address: {text}") from None

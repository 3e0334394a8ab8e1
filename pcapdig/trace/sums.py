"""What tables need of a trace and no more: payload bytes added up while packets are read, without columns and without numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pcapdig.trace.columns import Dimensions


class Sums(NamedTuple):
    """All packets of a trace, added up. Bytes are fresh payload bytes; see `Packets.fresh`.

    Numbers lie one after the other as 64-bit integers of this machine, row -1 first: what has no flow, or no known process.
    """

    trace: Dimensions
    """Where the rows are."""
    packets: int
    """How many there were."""
    last_ns: int
    """Time of the last packet, ns since 1970; 0 before it."""
    by_flow: bytes | bytearray
    """Each packet once. Row -1 is always 0."""
    by_process: bytes
    """Each packet at both of its ends, as the rows of `rows_of` have it: row -1 has the packets without any process."""
    packets_by_interface: tuple[int, ...]
    """Packets, not bytes."""

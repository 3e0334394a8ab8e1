"""What packets and messages have in common: the columns that rows are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pcapdig.trace.columns import Dimensions


class Facts(Protocol):
    """Columns that rows are made from: a packet or a message a row. See `Packets` for the meaning of each."""

    @property
    def trace(self) -> Dimensions:
        """The tables that columns point into."""

    @property
    def number(self) -> NDArray[np.uint64]:
        """From 1 over the whole trace."""

    @property
    def time_ns(self) -> NDArray[np.int64]:
        """ns since 1970."""

    @property
    def interface(self) -> NDArray[np.uint16]:
        """Row in trace.interfaces."""

    @property
    def flow(self) -> NDArray[np.int32]:
        """Row in trace.flows, -1: none."""

    @property
    def forward(self) -> NDArray[np.bool_]:
        """From client to server."""

    @property
    def payload_length(self) -> NDArray[np.uint32]:
        """Payload bytes on the wire."""

    @property
    def fresh(self) -> NDArray[np.uint32]:
        """Payload bytes not seen before."""

    @property
    def tcp_flags(self) -> NDArray[np.uint8]:
        """TCP_* bits."""

    @property
    def direction(self) -> NDArray[np.uint8]:
        """DIRECTION_*."""

    @property
    def writer(self) -> NDArray[np.int32]:
        """Row in trace.processes of the sender's end, -1: not known."""

    @property
    def reader(self) -> NDArray[np.int32]:
        """Row in trace.processes of the receiver's end, -1: not known."""

    @property
    def writer_evidence(self) -> NDArray[np.uint8]:
        """EVIDENCE_*."""

    @property
    def reader_evidence(self) -> NDArray[np.uint8]:
        """EVIDENCE_*."""

    @property
    def out_of_window(self) -> NDArray[np.bool_]:
        """The receiver would not accept it. Always False for a message."""

    def __len__(self) -> int: ...

    def buffer(self, index: int) -> bytes:
        """Payload bytes there are of one fact."""

    def gaps(self, index: int) -> tuple[tuple[int, int], ...]:
        """What is missing in `buffer(index)`: (position in the buffer, bytes missing there), ascending."""

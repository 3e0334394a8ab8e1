from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pcapdig.streams._order import Sequencer
from pcapdig.trace.columns import Packets

class Assembler(Sequencer):
    evicted: int

    def __init__(
        self,
        message_limit: int,
        hold_limit: int,
        total_limit: int,
        needle: bytes = b"",
        opens: Callable[[bytes], bool] | None = None,
        first_bytes: bytes = ...,
    ) -> None: ...
    def feed(
        self, packets: Packets, protocols: NDArray[np.uint8], wanted: NDArray[np.uint8], start: int, stop: int
    ) -> None: ...
    def flush(self, most: int = ...) -> None: ...
    def renumber(self, new: NDArray[np.int32]) -> None: ...
    def release(self, before_ns: int) -> None: ...

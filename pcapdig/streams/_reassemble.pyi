from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pcapdig.trace.columns import Packets

Row: TypeAlias = tuple[int, bool, int, int, int, int, int, int, int, int, int, int]

class Assembler:
    def __init__(self, message_limit: int, hold_limit: int, total_limit: int) -> None: ...
    def feed(
        self, packets: Packets, protocols: NDArray[np.uint8], wanted: NDArray[np.uint8], start: int, stop: int
    ) -> None: ...
    def flush(self) -> None: ...
    def release(self, before_ns: int) -> None: ...
    def take(self) -> tuple[list[Row], list[bytes], list[tuple[tuple[int, int], ...]]]: ...

from collections.abc import Iterator
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from pcapdig.protocols.conversation import Seen, Turn
from pcapdig.trace.rows import Rows

_V = TypeVar("_V")

class Turns(Generic[_V]):
    def __init__(
        self, rows: Rows, by_flow: dict[int, _V], left: NDArray[np.uint8], over: int, ends: dict[int, tuple[Seen]]
    ) -> None: ...
    def __iter__(self) -> Iterator[tuple[int, _V | None, Turn]]: ...
    def __next__(self) -> tuple[int, _V | None, Turn]: ...

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from pcapdig.protocols.conversation import Moment, Seen, Turn
from pcapdig.trace.rows import Rows

_V = TypeVar("_V")

class Load:
    dialogues_max: int
    requests_max: int
    size_max: int
    begun_max: int
    requests: int
    begun: int
    size_bytes: int
    def __init__(self, dialogues_max: int, requests_max: int, size_max: int, begun_max: int) -> None: ...
    @property
    def is_over(self) -> bool: ...

class Turns(Generic[_V]):
    def __init__(
        self,
        rows: Rows,
        by_flow: dict[int, _V],
        left: NDArray[np.uint8],
        over: int,
        ends: dict[int, tuple[Seen]],
        lone: Callable[[bytes, bool, Moment], Any] | None = None,
        load: Load | None = None,
        early: object = (),
    ) -> None: ...
    def __iter__(self) -> Iterator[tuple[int, _V | None, Turn | None]]: ...
    def __next__(self) -> tuple[int, _V | None, Turn | None]: ...

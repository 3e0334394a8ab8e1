from collections.abc import Iterator
from typing import Generic, TypeVar

from pcapdig.protocols.conversation import Seen, Turn
from pcapdig.trace.rows import Rows

_V = TypeVar("_V")

class Turns(Generic[_V]):
    def __init__(self, rows: Rows, by_flow: dict[int, _V], over: _V, ends: dict[int, tuple[Seen]]) -> None: ...
    def __iter__(self) -> Iterator[tuple[int, _V | None, Turn]]: ...
    def __next__(self) -> tuple[int, _V | None, Turn]: ...

from typing import Any

from numpy.typing import NDArray

from pcapdig.trace.columns import Interface
from pcapdig.trace.flows import Flows
from pcapdig.trace.processes import Processes

class Scanner:
    @property
    def needed(self) -> int: ...
    def __init__(
        self, flows: Flows, processes: Processes, interfaces: list[Interface], decap: bool = False
    ) -> None: ...
    def begin(self) -> None: ...
    def scan(
        self, data: bytes | memoryview, start: int, stop: int, most_packets: int, fd: int = -1
    ) -> tuple[dict[str, NDArray[Any]], int, str | None]: ...

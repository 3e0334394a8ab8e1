from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROW_TYPE: np.dtype[np.void]

def row_type() -> np.dtype[np.void]: ...

class Outbox:
    def __init__(
        self,
        message_limit: int,
        needle: bytes = b"",
        opens: Callable[[bytes], bool] | None = None,
        first_bytes: bytes = ...,
    ) -> None: ...
    def take(self) -> tuple[NDArray[Any], list[bytes], list[tuple[tuple[int, int], ...]]]: ...

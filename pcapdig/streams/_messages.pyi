from collections.abc import Callable
from typing import TypeAlias

Row: TypeAlias = tuple[int, bool, int, int, int, int, int, int, int, int, int, int]

class Outbox:
    def __init__(
        self,
        message_limit: int,
        total_limit: int,
        needle: bytes = b"",
        opens: Callable[[bytes], bool] | None = None,
        first_bytes: bytes = ...,
    ) -> None: ...
    def take(self) -> tuple[list[Row], list[bytes], list[tuple[tuple[int, int], ...]]]: ...

from mmap import mmap

import numpy as np
from numpy.typing import NDArray

def largest(
    records: bytearray | mmap, rows: NDArray[np.int64], sums: NDArray[np.int64], limit: int
) -> tuple[list[tuple[int, list[int]]], int]: ...

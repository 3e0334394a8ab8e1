"""Two things of the host that bcc needs for a moment, put back as they were: tracefs, and quiet on standard error."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pcapdig.errors import HostError

TRACEFS_PLACES = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))
"""Where libbcc looks."""
CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 0x4000, 0x40000

T = TypeVar("T")


def with_tracefs(work: Callable[[Path], T]) -> T:
    """Do `work` with the events directory of tracefs, and return its result.

    Where tracefs is not mounted, `work` runs in a thread whose mount namespace has it: nobody else sees that mount, and it ends with the
    thread whatever happens.

    Raises:
        HostError: it cannot be mounted; or what `work` raises.
    """
    for place in TRACEFS_PLACES:
        if (place / "events").is_dir():
            return work(place / "events")
    with ThreadPoolExecutor(1, thread_name_prefix="pcapdig-tracefs") as thread:
        return thread.submit(_work_in_own_namespace, work).result()


def _work_in_own_namespace(work: Callable[[Path], T]) -> T:
    libc = ctypes.CDLL(None, use_errno=True)
    steps: tuple[Callable[[], int], ...] = (
        lambda: int(libc.unshare(CLONE_NEWNS)),
        lambda: int(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None)),
        lambda: int(libc.mount(b"pcapdig", os.fsencode(TRACEFS_PLACES[0]), b"tracefs", 0, None)),
    )
    for step in steps:
        if step():
            raise HostError(f"tracefs is not mounted and cannot be: {os.strerror(ctypes.get_errno())}")
    return work(TRACEFS_PLACES[0] / "events")


@contextmanager
def quiet_stderr() -> Iterator[Callable[[], str]]:
    """Take what native code writes to standard error; the function given tells it."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as taken:
        os.dup2(taken.fileno(), 2)

        def said() -> str:
            return os.pread(taken.fileno(), 1 << 20, 0).decode("utf-8", "replace")

        try:
            yield said
        finally:
            os.dup2(kept, 2)
            os.close(kept)

"""Two things of the host that bcc needs for a moment, put back as they were: tracefs, and quiet on standard error."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pcapdig.errors import HostError

TRACEFS_PLACES = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))
"""Where libbcc looks."""
MNT_DETACH = 2


@contextmanager
def tracefs() -> Iterator[Path]:
    """The events directory of tracefs; where it is not mounted, it is for as long as the context lasts.

    Raises:
        HostError: it cannot be mounted.
    """
    for place in TRACEFS_PLACES:
        if (place / "events").is_dir():
            yield place / "events"
            return
    libc = ctypes.CDLL(None, use_errno=True)
    target = os.fsencode(TRACEFS_PLACES[0])
    if libc.mount(b"pcapdig", target, b"tracefs", 0, None):
        code = ctypes.get_errno()
        raise HostError(f"tracefs cannot be mounted at {TRACEFS_PLACES[0]}: {os.strerror(code)}")
    try:
        yield TRACEFS_PLACES[0] / "events"
    finally:
        libc.umount2(target, MNT_DETACH)


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

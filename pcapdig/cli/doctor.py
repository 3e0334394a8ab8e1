"""`pcapdig doctor`: what this machine offers for recording, what is missing and why.

Everything is tried, not deduced: each tracer is started and closed again, each interface opened. In: a stream. Out: text on it.
"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, TextIO

from pcapdig import __version__
from pcapdig.capture._pcap import Capture, library_version
from pcapdig.capture.interfaces import list_interfaces
from pcapdig.errors import HostError
from pcapdig.procs import ProcessTable
from pcapdig.record._loop import boot_offset_ns
from pcapdig.record._queue import READABLE_LINK_TYPES
from pcapdig.render.data import printable
from pcapdig.tracer import CHOICES, open_tracer

if TYPE_CHECKING:
    from collections.abc import Iterator

TRIAL_RING_BYTES = 1 << 20
"""Ring of a capture that is only opened and closed."""
_NOT_TRIED = ("auto", "none")
"""Tracers that say nothing about the machine."""


def examine(out: TextIO) -> bool:
    """Try everything a recording needs, and say line by line how it went: whether packets can be recorded here."""
    machine = platform.uname()
    _say(out, "pcapdig", f"{__version__} on {machine.system} {machine.release} {machine.machine}")
    _say(out, "with", library_version())
    works = False
    for name, verdict in _captures():
        works = works or verdict == "yes"
        _say(out, "capture", f"{name}: {verdict}")
    chosen = ""
    for name in CHOICES:
        if name not in _NOT_TRIED:
            is_working, lines = _try_tracer(name)
            chosen = chosen or (name if is_working else "")
            for line in lines:
                _say(out, "tracer", line)
    if not works:
        _say(out, "so", "packets cannot be recorded here; files can be dug (-r)")
    elif chosen:
        _say(out, "so", f"a recording has processes, by the tracer {chosen}")
    else:
        _say(out, "so", "packets can be recorded, without processes (--tracer none)")
    return works


def _say(out: TextIO, label: str, text: str) -> None:
    out.write(f"{label:<9}{printable(text)}\n")
    out.flush()


def _captures() -> Iterator[tuple[str, str]]:
    """Give each interface that is up, and `yes` or why packets cannot be captured there."""
    try:
        interfaces = [interface for interface in list_interfaces() if interface.is_up]
    except HostError as error:
        yield "interfaces", f"no: {error}"
        return
    if not interfaces:
        yield "interfaces", "no: none is up"
    for interface in interfaces:
        try:
            capture = Capture(interface.name, snap_length=64, ring_bytes=TRIAL_RING_BYTES, timeout_ms=10)
        except HostError as error:
            yield interface.name, f"no: {error}"
            continue
        readable = capture.link_type in READABLE_LINK_TYPES
        capture.close()
        yield interface.name, "yes" if readable else f"no: link type {capture.link_type} carries no IP packets"


def _try_tracer(name: str) -> tuple[bool, list[str]]:
    """Start a tracer and close it: whether that worked, and what there is to say."""
    tracer = open_tracer(name, processes=ProcessTable(boot_offset_ns=boot_offset_ns()))
    try:
        tracer.start()
    except HostError as error:
        return False, [f"{name}: no: {error}"]
    else:
        return True, [f"{name}: yes", *tracer.notes]
    finally:
        tracer.close()

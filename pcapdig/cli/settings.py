"""What the user asked for, checked: from the scanner's texts to values with types and ranges.

In: `Scanned`. Out: `Settings`. Everything that can be refused without touching a file, an interface or a filter is
refused here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from pcapdig.cli.options import BY_NAME
from pcapdig.errors import UsageError
from pcapdig.record.options import MAX_SNAP_LENGTH, RecordOptions
from pcapdig.render.options import DataStyle, Options, TimeStyle

if TYPE_CHECKING:
    from pcapdig.cli.chisel_call import ChiselCall
    from pcapdig.cli.scanner import Scanned

TRACERS = ("auto", "core", "bcc", "procfs", "none")
"""What --tracer takes; `replay:FILE` too, for bug reports."""
MAX_RING_KIB = (2**31 - 1) // 1024
"""pcap_set_buffer_size takes an int of bytes."""
MAX_HOLDBACK_MS = 60_000
"""A minute of packets waits in memory; more would be a mistyped number."""
MAX_LIMIT = 2**63 - 1
"""Packets are counted in 64 bits."""
_DATA_STYLES = {
    "data-ascii": DataStyle.ASCII,
    "data-hex": DataStyle.HEX,
    "data-hex-ascii": DataStyle.HEX_ASCII,
    "data-base64": DataStyle.BASE64,
}
_RECORD_ONLY = ("interface", "bpf", "ring", "tracer", "no-cmdline", "holdback")
"""Options without a meaning for a file."""
_PRESETS = {"k": "Kubernetes", "m": "Mesos"}
"""sysdig's other presets of -p; what they show is in no packet."""


class Action(Enum):
    """What a run does."""

    HELP = auto()
    VERSION = auto()
    LIST_CHISELS = auto()
    DESCRIBE_CHISEL = auto()
    LIST_FIELDS = auto()
    SHOW_FORMAT = auto()
    """-pp: the default format of event lines."""
    DOCTOR = auto()
    DIG = auto()
    """-r: event lines or chisels from files."""
    COPY = auto()
    """-r and -w: packets that pass, from files into a file."""
    RECORD = auto()
    """-w alone."""
    LIVE = auto()
    """Neither: event lines or chisels from packets as they come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One run of pcapdig."""

    action: Action
    """What to do."""
    files: tuple[str, ...]
    """To read, in order."""
    target: str | None
    """File to write; `-` is standard output."""
    compress: bool
    """Whether it is gzipped."""
    chisels: tuple[ChiselCall, ...]
    """To run, in order."""
    chisel_directories: tuple[str, ...]
    """Where to look for chisels besides the usual places."""
    filter_text: str
    """The filter's words joined by blanks; empty: none."""
    limit: int | None
    """-n: packets or events after which to stop."""
    format: str | None
    """-p: format of event lines."""
    show: Options
    """How items look. `colour` is still off: it depends on the stream."""
    record: RecordOptions
    """How to record."""
    decap: bool
    """--decap: look into tunnels."""
    keeps_all_blocks: bool
    """--keep-all-blocks: a copy has what describes packets that are not in it."""
    quiet: bool
    """-q."""
    summary: bool
    """-S."""
    described: str | None
    """Chisel to describe, for DESCRIBE_CHISEL."""


def settle(scanned: Scanned) -> Settings:
    """Check a command line and give it its types.

    Raises:
        UsageError: a value is out of range, or options do not go together.
    """
    action = _action(scanned)
    files = scanned.values.get("read", ())
    target = scanned.value("write")
    _check_together(scanned, action)
    if target not in (None, "-"):
        _check_not_overwritten(target or "", files)
    preset = scanned.value("format")
    return Settings(
        action=action,
        files=files,
        target=target,
        compress=scanned.has("compress"),
        chisels=scanned.chisels,
        chisel_directories=scanned.values.get("chisel-dir", ()),
        filter_text=scanned.filter_text,
        limit=_number(scanned, "limit", 1, MAX_LIMIT),
        format=None if preset in (None, "c") else preset,
        show=_show_options(scanned),
        record=_record_options(scanned),
        decap=scanned.has("decap"),
        keeps_all_blocks=scanned.has("keep-all-blocks"),
        quiet=scanned.has("quiet"),
        summary=scanned.has("summary"),
        described=scanned.value("chisel-info"),
    )


def _action(scanned: Scanned) -> Action:
    """Decide what to do. Listings come first: they do nothing else."""
    for name, action in (
        ("help", Action.HELP),
        ("version", Action.VERSION),
        ("list-chisels", Action.LIST_CHISELS),
        ("chisel-info", Action.DESCRIBE_CHISEL),
        ("list-fields", Action.LIST_FIELDS),
    ):
        if scanned.has(name):
            return action
    if scanned.value("format") == "p":
        return Action.SHOW_FORMAT
    if scanned.command == "doctor":
        return Action.DOCTOR
    if scanned.has("read"):
        return Action.COPY if scanned.has("write") else Action.DIG
    return Action.RECORD if scanned.has("write") else Action.LIVE


def _check_together(scanned: Scanned, action: Action) -> None:
    """Refuse options that contradict each other or would silently do nothing."""
    if action in (Action.DIG, Action.COPY):
        for name in _RECORD_ONLY:
            if scanned.has(name):
                raise UsageError(
                    f"{BY_NAME[name].spelling} is for recording and -r reads a file; leave one of them out"
                )
    if scanned.has("compress") and not scanned.has("write"):
        raise UsageError("-z compresses what -w writes, and there is no -w")
    if scanned.has("decap") and scanned.has("write") and not scanned.chisels and not scanned.filter_text:
        raise UsageError("--decap looks into tunnels for a filter or a chisel, and there is neither")
    if scanned.has("keep-all-blocks") and action is not Action.COPY:
        raise UsageError("--keep-all-blocks is for a copy, with -r and -w")
    if action is Action.DOCTOR and scanned.words:
        raise UsageError(f"doctor takes no arguments: {scanned.words[0]}")
    if scanned.values.get("read", ()).count("-") > 1:
        raise UsageError("-r - twice: standard input can be read only once")
    if scanned.has("list-fields") and scanned.words:
        raise UsageError(f"-l takes no arguments: {scanned.words[0]}")


def _check_not_overwritten(target: str, files: tuple[str, ...]) -> None:
    """Refuse to write over a file that is being read."""
    for file in files:
        try:
            same = file != "-" and os.path.samefile(target, file)
        except OSError:
            continue  # one of them is not there: whoever opens it says so
        if same:
            raise UsageError(f"-w {target} would overwrite the file that -r reads")


def _show_options(scanned: Scanned) -> Options:
    """Read how things shall look."""
    styles = [name for name in _DATA_STYLES if scanned.has(name)]
    if len(styles) > 1:
        spellings = " and ".join(BY_NAME[name].spelling for name in styles)
        raise UsageError(f"you cannot specify more than one output format: {spellings}")
    preset = scanned.value("format")
    if preset in _PRESETS:
        raise UsageError(f"-p{preset}: packets carry no {_PRESETS[preset]} names; -pc shows the container's id")
    kind = scanned.value("time") or TimeStyle.CLOCK.value
    kinds = [style.value for style in TimeStyle]
    if kind not in kinds:
        raise UsageError(f"-t {kind}: unknown time type, choose one of {', '.join(kinds)}")
    return Options(
        data=_DATA_STYLES[styles[0]] if styles else DataStyle.DOTTED,
        json=scanned.has("json"),
        verbose=scanned.has("verbose"),
        time=TimeStyle(kind),
        containers=preset == "c",
    )


def _record_options(scanned: Scanned) -> RecordOptions:
    """Read how to record. The packet limit is left to whoever counts: with a filter, not each packet seen is kept."""
    tracer = scanned.value("tracer") or "auto"
    if tracer not in TRACERS and not tracer.startswith("replay:"):
        raise UsageError(f"--tracer {tracer}: unknown tracer, choose one of {', '.join(TRACERS)}")
    usual = RecordOptions()
    snap_length = _number(scanned, "snaplen", 1, MAX_SNAP_LENGTH)
    ring_kib = _number(scanned, "ring", 1, MAX_RING_KIB)
    holdback_ms = _number(scanned, "holdback", 0, MAX_HOLDBACK_MS)
    return RecordOptions(
        interfaces=tuple(dict.fromkeys(scanned.values.get("interface", ()))),
        bpf=scanned.value("bpf"),
        snap_length=usual.snap_length if snap_length is None else snap_length,
        ring_kib=usual.ring_kib if ring_kib is None else ring_kib,
        packet_limit=_number(scanned, "limit", 1, MAX_LIMIT),
        tracer=tracer,
        holdback_ms=usual.holdback_ms if holdback_ms is None else holdback_ms,
        cmdline=not scanned.has("no-cmdline"),
        full_cmdline=scanned.has("full-cmdline"),
    )


def _number(scanned: Scanned, name: str, low: int, high: int) -> int | None:
    """Read a whole number within bounds; None where the option was not given."""
    text = scanned.value(name)
    if text is None:
        return None
    spelling = BY_NAME[name].spelling
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise UsageError(f"{spelling} {text}: not a whole number")
    number = int(text) if len(digits) < 20 else high + 1  # int() itself refuses thousands of digits
    if not low <= number <= high:
        raise UsageError(f"{spelling} {text}: not between {low} and {high}")
    return number

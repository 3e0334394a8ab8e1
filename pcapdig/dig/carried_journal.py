"""Journal entries in a copy: those that processes of kept packets wrote (draft-ietf-opsawg-pcapng, section 4.7).

An entry is one process's, by `_PID` and, where both are known, `_COMM`, which journald takes from the kernel. Entries without `_PID` (the
kernel's own) are nobody's. Source: systemd, docs/JOURNAL_EXPORT_FORMATS.md.
"""

from __future__ import annotations

from typing import NamedTuple

from pcapdig.dig.held import Held

_SIZE_BYTES = 8
_MOST_DIGITS = 10


class Entry(NamedTuple):
    """One entry."""

    block: bytes
    """As it lies in the file."""
    comm: bytes | None
    """None where the entry does not say it."""


class CarriedJournal:
    """The journal entries of one section."""

    def __init__(self, held: Held[int, Entry] | None = None) -> None:
        """None yet. `held`: where entries wait."""
        self.held = held if held is not None else Held[int, Entry]()
        self.left_out = 0
        """Entries of nobody."""
        self._kept: dict[int, set[bytes | None]] = {}
        """Process id -> names of processes that kept packets name."""

    def begin_section(self) -> int:
        """Forget all, since process ids are those of one section; how many entries waited."""
        self._kept.clear()
        return self.held.clear()

    def add(self, body: bytes, whole: bytes) -> bytes:
        """Take an entry; what goes into the copy at once."""
        fields = read_fields(body)
        text = fields.get(b"_PID", b"")
        if not text.isdigit() or len(text) > _MOST_DIGITS:
            self.left_out += 1
            return b""
        pid, entry = int(text), Entry(whole, fields.get(b"_COMM"))
        if any(_fits(entry, name) for name in self._kept.get(pid, ())):
            return whole
        self.held.add(pid, entry, len(whole))
        return b""

    def needed(self, pid: int, name: bytes | None) -> bytes:
        """The entries of a process that a kept packet names; `name` as the packet has it, None where it does not."""
        names = self._kept.setdefault(pid, set())
        if name in names:
            return b""
        names.add(name)
        found = []
        for entry in self.held.take(pid):
            if _fits(entry, name):
                found.append(entry.block)
            else:
                self.held.add(pid, entry, len(entry.block))
        return b"".join(found)


def _fits(entry: Entry, name: bytes | None) -> bool:
    return name is None or entry.comm is None or entry.comm == name


def read_fields(body: bytes) -> dict[bytes, bytes]:
    """The first value of each field of an entry in the export format; what is cut off has none."""
    fields: dict[bytes, bytes] = {}
    at = 0
    while at < len(body):
        end = body.find(b"\n", at)
        if end < 0:
            break
        name, equals, value = body[at:end].partition(b"=")
        at = end + 1
        if not equals and name:  # binary: its size in little-endian, then the value and a line end
            size = int.from_bytes(body[at : at + _SIZE_BYTES], "little")
            at += _SIZE_BYTES
            if size > len(body) - at:
                break
            value = body[at : at + size]
            at += size + 1
        fields.setdefault(name, value)
    return fields

"""What pcapdig says of a capture: packet columns and flows from the trace, messages from the reassembler, records from chisels."""

from __future__ import annotations

import io
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from pcapdig.chisels import registry
from pcapdig.dig import Plan, dig
from pcapdig.errors import InputError
from pcapdig.render.options import Options
from pcapdig.streams.reassembler import Reassembler
from pcapdig.trace.columns import Packets
from pcapdig.trace.trace import Trace

TCP, UDP = 6, 17
Turn = tuple[str, bytes, tuple[tuple[int, int], ...]]


@dataclass(frozen=True, kw_only=True)
class Said:
    """Messages of one direction of a flow."""

    data: bytes
    """All payload captured, in order."""
    holes: dict[int, int]
    """Bytes on the wire that are not in it, by the place in `data` where they belong."""


class Pcapdig:
    """pcapdig's view of one file."""

    def __init__(self, path: Path, *, decap: bool) -> None:
        self.path = path
        self._decap = decap
        self.damage: str | None = None
        """What it says of the file's end; None: sound."""

    def open(self) -> Trace:
        """A trace that has read nothing yet."""
        return Trace(decap=True) if self._decap else Trace()

    @cached_property
    def _read(self) -> tuple[Trace, list[Packets]]:
        trace = self.open()
        batches = []
        try:
            batches += trace.read(str(self.path))
        except InputError as error:
            self.damage = str(error)
        return trace, batches

    @property
    def trace(self) -> Trace:
        """The whole file read: its flows."""
        return self._read[0]

    def column(self, name: str) -> np.ndarray[Any, Any]:
        """One column over all packets."""
        parts = [getattr(batch, name) for batch in self._read[1]]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    @cached_property
    def turns(self) -> dict[int, list[Turn]]:
        """By flow: (ADDRESS:PORT of the sender, bytes until the other one sent, (place, bytes missing there) in them)."""
        trace = self.open()
        reassembler = Reassembler(trace)
        found = defaultdict(list)

        def take(rows: Any) -> None:
            for i in np.unique(rows.packet, return_index=True)[1]:  # one of two ends
                flow = int(rows.flow[i])
                who = self.end(trace, flow, bool(rows.forward[i]))
                found[flow].append((who, rows.buffer(i), rows.gaps(i)))

        try:
            for batch in trace.read(str(self.path)):
                take(reassembler.feed(batch, np.ones(len(trace.flows), np.bool_)))
        except InputError as error:
            self.damage = str(error)
        take(reassembler.flush())
        return dict(found)

    @staticmethod
    def end(trace: Trace, flow: int, client: bool) -> str:
        """ADDRESS:PORT of one end of a flow, as tshark's follow writes it."""
        flows = trace.flows
        address = str(flows.client_ip(flow) if client else flows.server_ip(flow))
        port = flows.client_port[flow] if client else flows.server_port[flow]
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

    def said(self, flow: int, who: str) -> Said:
        """All that one end of a flow sent."""
        data, holes = b"", Counter[int]()
        for _, part, missing in (turn for turn in self.turns.get(flow, ()) if turn[0] == who):
            for place, size in missing:
                holes[len(data) + place] += size
            data += part
        return Said(data=data, holes=dict(holes))

    def records(self, chisel: str, **arguments: str) -> list[dict[str, Any]]:
        """The lines of a chisel as JSON objects."""
        return [json.loads(line) for line in self._dug(chisel, **arguments).splitlines()]

    def table(self, chisel: str) -> list[list[Any]]:
        """The rows of a chisel that shows one table."""
        text = self._dug(chisel)
        return json.loads(text)["data"] if text else []

    def _dug(self, chisel: str, **arguments: str) -> str:
        trace, out = self.open(), io.StringIO()
        plan = Plan(chisels=(registry.find(chisel)(**arguments),), show=Options(json=True))
        try:
            dig(trace.read(str(self.path)), trace, plan, out)
        except InputError as error:
            self.damage = str(error)
        return out.getvalue()


@cache
def pcapdig(path: Path, *, decap: bool = False) -> Pcapdig:
    """pcapdig's view of a file, one for all tests."""
    return Pcapdig(path, decap=decap)

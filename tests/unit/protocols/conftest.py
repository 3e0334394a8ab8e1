"""Captures of real servers, and tshark beside pcapdig."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pcapdig.chisels.dialogues import Dialogues, Found, Opening
from pcapdig.protocols.conversation import Dialogue
from pcapdig.streams.reassembler import Reassembler
from pcapdig.trace.trace import Trace

CAPTURES = Path(__file__).resolve().parent / "captures"


@pytest.fixture
def records_of() -> Callable[[str, Callable[[Opening], Dialogue[Any, Any] | None]], list[Any]]:
    """`records_of("http", begin)`: all records of a capture of this folder, by time."""

    def read(name: str, begin: Callable[[Opening], Dialogue[Any, Any] | None]) -> list[Any]:
        trace, dialogues = Trace(), Dialogues(begin)
        reassembler, found = Reassembler(trace), list[Found[Any]]()
        for packets in trace.read(str(CAPTURES / f"{name}.pcap.gz")):
            found += dialogues.feed(reassembler.feed(packets, np.ones(len(trace.flows), np.bool_)))
        found += dialogues.feed(reassembler.flush())
        found += dialogues.end()
        return [one.record for one in sorted(found, key=lambda one: one.record.moment.time_ns)]

    return read


@pytest.fixture
def tshark() -> Callable[..., list[list[str]]]:
    """`tshark("dns", "dns.flags.response == 0", "dns.qry.name")`: fields of the packets that pass, a list each."""

    def read(name: str, display_filter: str, *fields: str, options: Sequence[str] = ()) -> list[list[str]]:
        argv = ["tshark", "-n", "-r", str(CAPTURES / f"{name}.pcap.gz"), *options, "-Y", display_filter, "-T", "fields"]
        argv += [word for field in fields for word in ("-e", field)]
        run = subprocess.run(argv, capture_output=True, text=True, check=True)
        return [line.split("\t") for line in run.stdout.splitlines()]

    return read

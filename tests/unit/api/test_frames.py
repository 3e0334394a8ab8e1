"""pandas frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

import pcapdig
from pcapdig.api import tables
from pcapdig.api.frames import data_frame


def test_types_of_packets(lamp: Path) -> None:
    """Times know their zone, names are categories, ids may be missing."""
    frame = pcapdig.open(lamp).to_pandas()
    kinds = {name: str(frame[name].dtype) for name in ("time", "client", "flow", "to_server", "seq")}
    assert kinds == {
        "time": "datetime64[ns, UTC]",
        "client": "category",
        "flow": "Int32",
        "to_server": "boolean",
        "seq": "uint32",
    }


def test_values_are_those_of_arrow(lamp: Path) -> None:
    """Every table, every column."""
    trace = pcapdig.open(lamp)
    for name in tables.TABLE_NAMES:
        frame, table = trace.to_pandas(table=name), trace.to_arrow(table=name)
        assert list(frame) == table.schema.names
        for column in frame:
            ours = [None if pd.isna(value) else value for value in frame[column].tolist()]
            theirs = (
                table[column].to_pandas().tolist() if column in ("time", "first", "last") else table[column].to_pylist()
            )
            assert ours == theirs, column


def test_grouping_works(lamp: Path) -> None:
    """What frames are for: bytes by process."""
    trace = pcapdig.open(lamp)
    frame = trace.to_pandas()
    sums = (
        frame.groupby("writer_name", observed=True)["fresh_bytes"].sum()
        + frame.groupby("reader_name", observed=True)["fresh_bytes"].sum()
    )
    shown = {row["proc.name"]: row["evt.rawarg.res"] for row in trace.chisel("topprocs_net")}
    assert sums.to_dict() == shown


def test_what_is_missing_is_missing() -> None:
    """pandas' own NA."""
    frame = data_frame(
        {
            "id": tables.Numbers(np.array([1, -1], np.int32), np.array([False, True])),
            "name": tables.Coded(np.array([-1, 0], np.int32), ("a",)),
            "text": tables.Texts([None, "b"]),
        }
    )
    assert frame.isna().to_dict("list") == {"id": [False, True], "name": [True, False], "text": [True, False]}

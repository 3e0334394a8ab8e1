"""pyarrow tables and Parquet files, read by pyarrow and by DuckDB."""

from __future__ import annotations

import io
import json
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

import pcapdig
from pcapdig.api import tables
from pcapdig.api.arrow import ParquetFiles, arrow_table


def test_types_of_packets(lamp: Path) -> None:
    """Times know their zone, names are dictionaries, ids may be null."""
    table = pcapdig.open(lamp).to_arrow()
    names = pa.dictionary(pa.int32(), pa.string())
    wanted = {
        "time": pa.timestamp("ns", tz="UTC"),
        "client": names,
        "writer_name": names,
        "flow": pa.int32(),
        "to_server": pa.bool_(),
    }
    assert {name: table.schema.field(name).type for name in wanted} == wanted
    assert table.num_rows == 285
    table.validate(full=True)


def test_values_are_those_of_the_columns(lamp: Path) -> None:
    """To the nanosecond."""
    trace = pcapdig.open(lamp)
    table, packets = trace.to_arrow(), trace.packets()
    assert np.array_equal(table["time"].cast(pa.int64()).to_numpy(), packets.time_ns)
    assert np.array_equal(table["seq"].to_numpy(), packets.seq)
    row = table.slice(0, 1).to_pylist()[0]
    assert (row["client"], row["client_port"], row["server_port"], row["writer_name"]) == (
        "127.0.0.1",
        51294,
        80,
        "curl",
    )


def test_nothing_is_null_where_there_is_none() -> None:
    """Of numbers and of names."""
    columns = {
        "id": tables.Numbers(np.array([1, -1], np.int32), np.array([False, True])),
        "name": tables.Coded(np.array([-1, 0], np.int32), ("a",)),
        "text": tables.Texts([None, "b"]),
    }
    assert arrow_table(columns).to_pylist() == [
        {"id": 1, "name": None, "text": None},
        {"id": None, "name": "a", "text": "b"},
    ]


def test_the_other_tables(lamp: Path) -> None:
    """Each a table of its own."""
    trace = pcapdig.open(lamp)
    assert trace.to_arrow(table="flows").num_rows == len(list(trace.flows()))
    assert trace.to_arrow(table="processes")["name"].to_pylist()[:2] == ["curl", "httpd"]
    assert trace.to_arrow(table="interfaces")["name"].to_pylist() == ["lo"]


def test_duckdb_finds_what_topconns_shows(lamp: Path, tmp_path: Path, python: Any) -> None:
    """Over the star: packets joined with flows and with the processes of both ends."""
    trace = pcapdig.open(lamp)
    trace.to_parquet(tmp_path)
    query = """select f.client, f.client_port, f.server_port, sum(p.fresh_bytes)::bigint as bytes
        from 'packets.parquet' p join 'flows.parquet' f on p.flow = f.id
        join 'processes.parquet' w on p.writer = w.id join 'processes.parquet' r on p.reader = r.id
        where w.name = 'httpd' or r.name = 'httpd' group by all order by bytes desc"""
    # In a process of its own, for DuckDB has words to say when its own ends.
    found = json.loads(python("import duckdb, json, sys; print(json.dumps(duckdb.sql(sys.argv[1]).fetchall()))", query))
    shown = {row["fd.name"]: row["evt.rawarg.res"] for row in trace.chisel("topconns", filter="proc.name=httpd")}
    assert {f"{ip}:{port}->{ip}:{server}": size for ip, port, server, size in found if size} == shown
    assert len(shown) > 3


def test_files_have_the_columns_of_the_tables(lamp: Path, tmp_path: Path) -> None:
    """Packets without the joined names, which the other files have."""
    trace = pcapdig.open(lamp)
    trace.to_parquet(tmp_path)
    for name in ("flows", "processes", "interfaces"):
        assert pyarrow.parquet.read_table(tmp_path / f"{name}.parquet").equals(trace.to_arrow(table=name))  # type: ignore[call-overload]
    packets = pyarrow.parquet.read_table(tmp_path / "packets.parquet")
    whole = trace.to_arrow()
    assert packets.schema.names == whole.schema.names[: len(packets.schema.names)]
    assert packets.to_pylist() == whole.select(packets.schema.names).to_pylist()


def test_a_filter_chooses_packets_and_their_flows(lamp: Path, tmp_path: Path) -> None:
    """And every id is found."""
    pcapdig.open(lamp).to_parquet(tmp_path, "proc.name=mysqld")
    packets = pyarrow.parquet.read_table(tmp_path / "packets.parquet")
    flows = pyarrow.parquet.read_table(tmp_path / "flows.parquet")
    assert set(packets["flow"].to_pylist()) == set(flows["id"].to_pylist())
    assert set(flows["server_port"].to_pylist()) == {3306}


def test_many_batches_are_written_in_turns(lamp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row groups of bounded size, and the same content."""
    monkeypatch.setattr("pcapdig.trace.trace.BATCH_PACKETS", 20)
    monkeypatch.setattr("pcapdig.api.capture._GROUP_PACKETS", 50)
    monkeypatch.setattr("pcapdig.api.summaries._AT_ONCE", 4)
    pcapdig.open(lamp).to_parquet(tmp_path)
    file = pyarrow.parquet.ParquetFile(tmp_path / "packets.parquet")
    sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    assert (sum(sizes), max(sizes)) == (285, 60)
    assert file.read()["number"].to_pylist() == list(range(1, 286))


def test_nothing_stays_where_nothing_was_read(tmp_path: Path) -> None:
    """A capture that is damaged from the start leaves files of before as they were."""
    (tmp_path / "packets.parquet").write_text("of before")
    trace = pcapdig.open(io.BytesIO(b"\xd4\xc3\xb2\xa1" + bytes(20)))
    with pytest.raises(pcapdig.InputError):
        trace.to_parquet(tmp_path)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["of before"]


def test_an_error_while_writing_leaves_nothing(tmp_path: Path) -> None:
    """Whatever it is."""

    def write() -> None:
        with ParquetFiles(tmp_path) as files:
            files.write("flows", tables.flow_columns([], []))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_capture_without_packets(tmp_path: Path, to_ports: object) -> None:
    """Files with columns and without rows."""
    assert callable(to_ports)
    pcapdig.open(io.BytesIO(to_ports())).to_parquet(tmp_path)
    assert {path.stem: pyarrow.parquet.read_table(path).num_rows for path in tmp_path.iterdir()} == {
        "packets": 0,
        "flows": 0,
        "processes": 0,
        "interfaces": 1,
    }


@pytest.mark.parametrize("kind", ["nobody may make it", "a file is there", "a directory has the name", "full"])
def test_what_cannot_be_written_is_one_of_our_errors(kind: str, lamp: Path, tmp_path: Path) -> None:
    """Says where; nothing unfinished stays."""
    target = tmp_path / "out"
    if kind == "nobody may make it":
        target = Path("/proc/no/such")
    elif kind == "a file is there":
        target.write_bytes(b"")
    elif kind == "a directory has the name":
        (target / "flows.parquet" / "x").mkdir(parents=True)
    limit = limited_files(1000 if kind == "full" else None)
    with limit, pcapdig.open(lamp) as trace, pytest.raises(pcapdig.HostError, match="cannot write .*(out|/proc/no)"):
        trace.to_parquet(target)
    if target.is_dir():
        assert [path.name for path in target.iterdir() if path.name.startswith(".")] == []


@contextmanager
def limited_files(size: int | None) -> Iterator[None]:
    """Files grow no larger, as on a full disk."""
    if size is None:
        yield
        return
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)

"""Tables for pyarrow, and Parquet files. Needs the extra `arrow`."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from pcapdig.api.extras import need
from pcapdig.api.tables import Coded, Columns, Numbers, Times

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    import pyarrow

_ROW_GROUP = 1 << 20
"""Most rows of a row group."""


def arrow_table(columns: Columns) -> pyarrow.Table:
    """Columns as a pyarrow table. Times are timestamp[ns, UTC], texts of which there are few dictionaries.

    Raises:
        ImportError: pyarrow is not installed.
    """
    pa = need("pyarrow", "arrow")
    return pa.table({name: _array(pa, column) for name, column in columns.items()})


def _array(pa: Any, column: object) -> Any:
    if isinstance(column, Numbers):
        return pa.array(column.values, mask=column.missing)
    if isinstance(column, Times):
        return pa.array(column.ns, pa.timestamp("ns", tz="UTC"))
    if isinstance(column, Coded):
        codes = pa.array(column.codes, mask=column.codes < 0)
        return pa.DictionaryArray.from_arrays(codes, pa.array(column.texts, pa.string()))
    return pa.array(column.values, pa.string())  # type: ignore[attr-defined]


class ParquetFiles:
    """The files NAME.parquet of a directory, written piece by piece. They get their names when all is written, and only then."""

    def __init__(self, directory: Path) -> None:
        """Makes the directory if it is not there.

        Raises:
            ImportError: pyarrow is not installed.
            OSError: the directory cannot be made.
        """
        self._parquet = need("pyarrow.parquet", "arrow")
        self._directory = directory
        self._writers: dict[str, Any] = {}
        self._open = ExitStack()
        directory.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, columns: Columns) -> None:
        """Add rows to a table; the first call says which columns it has.

        Raises:
            OSError: the file cannot be written.
        """
        table = arrow_table(columns)
        writer = self._writers.get(name)
        if writer is None:
            writer = self._parquet.ParquetWriter(self._unfinished(name), table.schema, compression="zstd")
            self._writers[name] = self._open.enter_context(writer)
        writer.write_table(table, row_group_size=_ROW_GROUP)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Without an error the files take their names' places, else nothing of them stays."""
        try:
            self._open.close()
            if kind is None:
                for name in self._writers:
                    os.replace(self._unfinished(name), self._directory / f"{name}.parquet")
        finally:
            for name in self._writers:
                self._unfinished(name).unlink(missing_ok=True)

    def _unfinished(self, name: str) -> Path:
        return self._directory / f".{name}.parquet.{os.getpid()}"

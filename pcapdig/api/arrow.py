"""Tables for pyarrow, and Parquet files. Needs the extra `arrow`."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pcapdig.api.extras import need
from pcapdig.api.tables import Coded, Columns, Numbers, Times
from pcapdig.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator
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
            HostError: the directory cannot be made.
        """
        self._parquet = need("pyarrow.parquet", "arrow")
        self._directory = directory
        self._writers: dict[str, Any] = {}
        self._open = ExitStack()
        with _written(directory):
            directory.mkdir(parents=True, exist_ok=True)
            # A folder of our own: in a directory that others can write, a name that can be foreseen may be a link by then.
            self._unfinished = Path(tempfile.mkdtemp(prefix=".pcapdig-", dir=directory))

    def write(self, name: str, columns: Columns) -> None:
        """Add rows to a table; the first call says which columns it has.

        Raises:
            HostError: the file cannot be written.
        """
        table = arrow_table(columns)
        with _written(self._directory / f"{name}.parquet"):
            writer = self._writers.get(name)
            if writer is None:
                writer = self._parquet.ParquetWriter(self._unfinished / name, table.schema, compression="zstd")
                self._writers[name] = self._open.enter_context(writer)
            writer.write_table(table, row_group_size=_ROW_GROUP)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Without an error the files take their names' places, else nothing of them stays.

        Raises:
            HostError: the end of a file cannot be written, or something else has its name.
        """
        try:
            with _written(self._directory):
                self._open.close()
            if kind is None:
                for name in self._writers:
                    with _written(self._directory / f"{name}.parquet"):
                        os.replace(self._unfinished / name, self._directory / f"{name}.parquet")
        finally:
            shutil.rmtree(self._unfinished, ignore_errors=True)


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Say of what the system or pyarrow refuses to write where that was."""
    import pyarrow

    try:
        yield
    except (OSError, pyarrow.ArrowException) as error:
        raise HostError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error

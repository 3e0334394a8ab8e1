"""Tables for pandas. Needs the extra `pandas`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pcapdig.api.extras import need
from pcapdig.api.tables import Coded, Columns, Numbers, Times

if TYPE_CHECKING:
    import pandas


def data_frame(columns: Columns) -> pandas.DataFrame:
    """Columns as a frame. Times are datetime64[ns, UTC], texts of which there are few categories, numbers that may be missing
    nullable integers (Int32, ...).

    Raises:
        ImportError: pandas is not installed.
    """
    pd = need("pandas", "pandas")
    return pd.DataFrame({name: _series(pd, column) for name, column in columns.items()})


def _series(pd: Any, column: object) -> Any:
    if isinstance(column, Numbers):
        if column.missing is None:
            return column.values
        kind = pd.arrays.BooleanArray if column.values.dtype.kind == "b" else pd.arrays.IntegerArray
        return kind(column.values, column.missing)
    if isinstance(column, Times):
        return pd.DatetimeIndex(column.ns.view("datetime64[ns]")).tz_localize("UTC")
    if isinstance(column, Coded):
        return pd.Categorical.from_codes(column.codes, categories=list(column.texts))
    return pd.array(list(column.values), dtype="string")  # type: ignore[attr-defined]

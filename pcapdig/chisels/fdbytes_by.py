"""fdbytes_by: bytes by any field."""

from __future__ import annotations

from typing import ClassVar

from pcapdig.chisels.chisel import Arg
from pcapdig.chisels.tables import FieldTable
from pcapdig.errors import UsageError
from pcapdig.render.items import Column


class FdbytesBy(FieldTable):
    """Bytes by the values of one or more fields."""

    name: ClassVar[str] = "fdbytes_by"
    category: ClassVar[str] = "I/O"
    short_description: ClassVar[str] = "I/O bytes, aggregated by an arbitrary filter field"
    description: ClassVar[str] = (
        "Ranks the values of a field, such as fd.sport, fd.cip or user.name, by payload bytes read and written. Several fields "
        "are parted by commas: fd.cip,fd.sport. If all of them belong to connections (fd.cip, fd.sport, fd.name ...), each "
        "packet counts once; else it counts at each end on this machine that passed the filter, as that end sees it. Live, the "
        "table is that of the last second."
    )
    args: ClassVar[tuple[Arg, ...]] = (
        Arg(name="key", type="string", description="the field to count by, or several parted by commas"),
    )
    limit: ClassVar[int] = 30
    things: ClassVar[str] = "values"

    def __init__(self, *, key: str, verbose: bool = False) -> None:
        """Raises UsageError where `key` is no field that can be counted by."""
        names = key.split(",")
        if not all(names) or len(set(names)) < len(names):
            raise UsageError(f"chisel fdbytes_by: {key!r} is not a list of different fields, parted by commas")
        self._columns = tuple(Column(name, name) for name in names)
        try:
            super().__init__(verbose=verbose)
        except UsageError as error:
            raise UsageError(f"chisel fdbytes_by: {error}") from None

    def shown_keys(self) -> tuple[Column, ...]:
        """The fields asked for."""
        return self._columns

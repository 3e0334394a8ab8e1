"""sysdig's filter language over packets, and the one catalogue of fields.

In: the words of a filter; Rows of a trace. Out: a boolean mask. Callers: chisels, dig, cli, record (through a function cli passes in).

    compile_filter(text: str) -> Filter             # UsageError with the column (and a caret line in .detail) for any mistake
    Filter.mask(rows: Rows) -> np.ndarray[bool]      # leaves on fd.* evaluated once a flow, on proc.*, user.*, container.* once a process
    Filter.uses_buffer: bool                         # some leaf needs evt.buffer, so rows must be reassembled messages
    Filter.candidates(rows) -> mask                  # never false for a row whose message could pass: leaves on evt.buffer and on what
                                                     # differs between a packet and its message count as unknown (three-valued logic)
    Filter & Filter, ALWAYS                          # a chisel's own filter and the user's
    catalogue.FIELDS: dict[str, Field]               # Field(name, type, domain "flow" | "end" | "process" | "event", help, filter_only, ...)
    catalogue.lookup(name) -> Field                  # UsageError naming the unknown field and the nearest known one
    Field.values(rows) -> list                       # one value a row, None where it has none; Field.value(rows, i) for one row
    Field.values_of(rows.trace, ids) -> list         # one value for each of some flows or processes (by domain): keys of tables
    listing.field_list() -> str                      # -l; docs/fields.md is made from the same
    format.compile_format(text) -> Format            # -p; Format.line(rows, i) -> str | None, Format.json(rows, i)
"""

from pcapdig.filters.errors import FilterError, FormatError
from pcapdig.filters.filter import ALWAYS, Filter, compile_filter

__all__ = ["ALWAYS", "Filter", "FilterError", "FormatError", "compile_filter"]

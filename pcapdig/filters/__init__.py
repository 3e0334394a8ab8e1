"""sysdig's filter language over packets, and the one catalogue of fields.

In: the words of a filter; Rows of a trace. Out: a boolean mask. Callers: chisels, dig, cli, record (through a function
cli passes in). Must not know files, text output beyond one field's value, or chisels.

    compile_filter(text: str) -> Filter          # FilterError (a UsageError) for any mistake: one line with the column,
                                                 # and .detail: the filter with a caret under the place. Blank: ALWAYS
    Filter.mask(rows: Rows) -> NDArray[bool]     # fd.* compared once a flow, proc.*, user.*, container.* once a process
    Filter.packets_mask(packets) -> NDArray[bool]            # packets of which an end passes
    Filter.uses_buffer: bool                     # something compares evt.buffer, so rows must be reassembled messages
    Filter.candidates(rows) -> NDArray[bool]     # rows are packets: never False for one whose message could pass.
                                                 # Payload and what else a message need not share with its packets
                                                 # (size, time, number ...) counts as unknown: three-valued logic
    Filter & Filter, ALWAYS                      # a chisel's own filter and the user's
    catalogue.FIELDS: dict[str, Field]           # Field(name, type, domain "flow" | "end" | "process" | "event", help ...)
    catalogue.lookup(name) -> Field              # UsageError naming the unknown field and the nearest known one
    Field.values(rows) -> list                   # a value a row, None where it has none; .value(rows, i) for one row
    Field.values_of(rows.trace, ids) -> list     # values of some flows or processes (by domain): keys of tables
    Field.text(value) -> str
    listing.field_list(types=False) -> str       # -l and -lv; docs/fields.md is listing.markdown()
    format.compile_format(text, ...) -> Format   # -p: Format.line(rows, i) -> str | None, Format.json(rows, i)
"""

from pcapdig.filters.errors import FilterError, FormatError
from pcapdig.filters.filter import ALWAYS, Filter, compile_filter

__all__ = ["ALWAYS", "Filter", "FilterError", "FormatError", "compile_filter"]

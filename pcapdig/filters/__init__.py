"""sysdig's filter language over packets, and the one catalogue of fields.

In: the words of a filter; Rows of a trace. Out: a boolean mask. Callers: chisels, dig, cli, record (through a function cli passes in).

    compile_filter(text: str) -> Filter             # UsageError with the column (and a caret line in .detail) for any mistake
    Filter.mask(rows: Rows) -> np.ndarray[bool]      # leaves on fd.* evaluated once a flow, on proc.*, user.*, container.* once a process
    Filter.uses_buffer: bool                         # some leaf needs evt.buffer, so rows must be reassembled messages
    Filter.candidates(rows) -> mask                  # never false for a row whose message could pass: leaves on evt.buffer and on what
                                                     # differs between a packet and its message count as unknown (three-valued logic)
    Filter & Filter, ALWAYS                          # a chisel's own filter and the user's
    catalogue.FIELDS: dict[str, Field]               # Field(name, type, domain "flow" | "process" | "event", help, value, filter_only, indexed)
    catalogue.lookup(name) -> Field                  # UsageError naming the unknown field and the nearest known one
    Field.values(rows) -> list | ndarray             # for -p formats and table keys; None (or masked) where a row has no value
    listing.field_list() -> str                      # -l; docs/fields.md is made from the same
    format.compile_format(text) -> Format            # -p; Format.line(rows, i) -> str | None
"""

"""One small file a chisel. A chisel never prints and never opens a file: it is fed Rows and hands out what render/ can show.

    class Chisel:
        name, category, short_description, description: str
        args: tuple[Arg, ...]            # Arg(name, type, description, optional)
        needs: "packets" | "messages"    # which Rows it wants
        filter: str                      # its own filter in the language, may use args
        def __init__(self, **arguments)
        def feed(self, rows: Rows) -> Iterable[Item]      # rows that passed both filters
        def interval(self, time_ns) -> Iterable[Item]     # each whole second of trace time, before rows of the next; live tables are taken here
        def end(self) -> Iterable[Item]
    Item = render.Table | render.Line | render.Exchange (a header line and a buffer)
    registry.find(name) -> type[Chisel] (UsageError: not found), registry.all() sorted by category and name
Table chisels are data: keys, value, headings, rows shown (tables.py). topconns and other tables keyed by fd.* count each packet's payload
once; tables keyed by process count it at each local end, as the process sees it.
"""

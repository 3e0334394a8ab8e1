"""One small file a chisel. A chisel never prints and never opens a file: it is fed Rows and hands out what render/ can show.

    class Chisel (chisel.py):
        name, category, short_description, description: str
        args: tuple[Arg, ...]            # Arg(name, type, description, optional)
        needs: "packets" | "messages"    # which Rows it wants
        every_second, refreshes: bool    # interval() is output from files too; it replaces what was shown before
        filter: str                      # its own filter in the language, may use args
        colour: bool                     # False: asked not to be coloured
        def __init__(self, *, verbose=False, **arguments)        # UsageError: an argument is wrong
        def feed(self, rows: Rows) -> Iterable[Item]      # rows that passed both filters
        def interval(self, time_ns) -> Iterable[Item]     # a second of trace time is over; live tables are taken here
        def end(self) -> Iterable[Item]
    Item = render.Table | render.Line | render.Exchange (a header line and a buffer) | render.Extract (bytes for a file; dig writes it)
    registry.find(name) -> type[Chisel] (UsageError: not found), .names(), .all() sorted by category and name: those of pcapdig, loaded
        one by one when they are asked for
    Library(directories).find(name), .names(): with those in files of the user's and in other packages (library.py), if nobody else could have
        written them (trusted_imports.py)
faults.py says what is shown when a user's chisel raises. A class's `with_containers` takes its place under -pc.
Chisels that show lines start from lines.LineChisel, those that log a protocol from logs.LogChisel (dialogues.py; _turns.pyx: rows
of messages to turns). `credentials/` is what `plaintext` knows of protocols.
Table chisels are data: keys, value, headings, rows shown (tables.py). topconns and other tables keyed by fd.* count each packet's payload
once; tables keyed by process count it at each local end, as the process sees it. Which words of a command line are a chisel's
arguments is cli's to know. Listing chisels loads no numpy.
"""

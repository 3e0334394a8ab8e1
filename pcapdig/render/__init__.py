"""Text a person or a program reads: sysdig's layouts, byte and time texts, data renderings, JSON.

In: Table, Line, Exchange and Event items (items.py); an `Options` value (options.py). Out: strings that end in a
newline, ready to print. Colour only when the caller says the stream is a terminal. Control bytes of captured data never
reach a terminal. Callers: chisels (item types only), dig, cli. Must not know files, flows or processes beyond the
values it is given.

    Renderer(options).text(item) -> str                   # one for a run: it keeps what relative times are measured
    from Renderer.data(buffer, gaps) -> str                    # a buffer alone, as -A -x -X -b say
    Renderer.time_column.text(time_ns), .start_at(time_ns)     # the -t column alone, and when the trace began
    units.bytes_text, units.duration_text; times.LocalClock; terminal.LIVE_START, LIVE_REFRESH, LIVE_END
"""

"""Text a person or a program reads: sysdig's layouts, byte and time texts, data renderings, JSON.

In: Table, Line, Exchange items and event rows; an `Options` value (data: plain | ascii | hex | hexascii, json, verbose, colour, time format).
Out: strings, ready to print. Colour only when the caller says the stream is a terminal. Control bytes of captured data never reach a terminal.
Callers: dig, cli. Must not know files, flows or processes beyond the values it is given.
"""

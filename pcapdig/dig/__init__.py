"""Offline and live assembly of a dig: trace -> filter -> streams -> chisel -> render.

    dig(batches: Iterable[Packets], trace, *, filter, chisels, options, out, limit, ...) -> None     # writes text to `out`
    LiveDig(trace, ...).feed(block_bytes) / .end()    # the same machine fed by the recorder: pcapng blocks as they are released
Callers: cli. The only room that knows both traces and chisels. Knows nothing of probes or capture.
"""

"""Live assembly: tracer, capture and attribution into pcapng blocks.

`_loop.pyx` reads the tracer's events and libpcap's packets without Python per packet, holds each packet back until its owners are
known (200 ms), and gives whole EPBs in time order. `recorder.py` wires it: privileges, process table, sink, statistics, end conditions.

    Recorder(options: RecordOptions, sink: Callable[[bytes], int | None], status: Callable[[Statistics], None]) .run() -> Statistics
    A sink takes whole pcapng blocks. With a filter on the command line, cli puts dig/'s block filter between recorder and file.
Callers: cli. Has no global state. Must not know the filter language, chisels or text output.
"""

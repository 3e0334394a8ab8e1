"""pcapdig for Python programs: `pcapdig.open(...)` and what it gives.

Everything public here is also in `pcapdig` itself, which imports this room when it is asked for. Filters, fields, chisels and damaged files
mean what they mean on the command line: this room only hands them out as values. It prints nothing and loads nothing of the recorder.

    capture.py    open(source) -> Capture: a capture that can be gone through again and again
    inputs.py     what a capture is read from: paths, standard input, file objects
    events.py     Event, Flow; chunks of rows that live on without the batch they came from
    packets.py    PacketColumns: numpy columns of packets
    summaries.py  FlowTotals: what each flow came to
    chisel_rows.py  a chisel's items as dicts
    tables.py     packets, flows, processes, interfaces as named columns of no library's kind; arrow.py and frames.py make pyarrow
                  tables, Parquet files and pandas frames of them
    scapy_packets.py  packets as scapy's, with time, interface and comments
    extras.py     optional libraries: imported when asked for, ImportError says what to install
Callers: users' programs. Upstream: dig, chisels, filters, trace, pcapng, procs.
"""

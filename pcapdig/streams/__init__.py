"""TCP reassembly: from packets to what each end really wrote and read.

In: Packets batches and a mask of the flows wanted. Out: Rows whose every row is one message of one end: payload in order, without
overlaps and retransmissions, consecutive segments of one direction joined until the direction turns (UDP: a datagram is a message,
put together where it came in IP fragments).
A missing piece is marked by a gap, never closed silently. Bounded memory: a message longer than the limit is handed out in parts, and beyond
a number of open connections those without a packet for longest are handed out, counted in `evicted`.

    Reassembler(trace, message_limit=1 MiB).feed(packets, wanted, start=0, stop=None) -> Rows
                                                  .release(before_ns) -> Rows ; .flush(most=-1) -> Rows ; .evicted ; .notes()
    `wanted` is a bool a flow, for all flows of the trace. A message whose process changes, at either end, is split there.
    Rows come in the order in which messages end. time_ns and number are those of a message's first packet; size and length count its
    bytes on the wire, those of its gaps included; gaps(i) says where in buffer(i) how many bytes are missing.
    Reassembler(..., needle=b"form", beginning=Beginning(...)) leaves out messages that nobody wants (docs/decisions/0007): those without
    the needle, and what a flow says before a message that begins something.
    Both directions of a flow are in the order in which they were sent, by what they acknowledge (docs/decisions/0012).
Files: _connections.pyx what is remembered of a connection, _directions.pxd one direction of it beside the other, _order.pyx sequence and
acknowledgement numbers, _messages.pyx the messages being built, _reassemble.pyx packets to connections, fragments.py datagrams in IP fragments.
Callers: dig, chisels that ask for buffers. Must not know text output or the filter language.
"""

"""A capture opened: a star schema of numpy columns.

In: bytes of a pcapng or pcap file, in chunks of any size (a file, or what the live recorder just wrote). Out: batches of packet
columns, and three dimension tables that grow and never renumber, but for the flows of a live trace. Callers: filters, streams, chisels,
dig, cli. Must not know chisels or text output.

    from pcapdig.trace.trace import Trace
    trace = Trace()                              # empty; dimension tables at trace.flows, .processes, .interfaces
    Trace(decap=True)                            # flows, ports and payload of the innermost IP packet of a tunnel
    trace.read(path) -> Iterator[Packets]        # a file, "-" standard input, or an open source; at most a million packets or 64 MiB of it a batch
    trace.feed(chunk, final=False) -> Iterator[Packets]   # run it to its end; a partial block at the chunk's end waits for the next
    trace.read_all(captures) -> Iterator[Packets]   # several files merged by time (merge.py: merged(paths) gives that as pcapng bytes)
    trace.sum_up(captures) -> Iterator[int]      # the same without columns, and without numpy: packets in each part, while bytes are added up in
    trace.sums() -> Sums                         # by flow, by process (as Rows would), packets by interface; sums.py
    Several files may be read one after another: numbers and tables go on.
    Damaged input: everything whole before the damage is handed out, then InputError("FILE: damaged at byte N: what").

    Packets (one batch; arrays of equal length n, C-contiguous; columns.py):
        number      u64   from 1 over the whole trace
        time_ns     i64   since 1970; 0 for a packet without time (simple packet block)
        interface   u16   index in trace.interfaces
        captured    u32   bytes stored            original u32  bytes on the wire
        offset      u64   of the packet's first byte in .data      .data: buffer the batch keeps alive
        flow        i32   row in trace.flows, -1: not IP, cut before its ports, or a fragment whose datagram's first one is not in this batch
                          nor was in one before
        forward     bool  from client to server of its flow; True without a flow
        payload_offset  u64 in .data              payload_captured u32   payload_length u32 (on the wire; a keep-alive has none)
        fresh       u32   payload bytes of the wire not seen before in this flow and direction (TCP sequence space): retransmissions
                          and the copies of one packet on a second interface are 0. A datagram's are all fresh, unless the same
                          one was seen at another place within 1 ms, or 200 ms if it has an IP identification
        seq, ack    u32   tcp_flags u8. A fragment of TCP is a segment of its own, a FIN being in the last one. Of other fragments seq is
                          the IP identification and ack the place: 2 * bytes before it in the IP payload + (more follow); else both 0
        direction   u8    bits 0-1: those of epb_flags, else what a Linux cooked header says: 0 unknown, 1 in, 2 out. Bit 2: both ends are local
        writer      i32   row in trace.processes of the sender's end, -1
        reader      i32   row in trace.processes of the receiver's end, -1
        writer_evidence, reader_evidence u8   EVIDENCE_* of events.h, 0 none
        out_of_window bool  TCP: the receiver would not accept this segment. It counts as a packet; fresh is 0, and nothing follows from it
        .trace .buffer(i) .packet_bytes(i) .gaps(i)
        Packets.from_payloads(tables, [b"..."], flow=0, writer=[...]) makes one by hand; Tables(flows=, processes=) its tables.
    trace.flows (columns over flows, plus len(); flows.py): protocol u8 (IPPROTO), family u8 (4, 6), client, server (n,16) u8
        IPv4-mapped, client_port, server_port u16, first_ns i64, interface u16; .name(i) "1.2.3.4:5->6.7.8.9:80" (IPv6 RFC 5952
        without brackets; no ports where the protocol has none); .client_ip(i), .server_ip(i);
        .largest(rows, sums, limit): connections ranked. Flows.from_records([FlowRecord(...)]).
        Between two ends there may be several: initial numbers and windows distinguish connections, interface and VLANs datagrams; a SYN with
        another number is a new flow (docs/decisions/0010). A refused one that is repeated is not.
        Client and server: _client_rule.pyx (docs/decisions/0011). They stay once the batch was handed out in which the flow began.
    trace.processes: list of procs.Process, interned by what the file says of each (without evt.io_dir and evidence). Without comments
        of pcapdig, what other programs wrote names a process at one end of a packet (processes.py): name or pid may be None then,
        and evidence is 0
        Live rows that are over go, and the others get new numbers (docs/decisions/0018): FlowAges (ages.py) says which, as a Renumbering
        (renumbering.py); all who keep something by flow move it, then trace.renumber(renumbering) does.
    trace.unread: packets without a flow, and those in tunnels that were not opened, by what they are; trace.packet_count: all packets
    trace.first_ns: time of the first packet, None before it
    trace.interfaces: list of Interface: name, link_type, snap_length, and from interface statistics blocks received, dropped (or None)

Rows (rows.py): what filters and chisels look at, an I/O event per row: rows_of(facts), where facts are Packets or Messages.
    A packet with two local ends gives two rows: the writer's, then the reader's. Local is an end whose process is known, and both are where
    the packet passed a loopback (by address, interface or cooked header). One known end: one row. None: one row with process -1, write if
    epb_flags say out, read if in, else read if sent by the client (the server's view).
    Columns, gathered when first asked for: packet i64 (index in facts), number u64, time_ns i64, interface u16, flow i32, process i32,
    evidence u8, is_write, is_io (carries payload), forward, is_client (own end is the client) bool, size i64 (fresh payload bytes),
    length i64 (payload bytes), tcp_flags, direction u8, out_of_window bool; .buffer(i) -> bytes there are of that event;
    .gaps(i) -> ((position in the buffer, bytes missing), ...); .facts; .trace; .select(mask or indices) -> Rows.
    Messages (columns.py): the same facts with reassembled payloads, made by streams/: Messages.from_buffers(trace, buffers, ...).
"""

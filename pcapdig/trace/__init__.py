"""A capture opened: a star schema of numpy columns.

In: bytes of a pcapng or pcap file, in chunks of any size (a file, or what the live recorder just wrote). Out: batches of packet columns,
and three dimension tables that grow and never renumber. Callers: filters, streams, chisels, dig, cli. Must not know chisels or text output.

    trace = Trace()                              # empty; dimension tables at trace.flows, .processes, .interfaces
    trace.feed(chunk, final=False) -> list[Packets]   # a partial block at the end of the chunk waits for the next
    open_trace(path) -> Iterator[Packets] via Trace.read(path)   # bounded memory: about a million packets or 64 MiB a batch
    Damaged input: everything whole before the damage has been returned, then InputError with path and byte offset.

    Packets (one batch; arrays of equal length n, C-contiguous):
        number      u64   from 1 over the whole trace
        time_ns     i64   since 1970
        interface   u16   index in trace.interfaces
        captured    u32   bytes stored            original u32  bytes on the wire
        offset      u64   of the packet's first byte in .data      .data: buffer the batch keeps alive
        flow        i32   row in trace.flows, -1: not IP, or no flow
        forward     bool  from client to server of its flow
        payload_offset  u64 in .data              payload_captured u32   payload_length u32 (on the wire)
        fresh       u32   payload bytes of the wire not seen before in this flow and direction (TCP sequence space): retransmissions and the
                          copies of one packet on a second interface are 0. For other protocols = payload_length
        seq, ack    u32   tcp_flags u8
        direction   u8    epb_flags bits 0-1: 0 unknown, 1 in, 2 out
        writer      i32   row in trace.processes of the sender's end, -1
        reader      i32   row in trace.processes of the receiver's end, -1
        writer_evidence, reader_evidence u8   EVIDENCE_* of events.h, 0 none
    trace.flows (columns over flows, plus len()): protocol u8 (IPPROTO), family u8 (4, 6), client, server (n,16) u8 IPv4-mapped,
        client_port, server_port u16, first_ns i64, interface u16; .name(i) "1.2.3.4:5->6.7.8.9:80" (IPv6 RFC 5952 without brackets);
        .client_ip(i), .server_ip(i). A new SYN after the flow ended or with another sequence number is a new flow.
        Client and server: SYN, else the side that ever listened or sent SYN+ACK, else the lower port is the server, else the first sender is the client.
    trace.processes: list of procs.Process, interned by what the comments say (without evt.io_dir and evidence)
    trace.interfaces: name, link_type, snap_length, linktype, and from interface statistics blocks received/dropped (None if absent)

Rows (rows.py): what filters and chisels look at, an I/O event per row, made from packets (or from reassembled messages by streams/).
    A packet with two local ends gives two rows: the writer's, then the reader's. One local end: one row. None (a capture without
    processes): one row with process -1, write if epb_flags say out, read if in, else read if sent by the client (the server's view).
    Columns: packet i64 (index in the batch), number u64, time_ns i64, flow i32, process i32, is_write bool, is_io bool (carries payload),
    size i64 (fresh payload bytes), length i64 (payload bytes), evidence u8; .buffer(i) -> bytes captured of that event; .trace; .select(mask) -> Rows.
"""

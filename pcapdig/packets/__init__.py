"""The bytes of one packet: link, network and transport headers.

`_headers.pxd` / `_headers.pyx`: one nogil C-level function that both the record loop and the trace scanner call, so that a packet is
read the same way when it is recorded and when it is dug.

    cdef struct PacketHeaders:
        bint        has_network       # an IPv4 or IPv6 header was found
        bint        has_ports         # TCP or UDP (or ICMP echo: identifier) of a first fragment
        bint        is_fragment       # IP fragment other than the first (no ports)
        bint        is_first_fragment # IP fragment that others follow: not the whole datagram
        bint        is_followed       # IP fragment but the last
        uint8_t     family            # 4, 6, 0
        uint8_t     protocol          # IPPROTO, after IPv6 extension headers; 0 where none
        uint8_t     tcp_flags
        uint8_t     window_scale      # TCP SYN: the option's value, NO_SCALE without one, CUT_SCALE where it was not captured
        uint8_t     source[16]        # IPv4 as ::ffff:a.b.c.d
        uint8_t     destination[16]
        uint16_t    source_port       # host order. ICMP echo request: source_port = identifier, destination_port 0; reply the other way round
        uint16_t    destination_port
        uint16_t    window            # TCP: as it stands in the header
        uint32_t    tags              # identifies the stack of VLANs (and VXLAN, Geneve networks of opened tunnels); 0: none
        uint32_t    seq, ack          # TCP
        uint32_t    payload_offset    # from the first captured byte of the packet, may exceed what was captured
        uint32_t    payload_length    # as sent on the wire (IP length, or original length when that is 0: GSO, BIG TCP)
        uint32_t    ip_id             # IPv4 identification; of an IPv6 packet that of its fragment header (32 bits), 0 without one
        uint32_t    datagram_offset   # of a fragment: where its part of the IP payload begins; of an IPv4 packet always
        uint32_t    fragment_offset   # of a later fragment: bytes of the IP payload before it
    cdef bint read_headers(const uint8_t *data, uint32_t captured, uint32_t original, uint32_t link_type, PacketHeaders *out) noexcept nogil

Returns has_network. What a cut packet does not hold stays 0; `headers.py` has the same fields as a Python value, `_headers.read` fills it.
Payload is what follows the transport header: TCP and UDP data, what follows the 8 bytes of an ICMP header; of other protocols and of
later fragments all that follows the IP headers. Its length is 0 where it cannot be told (a TCP or extension header that was cut).
AH is stepped over in IPv4 too. Tunnels are not looked into: the outer addresses count. `_tunnels.read_inner_headers`, of the same form,
looks into them: its answer is of the innermost IP packet that is there, at most eight tunnels deep; offsets count from the packet's
first captured byte all the same. `_tunnels.read` is its Python face.
Link types (_links.pxd): Ethernet (1) with tags (VLAN, QinQ, E-TAG, 802.1ah, VN-Tag, HSR, Cisco's metadata), PPPoE, MPLS, NSH and SNAP, LINUX_SLL
(113), LINUX_SLL2 (276), RAW (101, and libpcap's own 12 and 14), IPV4 (228), IPV6 (229), NULL (0), LOOP (108). Seldom met (_rare_links.pxd):
PPP, HDLC, frame relay, LLC, Wi-Fi, PPI, NFLOG, PKTAP, mPackets, tags of switch chips. Headers are stepped over in a `Frame` (_frame.pxd).
What a packet without a flow is: `_unread.unread_kind`, a number that `trace/unread.py` names.
Never reads past `captured`; any bytes are allowed. Must not know flows, files or processes.
"""

"""The header behind IP: ports, and where the payload lies.

Sources: RFC 9293 and 7323 (TCP), RFC 768 and 2675 (UDP), RFC 792 and RFC 4443 (ICMP echo). Each read is preceded by a test against `end`.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from pcapdig.packets._frame cimport get16, get32
from pcapdig.packets._headers cimport CUT_SCALE, NO_SCALE, PacketHeaders

cdef enum:
    PROTOCOL_ICMP = 1
    PROTOCOL_TCP = 6
    PROTOCOL_UDP = 17
    PROTOCOL_ICMPV6 = 58

cdef enum:  # options of TCP
    TCP_SYN = 2
    TCP_OPTION_END = 0
    TCP_OPTION_NOTHING = 1
    TCP_OPTION_SCALE = 3
    MOST_SCALE = 14


cdef inline void set_payload(PacketHeaders *out, uint64_t start, uint64_t stop) noexcept nogil:
    """The payload lies from `start` to `stop`; nothing when they cross."""
    out.payload_offset = <uint32_t> start
    out.payload_length = 0
    if stop > start:
        out.payload_length = <uint32_t> (stop - start)


cdef inline void read_ports(const uint8_t *data, uint64_t at, PacketHeaders *out) noexcept nogil:
    """The two ports at `at`, whose four bytes were captured."""
    out.has_ports = True
    out.source_port = get16(data + at)
    out.destination_port = get16(data + at + 2)


cdef inline uint8_t read_scale(const uint8_t *data, uint64_t end, uint64_t at, uint64_t stop) noexcept nogil:
    """The window scale option (RFC 7323 section 2.2) among TCP options from `at` to `stop`; NO_SCALE without one."""
    cdef uint8_t nothing = CUT_SCALE if stop > end else NO_SCALE
    if stop > end:
        stop = end
    while at + 2 < stop and data[at] != TCP_OPTION_END:
        if data[at] == TCP_OPTION_NOTHING:
            at += 1
            continue
        if data[at] == TCP_OPTION_SCALE and data[at + 1] == 3:
            return data[at + 2] if data[at + 2] < MOST_SCALE else MOST_SCALE
        if data[at + 1] < 2:
            break
        at += data[at + 1]
    return nothing


cdef inline void read_tcp(const uint8_t *data, uint64_t end, uint64_t at, uint64_t stop, PacketHeaders *out) noexcept nogil:
    """A TCP header at `at` of a packet whose IP length ends it at `stop`. At least its ports were captured."""
    cdef uint64_t size
    if end >= at + 8:
        out.seq = get32(data + at + 4)
    if end >= at + 12:
        out.ack = get32(data + at + 8)
    if end < at + 13:
        set_payload(out, at + 20, 0)  # its own length was cut off: how much payload there was is not known
        return
    size = <uint64_t> (data[at + 12] >> 4) * 4
    if end >= at + 14:
        out.tcp_flags = data[at + 13]
    if size < 20:
        set_payload(out, at + 20, 0)  # malformed, as the kernel sees it too: it drops such a segment
        return
    set_payload(out, at + size, stop)
    if end >= at + 16:
        out.window = get16(data + at + 14)
    if out.tcp_flags & TCP_SYN and size > 20:
        out.window_scale = read_scale(data, end, at + 20, at + size)


cdef inline void read_transport(const uint8_t *data, uint64_t end, uint64_t at, uint64_t stop, PacketHeaders *out) noexcept nogil:
    """Ports and payload of the transport header at `at`, of a whole packet or a first fragment ending at `stop`."""
    cdef uint16_t size
    cdef uint8_t kind, request, reply
    if stop < end:
        end = stop  # beyond the IP length lies Ethernet padding
    if out.protocol == PROTOCOL_TCP:
        set_payload(out, at + 20, 0)
        if end < at + 4:
            return
        read_ports(data, at, out)
        read_tcp(data, end, at, stop, out)
    elif out.protocol == PROTOCOL_UDP:
        set_payload(out, at + 8, stop)
        if end < at + 4:
            return
        read_ports(data, at, out)
        if end < at + 6:
            return
        size = get16(data + at + 4)
        # 0 is a jumbogram's (RFC 2675 section 4). Longer than what IP says: a first fragment, of which IP says what is here.
        if size != 0 and at + size < stop:
            set_payload(out, at + 8, at + size)
    elif (out.protocol == PROTOCOL_ICMP and out.family == 4) or (out.protocol == PROTOCOL_ICMPV6 and out.family == 6):
        set_payload(out, at + 8, stop)
        if end < at + 6:
            return
        kind = data[at]
        request = 8 if out.family == 4 else 128
        reply = 0 if out.family == 4 else 129
        if kind == request:
            out.source_port = get16(data + at + 4)
            out.has_ports = True
        elif kind == reply:
            out.destination_port = get16(data + at + 4)
            out.has_ports = True
    else:
        set_payload(out, at, stop)

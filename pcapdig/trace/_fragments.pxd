"""Where the fragments of a datagram belong: only the first one has ports, and the place of a TCP segment's bytes.

Fragments of TCP become segments: each gets the sequence number of its first byte, and a FIN moves to the last one. Of other protocols
`seq` becomes the identification, `ack` the place as `pcapdig.trace` says. Source: RFC 791 section 3.2, RFC 8200 section 4.5.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from pcapdig.packets._headers cimport PacketHeaders
from pcapdig.trace._bytes cimport get32
from pcapdig.trace._clock cimport within

cdef enum:
    FRAGMENT_SLOTS = 2048  # a datagram takes two: one for its first fragment's place, one for all others
    ANYWHERE = 0xFFFFFFFF  # no place

cdef enum:
    FRAGMENT_TCP = 6
    FRAGMENT_FIN = 1
    FRAGMENT_SYN = 2

cdef enum:
    TINY_BYTES = 8  # of a TCP header in a first fragment so small that only the next one has the header's length and its flags

cdef struct Fragment:
    uint64_t key
    int64_t time_ns
    int32_t flow
    int32_t newest  # flow between its ends
    bint forward
    bint is_outside  # the datagram's receiver would not accept it
    # Of TCP:
    bint fin  # the datagram ends with a FIN
    bint is_tiny  # the first fragment does not say how long the header is
    uint32_t seq  # the sequence number that the first byte of the IP payload would have
    uint32_t header  # bytes of the IP payload before the segment's


cdef inline void remember_first(
    Fragment *f, uint64_t key, PacketHeaders *h, int64_t time_ns, int32_t flow, int32_t newest, bint forward, bint is_outside
) noexcept nogil:
    """Keep where the first fragment of a datagram went, for the later ones."""
    f.key = key
    f.time_ns = time_ns
    f.flow = flow
    f.newest = newest
    f.forward = forward
    f.is_outside = is_outside
    if h.protocol != FRAGMENT_TCP:
        h.seq, h.ack = h.ip_id, 1
        return
    f.header = h.payload_offset - h.datagram_offset
    f.seq = h.seq + (1 if h.tcp_flags & FRAGMENT_SYN else 0) - f.header
    f.fin = h.tcp_flags & FRAGMENT_FIN
    f.is_tiny = h.tcp_flags == 0 and h.ack == 0 and h.payload_length == 0
    h.tcp_flags &= <uint8_t> ~FRAGMENT_FIN


cdef inline void read_rest_of_header(Fragment *f, PacketHeaders *h, const uint8_t *data, uint32_t captured) noexcept nogil:
    """Acknowledgment, length and flags of a TCP header that lie in the second fragment."""
    cdef const uint8_t *rest = data + h.payload_offset
    if h.fragment_offset != TINY_BYTES or h.payload_length < 6 or captured < h.payload_offset + 6 or rest[4] >> 4 < 5:
        return
    f.is_tiny = False
    f.seq += f.header
    f.header = (rest[4] >> 4) * 4
    h.ack = get32(rest, True)
    h.tcp_flags = rest[5]
    f.seq += (1 if h.tcp_flags & FRAGMENT_SYN else 0) - f.header
    f.fin = h.tcp_flags & FRAGMENT_FIN
    h.tcp_flags &= <uint8_t> ~FRAGMENT_FIN


cdef inline bint place_later(
    Fragment *f, uint64_t key, PacketHeaders *h, const uint8_t *data, uint32_t captured, int64_t time_ns, uint64_t most_ns
) noexcept nogil:
    """Make a segment or datagram's part of a later fragment, if its first one was seen at most `most_ns` before or after."""
    cdef uint32_t before
    if f.key != key or not within(time_ns, f.time_ns, most_ns):
        return False
    if h.protocol != FRAGMENT_TCP:
        h.seq = h.ip_id
        h.ack = h.fragment_offset << 1 | (1 if h.is_followed else 0)
        return True
    if f.is_tiny:
        read_rest_of_header(f, h, data, captured)
    if h.fragment_offset < f.header:  # it begins within the TCP header
        before = f.header - h.fragment_offset
        if before > h.payload_length:
            before = h.payload_length
        h.payload_offset += before
        h.payload_length -= before
        h.fragment_offset += before
    h.seq = f.seq + h.fragment_offset
    if f.fin and not h.is_followed:
        h.tcp_flags |= FRAGMENT_FIN
    return True

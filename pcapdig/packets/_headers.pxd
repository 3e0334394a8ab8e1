"""The headers of one packet, for the record loop and the trace scanner. Fields and link types: pcapdig/packets/__init__.py."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from pcapdig.packets._frame cimport Frame

cdef enum:
    NO_SCALE = 255  # a TCP header without a window scale option
    CUT_SCALE = 254  # or whose options were not captured

cdef struct PacketHeaders:
    bint has_network
    bint has_ports
    bint is_fragment
    bint is_first_fragment
    bint is_followed
    uint8_t family
    uint8_t protocol
    uint8_t tcp_flags
    uint8_t window_scale
    uint8_t source[16]
    uint8_t destination[16]
    uint16_t source_port
    uint16_t destination_port
    uint16_t window
    uint32_t tags
    uint32_t seq
    uint32_t ack
    uint32_t payload_offset
    uint32_t payload_length
    uint32_t ip_id
    uint32_t datagram_offset
    uint32_t fragment_offset

# True when a network header was found: the same as out.has_network.
cdef bint read_headers(
    const uint8_t *data, uint32_t captured, uint32_t original, uint32_t link_type, PacketHeaders *out
) noexcept nogil

# For _tunnels.pyx and _unread.pyx. Offsets count from `data`, all bytes before `end` may be read.
cdef bint read_network(
    const uint8_t *data, uint64_t end, uint64_t wire, uint8_t version, uint64_t at, PacketHeaders *out
) noexcept nogil
cdef uint8_t find_network(const uint8_t *data, uint64_t end, uint64_t wire, uint32_t link_type, Frame *frame) noexcept nogil
cdef object as_value(const PacketHeaders *out)

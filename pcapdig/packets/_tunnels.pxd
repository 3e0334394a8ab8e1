"""The headers inside tunnels. See `_tunnels.pyx`."""

from libc.stdint cimport uint8_t, uint32_t

from pcapdig.packets._datagrams cimport is_tunnel_port
from pcapdig.packets._headers cimport PacketHeaders

cdef enum:
    TCP = 6
    UDP = 17

# As read_headers, but of the innermost IP packet that is there.
cdef bint read_inner_headers(
    const uint8_t *data, uint32_t captured, uint32_t original, uint32_t link_type, PacketHeaders *out
) noexcept nogil

# The kind, as _unread.pxd has it, of the tunnel that a packet with these headers is; 0: it is none in which there is IP.
cdef uint32_t tunnel_kind(const uint8_t *data, uint32_t captured, const PacketHeaders *outer) noexcept nogil


cdef inline bint may_be_tunnel(const PacketHeaders *outer) noexcept nogil:
    """A few compares that sort out nearly all packets that are no tunnel."""
    if outer.protocol == TCP:
        return False
    if outer.protocol == UDP:
        return is_tunnel_port(outer.source_port, outer.destination_port)
    return outer.protocol in (4, 41, 47, 97, 115, 137, 143)

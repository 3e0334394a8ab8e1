"""The headers inside tunnels. See `_tunnels.pyx`."""

from libc.stdint cimport uint8_t, uint32_t

from pcapdig.packets._headers cimport PacketHeaders

# As read_headers, but of the innermost IP packet that is there.
cdef bint read_inner_headers(
    const uint8_t *data, uint32_t captured, uint32_t original, uint32_t link_type, PacketHeaders *out
) noexcept nogil

"""Numbers in the bytes of a capture file, in either byte order. The caller has checked that the bytes are there."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t


cdef inline uint32_t get32(const uint8_t *p, bint swapped) noexcept nogil:
    """Four bytes in the section's order."""
    if swapped:
        return <uint32_t> p[0] << 24 | <uint32_t> p[1] << 16 | <uint32_t> p[2] << 8 | p[3]
    return <uint32_t> p[3] << 24 | <uint32_t> p[2] << 16 | <uint32_t> p[1] << 8 | p[0]


cdef inline uint16_t get16(const uint8_t *p, bint swapped) noexcept nogil:
    """Two bytes in the section's order."""
    if swapped:
        return <uint16_t> (<uint16_t> p[0] << 8 | p[1])
    return <uint16_t> (<uint16_t> p[1] << 8 | p[0])


cdef inline uint32_t padded(uint32_t size) noexcept nogil:
    """Rounded up to a multiple of 4; size must not exceed 2^32 - 4."""
    return (size + 3) & ~<uint32_t> 3

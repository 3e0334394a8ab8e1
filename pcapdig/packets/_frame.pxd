"""A packet whose headers are stepped over, one after the other, and how its bytes are read."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:  # which IP version a header promises, besides 4 and 6
    ANY_VERSION = 0
    NOT_IP = 255

cdef struct Frame:  # a packet whose headers are stepped over. Places count from `data`
    const uint8_t *data
    uint64_t end  # of what was captured
    uint64_t wire  # of what was sent, as the headers so far say: less than the packet where they say so
    uint64_t at  # where the next header begins
    uint64_t tags  # identifies the stack of VLANs and other networks within the network
    uint32_t kind  # where no IP header follows: what does instead, as _unread.pxd has it


cdef inline uint16_t get16(const uint8_t *p) noexcept nogil:
    """Two bytes in network order."""
    return <uint16_t> (<uint16_t> p[0] << 8 | p[1])


cdef inline uint32_t get32(const uint8_t *p) noexcept nogil:
    """Four bytes in network order."""
    return <uint32_t> p[0] << 24 | <uint32_t> p[1] << 16 | <uint32_t> p[2] << 8 | p[3]


cdef inline uint8_t no_ip(Frame *f, uint32_t kind) noexcept nogil:
    """There is no IP header behind this one, and what there is instead."""
    f.kind = kind
    return NOT_IP


cdef inline bint has(const Frame *f, uint64_t size) noexcept nogil:
    """Were so many bytes from here on captured?"""
    return f.at + size <= f.end


cdef inline void cut_at(Frame *f, uint64_t stop) noexcept nogil:
    """A header says where its payload ends: no header inside reaches farther, whatever its own length says."""
    if stop < f.wire:
        f.wire = stop
        if stop < f.end:
            f.end = stop


cdef inline void pass_tag(Frame *f, uint32_t number) noexcept nogil:
    """Note the number of a VLAN, or of another network within the network, that is stepped over."""
    f.tags = ((f.tags + number + 1) * <uint64_t> 0x9E3779B97F4A7C15ULL) >> 32

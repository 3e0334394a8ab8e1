"""Seeded hashes of flows, so that no sender can make many flows share a slot."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from pcapdig.packets._headers cimport PacketHeaders
from pcapdig.trace._seeded cimport folded


cdef inline uint64_t mixed(uint64_t a, uint64_t b) noexcept nogil:
    """One 64-bit number from two; each bit of both counts (multiply, then fold the high half down)."""
    cdef uint64_t product = (a ^ (a >> 32)) * <uint64_t> 0x9E3779B97F4A7C15ULL + b
    product *= <uint64_t> 0xD6E8FEB86659FD93ULL
    return product ^ (product >> 32)


cdef inline uint64_t end_hash(const uint8_t *address, uint16_t port, uint64_t seed) noexcept nogil:
    """A seeded hash of one end."""
    cdef uint64_t half[2]
    memcpy(half, address, 16)
    return folded(folded(half[0] ^ seed, half[1] ^ seed ^ <uint64_t> 0x9E3779B97F4A7C15ULL) ^ port, seed ^ <uint64_t> 0xD6E8FEB86659FD93ULL)


cdef inline uint32_t flow_tag(const PacketHeaders *h, uint64_t seed) noexcept nogil:
    """A hash that is the same for both directions."""
    cdef uint64_t a = end_hash(h.source, h.source_port, seed)
    cdef uint64_t b = end_hash(h.destination, h.destination_port, seed)
    return <uint32_t> (mixed(a + b, (a ^ b) + h.protocol) >> 16)

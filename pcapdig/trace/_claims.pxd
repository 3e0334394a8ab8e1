"""Packet comments, each read once however many packets carry it. See `_claims.pyx`."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef struct NativeClaim:
    const uint8_t *text  # the comment's own bytes
    uint32_t size
    uint32_t next_in_bucket  # 1 + number; 0: last
    uint64_t hash_
    int32_t process  # -1: the comment names none
    bint is_write
    uint8_t evidence

cdef inline uint64_t hash_of(const uint8_t *text, uint32_t size) noexcept nogil:
    """64 bits over all bytes. Collisions only cost time: bytes are compared."""
    cdef uint64_t hash_ = size
    cdef uint64_t word
    while size >= 8:
        memcpy(&word, text, 8)
        hash_ = (hash_ ^ word) * <uint64_t> 0x9E3779B97F4A7C15ULL
        hash_ ^= hash_ >> 29
        text += 8
        size -= 8
    word = 0
    memcpy(&word, text, size)
    hash_ = (hash_ ^ word) * <uint64_t> 0xD6E8FEB86659FD93ULL
    return hash_ ^ (hash_ >> 32)


cdef class Claims:
    cdef object processes
    cdef NativeClaim *claims
    cdef uint32_t *buckets
    cdef uint32_t bucket_mask
    cdef uint32_t count
    cdef uint32_t room
    cdef uint32_t number_of(self, const uint8_t *text, uint32_t size, uint32_t guess) except 0 nogil
    cdef uint32_t add(self, const uint8_t *text, uint32_t size, uint64_t hash_) except 0 nogil
    cdef int grow(self) except -1 nogil

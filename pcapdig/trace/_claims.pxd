"""Packet comments, each read once however many packets carry it. See `_claims.pyx`."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef enum:
    RECENT_CLAIMS = 1024  # a power of 2

cdef struct Comment:
    const uint8_t *text  # a copy of its own
    uint32_t size
    uint32_t next_in_bucket  # its number; 0: last
    uint64_t hash_

cdef struct ClaimTable:  # the walk's
    Comment *comments  # by number - 1
    uint32_t *buckets
    uint32_t bucket_mask
    uint32_t count
    uint32_t room
    uint32_t recent[RECENT_CLAIMS]  # numbers by a few bytes of the text

cdef struct Meaning:  # what Python read in a comment
    bint is_read
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


cdef uint32_t number_of(ClaimTable *table, const uint8_t *text, uint32_t size) noexcept nogil

cdef class Claims:
    cdef ClaimTable table
    cdef object processes
    cdef Meaning *meanings  # by number - 1
    cdef uint32_t room
    cdef int understand(self, uint32_t number, const uint8_t *text, uint32_t size) except -1 nogil

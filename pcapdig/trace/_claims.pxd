"""Packet comments, each read once however many packets carry it. See `_claims.pyx`."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

cdef enum:
    RECENT_CLAIMS = 1024  # a power of 2
    MOST_COMMENTS = 1 << 15  # that a live trace remembers, some 300 bytes each

cdef enum:  # whether the end of a claim is the server's
    SERVES = 1
    ASKS = 2

cdef struct Comment:
    const uint8_t *text  # a copy of its own
    uint32_t size
    uint32_t next_in_bucket  # its number; 0: last
    uint64_t hash_

cdef struct ClaimTable:  # the walk's
    uint64_t seed  # of the hashes
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
    uint8_t serves  # SERVES, ASKS, or 0: not said

cdef uint32_t number_of(ClaimTable *table, const uint8_t *text, uint32_t size) noexcept nogil

cdef class Claims:
    cdef ClaimTable table
    cdef object processes
    cdef Meaning *meanings  # by number - 1
    cdef uint32_t room
    cdef void limit(self) noexcept
    cdef int understand(self, uint32_t number, const uint8_t *text, uint32_t size) except -1 nogil

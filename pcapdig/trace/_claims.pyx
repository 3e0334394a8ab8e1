"""What packet comments claim: process, end, evidence. Each different comment is read by Python once and then found by its bytes.

A packet of pcapdig's carries up to two comments of some 250 bytes, nearly always the same two as the flow's packet before it. The
caller remembers those numbers and passes them as a guess, which costs one comparison of bytes and no hash.
"""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memcpy


cdef class Claims:
    """Comments by their bytes. Numbers count from 1 and are never given again."""

    def __cinit__(self, processes not None):
        self.processes = processes
        self.bucket_mask = 255
        self.buckets = <uint32_t *> calloc(self.bucket_mask + 1, sizeof(uint32_t))
        if self.buckets == NULL:
            raise MemoryError
        self.grow()

    def __dealloc__(self):
        cdef uint32_t i
        for i in range(self.count):
            free(<void *> self.claims[i].text)
        free(self.claims)
        free(self.buckets)

    cdef uint32_t number_of(self, const uint8_t *text, uint32_t size, uint32_t guess) except 0 nogil:
        """The number of a comment; `guess` is tried first (0: no guess)."""
        cdef NativeClaim *claim
        cdef uint64_t hash_
        cdef uint32_t number
        if guess != 0:
            claim = self.claims + guess - 1
            if claim.size == size and memcmp(claim.text, text, size) == 0:
                return guess
        hash_ = hash_of(text, size)
        number = self.buckets[hash_ & self.bucket_mask]
        while number != 0:
            claim = self.claims + number - 1
            if claim.hash_ == hash_ and claim.size == size and memcmp(claim.text, text, size) == 0:
                return number
            number = claim.next_in_bucket
        return self.add(text, size, hash_)

    cdef uint32_t add(self, const uint8_t *text, uint32_t size, uint64_t hash_) except 0 nogil:
        """Have Python read a comment that was not seen before."""
        cdef NativeClaim *claim
        cdef uint8_t *own
        if self.count == self.room:
            self.grow()
        own = <uint8_t *> malloc(size + 1)
        if own == NULL:
            with gil:
                raise MemoryError("no memory for another comment")
        memcpy(own, text, size)
        claim = self.claims + self.count
        claim.text = own
        claim.size = size
        claim.hash_ = hash_
        claim.process = -1
        claim.is_write = False
        claim.evidence = 0
        with gil:
            said = self.processes.claim_of((<const char *> own)[:size])
            if said is not None:
                claim.process = said.process
                claim.is_write = said.is_write
                claim.evidence = said.evidence
        claim.next_in_bucket = self.buckets[hash_ & self.bucket_mask]
        self.count += 1
        self.buckets[hash_ & self.bucket_mask] = self.count
        return self.count

    cdef int grow(self) except -1 nogil:
        """Twice the room and, to keep chains short, twice the buckets."""
        cdef uint32_t room = self.room * 2 if self.room else 128
        cdef NativeClaim *claims = <NativeClaim *> realloc(self.claims, <size_t> room * sizeof(NativeClaim))
        cdef uint32_t *buckets
        cdef uint32_t i, bucket
        if claims == NULL:
            with gil:
                raise MemoryError("no memory for more comments")
        self.claims = claims
        self.room = room
        buckets = <uint32_t *> calloc(<size_t> room * 2, sizeof(uint32_t))
        if buckets == NULL:
            with gil:
                raise MemoryError("no memory for more comments")
        free(self.buckets)
        self.buckets = buckets
        self.bucket_mask = room * 2 - 1
        for i in range(self.count):
            bucket = <uint32_t> (claims[i].hash_ & self.bucket_mask)
            claims[i].next_in_bucket = buckets[bucket]
            buckets[bucket] = i + 1
        return 0

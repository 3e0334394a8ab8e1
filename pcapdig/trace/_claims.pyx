"""What packet comments claim: process, end, evidence. Each different comment is read by Python once and then found by its bytes.

A packet of pcapdig's carries up to two comments of some 250 bytes, out of a few hundred different ones in a file. A few bytes of the text
say which one it probably is, which costs one comparison of bytes and no hash.

The walk numbers comments without Python, maybe in a thread of its own; what a number means is read where packets get their ends.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memcpy, memset

from pcapdig.trace._seeded cimport hash_of

import os


cdef inline uint32_t recent_slot(const uint8_t *text, uint32_t size) noexcept nogil:
    """Where a comment is looked for first, by its size and 24 bytes: those around the process id and the last ones."""
    cdef uint64_t word[3]
    if size < 32:
        return size
    memcpy(word, text + 16, 16)
    memcpy(word + 2, text + size - 8, 8)
    word[0] = (word[0] + size) * <uint64_t> 0x9E3779B97F4A7C15ULL
    word[1] = (word[1] ^ word[2] ^ word[0] >> 32) * <uint64_t> 0xD6E8FEB86659FD93ULL
    return <uint32_t> (word[1] >> 40) & (RECENT_CLAIMS - 1)


cdef uint32_t number_of(ClaimTable *table, const uint8_t *text, uint32_t size) noexcept nogil:
    """The number of a comment, counted from 1 and never given again; 0: there is no memory for a new one."""
    cdef Comment *comment
    cdef uint64_t hash_
    cdef uint32_t slot = recent_slot(text, size)
    cdef uint32_t number = table.recent[slot]
    if number != 0:
        comment = table.comments + number - 1
        if comment.size == size and memcmp(comment.text, text, size) == 0:
            return number
    hash_ = hash_of(text, size, table.seed)
    number = table.buckets[hash_ & table.bucket_mask]
    while number != 0:
        comment = table.comments + number - 1
        if comment.hash_ == hash_ and comment.size == size and memcmp(comment.text, text, size) == 0:
            break
        number = comment.next_in_bucket
    if number == 0:
        number = add(table, text, size, hash_)
    table.recent[slot] = number
    return number


cdef uint32_t add(ClaimTable *table, const uint8_t *text, uint32_t size, uint64_t hash_) noexcept nogil:
    """Number a comment that was not seen before; 0: no memory."""
    cdef Comment *comment
    cdef uint8_t *own
    if table.count == table.room and not grow(table):
        return 0
    own = <uint8_t *> malloc(size + 1)
    if own == NULL:
        return 0
    memcpy(own, text, size)
    comment = table.comments + table.count
    comment.text = own
    comment.size = size
    comment.hash_ = hash_
    comment.next_in_bucket = table.buckets[hash_ & table.bucket_mask]
    table.count += 1
    table.buckets[hash_ & table.bucket_mask] = table.count
    return table.count


cdef bint grow(ClaimTable *table) noexcept nogil:
    """Twice the room and, to keep chains short, twice the buckets. False: no memory."""
    cdef uint32_t room = table.room * 2 if table.room else 128
    cdef Comment *comments = <Comment *> realloc(table.comments, <size_t> room * sizeof(Comment))
    cdef uint32_t *buckets
    cdef uint32_t i, bucket
    if comments == NULL:
        return False
    table.comments = comments
    buckets = <uint32_t *> calloc(<size_t> room * 2, sizeof(uint32_t))
    if buckets == NULL:
        return False
    table.room = room
    free(table.buckets)
    table.buckets = buckets
    table.bucket_mask = room * 2 - 1
    for i in range(table.count):
        bucket = <uint32_t> (comments[i].hash_ & table.bucket_mask)
        comments[i].next_in_bucket = buckets[bucket]
        buckets[bucket] = i + 1
    return True


cdef class Claims:
    """Comments by their bytes, and what they mean."""

    def __cinit__(self, processes not None):
        self.processes = processes
        memset(&self.table, 0, sizeof(ClaimTable))
        self.table.seed = int.from_bytes(os.urandom(8), "little")
        if not grow(&self.table):
            raise MemoryError

    def __dealloc__(self):
        cdef uint32_t i
        for i in range(self.table.count):
            free(<void *> self.table.comments[i].text)
        free(self.table.comments)
        free(self.table.buckets)
        free(self.meanings)

    cdef void limit(self) noexcept:
        """Between two batches: of too many comments none is known any more, and each is read again when it comes."""
        cdef uint32_t i
        if self.table.count <= MOST_COMMENTS:
            return
        for i in range(self.table.count):
            free(<void *> self.table.comments[i].text)
        self.table.count = 0
        memset(self.table.buckets, 0, (<size_t> self.table.bucket_mask + 1) * sizeof(uint32_t))
        memset(self.table.recent, 0, sizeof(self.table.recent))
        memset(self.meanings, 0, <size_t> self.room * sizeof(Meaning))

    cdef int understand(self, uint32_t number, const uint8_t *text, uint32_t size) except -1 nogil:
        """Have Python read a comment, unless it has."""
        cdef Meaning *meaning
        cdef Meaning *grown
        cdef uint32_t room = self.room
        if number > room:
            while number > room:
                room = room * 2 if room else 128
            grown = <Meaning *> realloc(self.meanings, <size_t> room * sizeof(Meaning))
            if grown == NULL:
                with gil:
                    raise MemoryError("no memory for more comments")
            memset(grown + self.room, 0, <size_t> (room - self.room) * sizeof(Meaning))
            self.meanings = grown
            self.room = room
        meaning = self.meanings + number - 1
        if meaning.is_read:
            return 0
        meaning.process = -1
        with gil:
            said = self.processes.claim_of((<const char *> text)[:size])
            if said is not None:
                meaning.process = said.process
                meaning.is_write = said.is_write
                meaning.evidence = said.evidence
                if said.is_server is not None:
                    meaning.serves = SERVES if said.is_server else ASKS
        meaning.is_read = True
        return 0

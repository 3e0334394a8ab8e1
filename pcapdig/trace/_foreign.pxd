"""Processes that other programs' packet options name. See `_foreign.pyx`."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:  # END_* of processes.py
    END_LOCAL = 0
    END_CLIENT = 1
    END_SERVER = 2

cdef struct Answer:  # what some options name; holds for packets from from_ns to before until_ns, in the round it was given
    uint8_t *options
    uint32_t size
    uint32_t round
    uint64_t hash_
    int64_t from_ns
    int64_t until_ns
    int32_t process  # -1: none
    uint8_t end

cdef class Foreign:
    cdef object processes
    cdef Answer *answers
    cdef uint8_t *asked  # the options at hand as Processes.foreign takes them
    cdef uint32_t asked_size
    cdef uint32_t round  # process blocks since then make older answers doubtful
    cdef const Answer *answer(
        self, const uint8_t *options, uint32_t size, bint swapped, int64_t time_ns
    ) except NULL nogil
    cdef bint put(self, uint16_t code, uint16_t size, const uint8_t *value) noexcept nogil
    cdef void gather(self, const uint8_t *options, uint32_t size, bint swapped) noexcept nogil
    cdef int ask(self, Answer *answer, uint64_t hash_, int64_t time_ns) except -1 nogil
    cdef int begin_section(self) except -1
    cdef int add_block(self, uint32_t kind, bytes body, str order) except -1

"""Open addressing over arrays of structs: slots hold indexes, -1 is empty, the number of slots is a power of two."""

from cpython.mem cimport PyMem_RawMalloc
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.string cimport memset


cdef inline uint64_t mix(uint64_t value) noexcept nogil:
    value ^= value >> 32
    value *= <uint64_t> 0xd6e8feb86659fd93ULL
    value ^= value >> 32
    value *= <uint64_t> 0xd6e8feb86659fd93ULL
    return value ^ (value >> 32)


cdef inline uint64_t hash_words(const void *data, int words) noexcept nogil:
    cdef const uint64_t *word = <const uint64_t *> data
    cdef uint64_t value = 0x9e3779b97f4a7c15ULL
    cdef int i
    for i in range(words):
        value = mix(value ^ word[i])
    return value


cdef inline int32_t *empty_slots(uint32_t count) noexcept nogil:
    cdef int32_t *slots = <int32_t *> PyMem_RawMalloc(count * sizeof(int32_t))
    if slots != NULL:
        memset(slots, 0xff, count * sizeof(int32_t))
    return slots

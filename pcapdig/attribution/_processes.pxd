"""C-level face of the interned process identities."""

from libc.stdint cimport int32_t, uint32_t, uint64_t

from pcapdig.attribution._events cimport event_process

cdef struct ProcessKey:
    uint64_t start_boot_ns
    uint32_t tgid
    uint32_t exec_id
    uint32_t uid
    uint32_t zero
    char comm[16]

cdef class ProcessIdentities:
    cdef ProcessKey *keys
    cdef readonly int32_t count
    cdef int32_t room
    cdef int32_t *slots
    cdef uint32_t mask

    cdef int32_t index_of(self, const event_process *process) except -2 nogil

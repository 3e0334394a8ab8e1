"""C-level face of who owned a socket."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

cdef enum:
    LANE_WRITER = 0
    LANE_READER = 1

cdef struct Owner:
    int32_t process
    uint32_t tid
    uint8_t evidence

cdef struct Change:
    Owner owner
    int64_t from_ns     # wall clock
    int64_t told_ns     # ... of the event
    uint32_t seq
    uint8_t has_seq
    uint8_t settled     # packets are so far past `seq` that comparing would wrap
    Change *next
    Change *before

cdef struct Lane:
    Owner base          # before the first change
    Change *first       # in order of arrival; those by time alone are sorted by from_ns
    Change *last
    uint32_t count

cdef Owner owner_at(const Lane *changed, int lane, int64_t time_ns, bint tcp, uint32_t seq, uint32_t length) noexcept nogil
cdef bint change_owner(Lane *changed, const Owner *owner, int64_t from_ns, int64_t told_ns, bint has_seq, uint32_t seq,
                       int64_t resolved_ns) noexcept nogil
cdef void free_changes(Lane *changed) noexcept nogil

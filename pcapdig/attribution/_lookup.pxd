"""Which socket a packet's end belonged to."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from pcapdig.attribution._sockets cimport SocketTables, Tuple, TupleKey

cdef bint is_mapped(const uint8_t *address) noexcept nogil
cdef int32_t choose(SocketTables tables, const Tuple *entry, int64_t time_ns, bint tcp) noexcept nogil
cdef int32_t choose_shared(SocketTables tables, const TupleKey *wanted, int64_t time_ns) noexcept nogil
cdef bint one_namespace(SocketTables tables, const Tuple *entry) noexcept nogil

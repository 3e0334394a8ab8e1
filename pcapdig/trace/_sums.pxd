"""Fresh payload bytes added up while packets are taken, for who wants sums and no packets. See `_sums.pyx`."""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint16_t, uint64_t

@cython.final
cdef class Sums:
    cdef uint64_t *by_process  # at the process's row + 1; first what no process is known for
    cdef uint64_t *packets_by_interface
    cdef Py_ssize_t room  # of by_process
    cdef readonly int64_t last_ns
    cdef int add(self, uint64_t fresh, int32_t writer, int32_t reader, uint16_t interface, int64_t time_ns) except -1 nogil
    cdef void add_local_end(self, uint64_t fresh, int32_t writer, int32_t reader) noexcept nogil
    cdef int move(
        self, uint64_t counted, int32_t writer_then, int32_t reader_then, uint64_t fresh, int32_t writer, int32_t reader
    ) except -1 nogil
    cdef int count(self, uint64_t fresh, int32_t writer, int32_t reader) except -1 nogil
    cdef int grow(self, int32_t process) except -1 nogil

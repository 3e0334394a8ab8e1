"""Fresh payload bytes by process, and packets by interface. Those by flow lie with the flow's state (`_flows.pyx`), which each packet
has at hand.

A packet counts for the processes at both of its ends; an end that is local and whose process is not known counts for none (row -1), as does
a packet of which no end is known. These are the rows that `rows.rows_of`
would make of it, and this is what columns of a whole trace would add up to, without the columns.
"""

from libc.stdint cimport int32_t, int64_t, uint16_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memset

from pcapdig.trace._batch cimport MOST_INTERFACES


cdef class Sums:
    """Sums over all packets since it was made."""

    def __cinit__(self):
        self.room = 64
        self.by_process = <uint64_t *> calloc(self.room, sizeof(uint64_t))
        self.packets_by_interface = <uint64_t *> calloc(MOST_INTERFACES + 1, sizeof(uint64_t))
        if self.by_process == NULL or self.packets_by_interface == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.by_process)
        free(self.packets_by_interface)

    cdef int add(self, uint64_t fresh, int32_t writer, int32_t reader, uint16_t interface, int64_t time_ns) except -1 nogil:
        """Count a packet. Processes are rows, -1: not known."""
        self.count(fresh, writer, reader)
        self.packets_by_interface[interface] += 1
        self.last_ns = time_ns
        return 0

    cdef int move(
        self, uint64_t counted, int32_t writer_then, int32_t reader_then, uint64_t fresh, int32_t writer, int32_t reader
    ) except -1 nogil:
        """Count a packet for other bytes and processes than before: now its flow is known."""
        self.count(0 - counted, writer_then, reader_then)  # unsigned: the sum is the same
        self.count(fresh, writer, reader)
        return 0

    cdef void add_local_end(self, uint64_t fresh, int32_t writer, int32_t reader) noexcept nogil:
        """Count a packet that was added for its other end too, since both are local; of a known one that is done."""
        if writer < 0 or reader < 0:
            self.by_process[0] += fresh

    cdef int count(self, uint64_t fresh, int32_t writer, int32_t reader) except -1 nogil:
        """Count bytes for the processes at both ends."""
        cdef int32_t last = writer if writer > reader else reader
        if last + 1 >= self.room:
            self.grow(last)
        if writer >= 0:
            self.by_process[writer + 1] += fresh
        if reader >= 0 or writer < 0:
            self.by_process[reader + 1] += fresh
        return 0

    cdef int grow(self, int32_t process) except -1 nogil:
        """Room for a process, and for as many again."""
        cdef Py_ssize_t room = (<Py_ssize_t> process + 2) * 2
        cdef uint64_t *grown = <uint64_t *> realloc(self.by_process, room * sizeof(uint64_t))
        if grown == NULL:
            with gil:
                raise MemoryError("no memory for more processes")
        memset(grown + self.room, 0, (room - self.room) * sizeof(uint64_t))
        self.by_process = grown
        self.room = room
        return 0

    def of_processes(self, Py_ssize_t count):
        """Bytes of no process, then of each of the first `count`: as 64-bit integers of this machine."""
        if count + 1 > self.room:
            self.grow(<int32_t> count - 1)
        return (<const char *> self.by_process)[: (count + 1) * sizeof(uint64_t)]

    def packets_of(self, uint16_t interface):
        """Packets of an interface, by its row."""
        return self.packets_by_interface[interface]

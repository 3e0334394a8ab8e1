"""C-level face of the ledger for record/_loop.pyx."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from pcapdig.attribution._end cimport End
from pcapdig.attribution._events cimport socket_event
from pcapdig.attribution._fragments cimport Fragments
from pcapdig.attribution._processes cimport ProcessIdentities
from pcapdig.attribution._roles cimport Found, PortRange
from pcapdig.attribution._sockets cimport Socket, SocketTables, TupleKey
from pcapdig.attribution._timelines cimport Owner
from pcapdig.packets._headers cimport PacketHeaders

cdef class Ledger:
    cdef SocketTables tables
    cdef ProcessIdentities identities
    cdef Fragments fragments
    cdef uint8_t *addresses     # 16 bytes each
    cdef int32_t address_count
    cdef PortRange chosen_ports
    cdef tuple last_roles       # of the packet that `owners` resolved
    cdef readonly uint32_t own_netns
    cdef readonly bint complete

    cdef int apply_event(self, const socket_event *event, int64_t boot_offset_ns) except -1 nogil
    cdef void resolve(self, const PacketHeaders *headers, int64_t time_ns, bint loopback, End *sender, End *receiver) noexcept nogil
    cdef void settle(self, int64_t time_ns) noexcept nogil
    cdef bint is_local(self, const uint8_t *address) noexcept nogil

    cdef void _change(self, Socket *socket, int lane, const Owner *owner, int64_t from_ns, int64_t told_ns, bint has_seq,
                      uint32_t seq) noexcept nogil
    cdef int _bind_event(self, int32_t index, const socket_event *event, int64_t time_ns) except -1 nogil
    cdef void _note_syn(self, const PacketHeaders *headers, int64_t time_ns, bint loopback) noexcept nogil
    cdef void _end(self, const PacketHeaders *headers, int64_t time_ns, bint loopback, int lane, End *out, Found *side) noexcept nogil
    cdef int32_t _end_without_owner(self, TupleKey *key, const PacketHeaders *headers, int64_t time_ns, int lane, int32_t socket_index,
                                 End *out) noexcept nogil

"""The order of both directions of a connection. See `_order.pyx`."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from pcapdig.streams._connections cimport Connections, _Conversation, _Half, _Meta, _Need
from pcapdig.streams._messages cimport Outbox
cpdef enum:
    OPEN_MAX = 1 << 15  # connections of which more than their numbers is known, some 600 bytes each


cdef class Sequencer(Outbox):
    cdef int64_t hold_limit, total_limit
    cdef readonly int64_t evicted  # conversations of which something was open or held when they were too many or too large
    cdef Connections connections
    cdef list waiting  # a heap of (since, flow): what is to be looked at when its time is over
    cdef int64_t oldest_ns  # since of the first of them

    cdef segment(self, _Conversation conversation, bint forward, uint32_t seq, uint32_t ack, uint8_t flags,
                 const uint8_t *payload, uint32_t stored, uint32_t length, const _Meta *meta)
    cdef bint is_time_over(self, int64_t now_ns) noexcept
    cdef give_up_overdue(self, int64_t now_ns)
    cdef move_waiting(self, const int32_t[:] new)
    cdef keep_limits(self)
    cdef hand_out(self, _Conversation conversation)
    cdef break_off(self, _Conversation conversation, bint forward, const _Meta *meta)
    cdef _insert(self, _Half half, uint32_t seq, const uint8_t *payload, uint32_t stored, uint32_t length, const _Meta *meta,
                 const _Need *need)
    cdef _hold(self, _Half half, Py_ssize_t at, uint32_t seq, const uint8_t *payload, uint32_t stored, uint32_t skip, uint32_t length,
               const _Meta *meta, const _Need *need)
    cdef _keep_hold_limits(self, _Conversation conversation, _Half half)
    cdef _settle(self, _Conversation conversation)
    cdef _deliver_ready(self, _Conversation conversation)
    cdef _drain(self, _Conversation conversation, bint forward)
    cdef _end_if_finished(self, _Conversation conversation, bint forward)
    cdef _queue(self, _Conversation conversation)
    cdef bint _give_up_one(self, _Conversation conversation, int64_t now_ns, bint all_of_it) except -1
    cdef _give_up_before_held(self, _Conversation conversation, bint forward)
    cdef _miss(self, _Conversation conversation, bint forward, uint32_t count, const _Meta *meta)
    cdef _lost(self, _Conversation conversation, bint forward, const _Meta *meta)

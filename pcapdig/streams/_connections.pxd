"""What reassembly remembers of each connection. See `_connections.pyx`."""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from pcapdig.streams._pieces cimport Pieces


cdef enum:
    FIN = 1, SYN = 2, RST = 4, ACK = 16  # RFC 9293 section 3.1
    GUESSED = 0, ANSWERED = 1, CERTAIN = 2  # how the beginning of a direction is known: by what was seen first, by a SYN+ACK, by its SYN
    WINDOW_MAX = 1 << 30  # RFC 7323 section 2.3: no receiver can acknowledge more than this beyond what it has


cdef struct _Meta:
    uint64_t number
    int64_t time_ns
    int32_t writer, reader
    uint8_t writer_evidence, reader_evidence
    uint8_t direction, tcp_flags
    uint16_t interface


cdef struct _Need:  # the bytes of the other direction that come before a segment
    bint is_given  # the segment acknowledges
    uint32_t ack  # everything before this number


cdef class _Segment:
    cdef uint32_t seq
    cdef uint32_t length  # on the wire
    cdef bytes data  # what was captured of it, from its front
    cdef _Meta meta
    cdef _Need need
    cdef bint is_acked  # the receiver has everything before it
    cdef int64_t acked_ns  # then: since this time of the capture


cdef class _Half:
    cdef bint started
    cdef uint8_t anchor  # how `next` is known; CERTAIN too once bytes were delivered
    cdef bint is_hinted  # before the start: its sender or receiver has named a number
    cdef uint32_t hint  # then: the lowest of them
    cdef uint32_t next  # sequence number waited for
    cdef bint finished  # a FIN came
    cdef uint32_t fin_seq  # its sequence number
    cdef _Need fin_need
    cdef bint is_acked_beyond  # the receiver has more than came
    cdef uint32_t acked  # then: up to here
    cdef bint is_conceded  # the other direction has waited long enough for bytes of this one
    cdef uint32_t conceded  # then: for those before this number
    cdef list held  # of _Segment, by sequence number from `next`, no overlaps
    cdef int64_t held_bytes
    cdef int64_t missing  # given up, not yet in a message
    cdef _Meta missed_at, acked_at, fin_at  # the packets that proved it


cdef struct Place:  # all there is of a flow that has no _Conversation
    PyObject *conversation
    uint32_t next[2]  # what its client's, its server's direction waits for
    uint16_t flags


cdef enum:
    FLOWS_A_PAGE = 64


cdef struct Page:
    uint32_t open  # places with a conversation
    Place places[FLOWS_A_PAGE]


cdef class _Conversation:
    cdef _Half client, server
    cdef int32_t flow
    cdef PyObject *older  # its neighbours among those that are open
    cdef PyObject *newer
    cdef bint is_touched  # had a packet since it was last passed over
    cdef bint has_syn  # it began within the capture
    cdef bint is_alone  # the other direction was waited for and did not come: what acknowledges it waits no more
    cdef bint is_queued  # among those whose waiting ends at some time
    cdef bint is_reset  # an RST came, and waits for what it overtook
    cdef bint reset_forward  # its direction
    cdef uint32_t reset_seq
    cdef _Need reset_need
    cdef _Meta reset_at
    cdef bint is_open
    cdef bint forward  # direction of the open message
    cdef _Meta meta  # of its first packet, but with the TCP flags of all
    cdef Pieces pieces
    cdef bint borrows  # some of them lie in the batch at hand
    cdef list gaps  # None: no gap
    cdef int64_t size  # on the wire, missing bytes included
    cdef int64_t stored  # bytes in pieces
    cdef int64_t last_ns  # time of its last packet
    cdef bint has_opened  # a message that opens was seen, so all that follow are wanted
    cdef bint is_judged  # by the first byte of the open message it is known whether it is dull
    cdef bint is_dull  # the open message opens nothing: its bytes are counted, not kept


cdef bint is_of_ended(uint32_t seq, uint32_t fin_seq) noexcept
cdef Py_ssize_t first_from(_Half half, uint32_t position)


cdef class Connections:
    cdef Page **pages  # by flow id
    cdef Py_ssize_t room  # pages that may be
    cdef Py_ssize_t kept  # pages there are
    cdef Py_ssize_t oldest_page  # before it are none but those with open conversations
    cdef PyObject *oldest
    cdef PyObject *newest
    cdef readonly Py_ssize_t open

    cdef int make_room(self, Py_ssize_t flows) except -1
    cdef Place *place(self, int32_t flow) except NULL
    cdef int renumber(self, const int32_t[:] new) except -1
    cdef _Conversation get(self, int32_t flow)
    cdef bint has_opened(self, int32_t flow) noexcept
    cdef int set_opened(self, int32_t flow) except -1
    cdef _Conversation find(self, int32_t flow, bint forward, uint32_t seq, uint32_t ack, uint8_t flags, uint32_t length)
    cdef _Conversation begin(self, int32_t flow)
    cdef bint forget_if_over(self, _Conversation conversation) except -1
    cdef close(self, _Conversation conversation, uint16_t flags)
    cdef _Conversation least_used(self)
    cdef void link(self, _Conversation conversation) noexcept
    cdef void unlink(self, _Conversation conversation) noexcept
    cdef void forget_pages(self, const Page *but) noexcept

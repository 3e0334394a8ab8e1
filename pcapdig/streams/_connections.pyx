# cython: language_level=3
"""What reassembly remembers of a connection, and how little of it where that is enough.

A connection is a `_Conversation` with a `_Half` a direction from its first packet on that is more than a SYN, until both directions have
ended and all of it was handed out. Before and after that it is a `_Brief`. None of them is ever part of a circle, so the search for those
passes them over: it took as long as reassembly itself.
"""

cimport cython

from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.stdlib cimport free

from pcapdig.streams._pieces cimport clear

cdef enum:
    BEYOND_END_MAX = 1 << 16  # bytes after a FIN that belong to the connection it ended


@cython.no_gc
cdef class _Segment:
    """Payload that came before its turn."""


@cython.no_gc
cdef class _Brief:
    """A connection of which there is little to remember: just begun, or ended. A scan, or a busy server, makes millions of them."""


cdef bint is_of_ended(uint32_t seq, uint32_t fin_seq) noexcept:
    """Is a segment of a direction that has ended at `fin_seq`: seen before, or just beyond the end, where no receiver takes it?

    Another number is of a connection with the same ends whose SYN was not captured.
    """
    return <int32_t>(seq - fin_seq) < BEYOND_END_MAX and <int32_t>(fin_seq - seq) < WINDOW_MAX


cdef Py_ssize_t first_from(_Half half, uint32_t position):
    """Which of the held segments is the first that begins at `position` or later, counted from what is waited for."""
    cdef Py_ssize_t low = 0, high = len(half.held), middle
    if high == 0 or (<_Segment>half.held[high - 1]).seq - half.next < position:
        return high  # as a rule it comes behind all others
    while low < high:
        middle = (low + high) // 2
        if (<_Segment>half.held[middle]).seq - half.next < position:
            low = middle + 1
        else:
            high = middle
    return low


@cython.no_gc
cdef class _Half:
    """One direction of a connection."""


@cython.no_gc
cdef class _Conversation:
    """Both directions of a flow, and the message that is open."""

    def __cinit__(self):
        self.client = _Half()
        self.server = _Half()

    def __dealloc__(self):
        clear(&self.pieces)
        free(self.pieces.list)


cdef _Conversation find_conversation(
    list conversations, int32_t flow, bint is_tcp, bint forward, uint32_t seq, uint32_t ack, uint8_t flags, uint32_t length
):
    """The connection of a packet; None where the packet has nothing to add to one."""
    cdef object item = conversations[flow]
    cdef _Conversation conversation
    cdef _Brief brief = None
    cdef int side = 0 if forward else 1
    if type(item) is _Conversation:
        return <_Conversation>item
    if item is not None:
        brief = <_Brief>item
        if brief.is_over:
            if length == 0 or is_of_ended(seq, brief.next[side]):
                return None
            brief = None
        elif flags & RST and length == 0:
            return None
    if is_tcp and flags & SYN and length == 0 and not flags & (FIN | RST):
        if brief is None:
            brief = _Brief()
            conversations[flow] = brief
        if brief.anchor[side] != CERTAIN:
            brief.started[side], brief.anchor[side], brief.next[side] = True, CERTAIN, seq + 1
        if flags & ACK and not brief.started[1 - side]:
            brief.started[1 - side], brief.anchor[1 - side], brief.next[1 - side] = True, ANSWERED, ack
        return None
    conversation = _Conversation()
    conversation.flow = flow
    if brief is not None:
        for side, half in enumerate((conversation.client, conversation.server)):
            (<_Half>half).started, (<_Half>half).anchor = brief.started[side], brief.anchor[side]
            (<_Half>half).next = brief.next[side]
    conversations[flow] = conversation
    return conversation


cdef bint forget_if_over(list conversations, _Conversation conversation) except -1:
    """Once all of both directions has been handed out, remember only where they ended."""
    cdef _Half client = conversation.client, server = conversation.server
    cdef _Brief brief
    if conversation.is_open or conversation.is_reset or not client.started or not server.started:
        return False
    if client.next != client.fin_seq or server.next != server.fin_seq:
        return False
    if client.missing or server.missing or client.held is not None or server.held is not None:
        return False
    brief = _Brief()
    brief.is_over = True
    brief.next[0], brief.next[1] = client.next, server.next
    conversations[conversation.flow] = brief
    return True

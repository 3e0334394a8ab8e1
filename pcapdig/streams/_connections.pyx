# cython: language_level=3
"""What reassembly remembers of a connection, and how little of it where that is enough.

A connection is a `_Conversation` with a `_Half` a direction, some 600 bytes, from its first packet on that is more than a SYN, until both
directions have ended and all of it was handed out, or until too many are open. Before and after that it is a `Place` of 24 bytes in a page of
those that began about the same time; the oldest pages are forgotten. None of the objects is ever part of a circle, so the search for
those passes them over: it took as long as reassembly itself.
"""

cimport cython

from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memset

from pcapdig.streams._pieces cimport clear

cdef enum:
    BEYOND_END_MAX = 1 << 16  # bytes after a FIN that belong to the connection it ended
    PAGES_MAX = 1 << 12  # flows that are remembered are 64 times as many, in 6 MB, beside those that are open

cdef enum:  # flags of a Place; the first three are the client's, and shifted by one the server's
    STARTED = 1  # `next` is known
    BEGAN = 4  # by its SYN, or by data
    ENDED = 16  # by its FIN
    OVER = 64  # both directions have ended
    OPENED = 128  # a message that opens was seen
    ALONE = 256  # only one direction is captured
    SYN_SEEN = 512  # it began within the capture


@cython.no_gc
cdef class _Segment:
    """Payload that came before its turn."""


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


cdef class Connections:
    """What is known of each flow, and which of them are open, the one that was used longest ago first."""

    def __dealloc__(self):
        cdef Py_ssize_t i, j
        for i in range(self.room):
            if self.pages[i] != NULL:
                for j in range(FLOWS_A_PAGE):
                    Py_XDECREF(self.pages[i].places[j].conversation)
                free(self.pages[i])
        free(self.pages)

    cdef int make_room(self, Py_ssize_t flows) except -1:
        """Flows with ids below this may come."""
        cdef Py_ssize_t room = (flows + FLOWS_A_PAGE - 1) // FLOWS_A_PAGE
        cdef Page **grown
        if room <= self.room:
            return 0
        room = max(room, 2 * self.room)
        grown = <Page **>realloc(self.pages, room * sizeof(Page *))
        if grown == NULL:
            raise MemoryError("no memory for connections")
        memset(grown + self.room, 0, (room - self.room) * sizeof(Page *))
        self.pages, self.room = grown, room
        return 0

    cdef Place *place(self, int32_t flow) except NULL:
        """What is known of a flow, to be changed."""
        cdef Page *page = self.pages[flow // FLOWS_A_PAGE]
        if page == NULL:
            page = <Page *>calloc(1, sizeof(Page))
            if page == NULL:
                raise MemoryError("no memory for connections")
            self.pages[flow // FLOWS_A_PAGE] = page
            self.kept += 1
            self.oldest_page = min(self.oldest_page, flow // FLOWS_A_PAGE)
            if self.kept > PAGES_MAX:
                self.forget_pages(page)
        return &page.places[flow % FLOWS_A_PAGE]

    cdef void forget_pages(self, const Page *but) noexcept:
        """Forget the flows that began longest ago, but those with an open conversation, and one page."""
        cdef Page *page
        while self.kept > PAGES_MAX - PAGES_MAX // 8 and self.oldest_page < self.room:
            page = self.pages[self.oldest_page]
            if page != NULL and page != but and page.open == 0:
                free(page)
                self.pages[self.oldest_page] = NULL
                self.kept -= 1
            self.oldest_page += 1

    cdef int renumber(self, const int32_t[:] new) except -1:
        """Flows have new numbers. `new`, by flow: ascending from 0, -1 for one that has gone, of which no conversation is open."""
        cdef Page **before = self.pages
        cdef Py_ssize_t room = self.room, flow
        cdef Place *place
        cdef Place *to
        self.pages, self.room, self.kept = NULL, 0, 0
        self.oldest_page = room
        self.make_room(max(new.shape[0], 1))
        for flow in range(min(new.shape[0], room * FLOWS_A_PAGE)):
            if new[flow] < 0 or before[flow // FLOWS_A_PAGE] == NULL:
                continue
            place = &before[flow // FLOWS_A_PAGE].places[flow % FLOWS_A_PAGE]
            to = self.place(new[flow])
            to[0] = place[0]
            if place.conversation != NULL:
                (<_Conversation>place.conversation).flow = new[flow]
                self.pages[new[flow] // FLOWS_A_PAGE].open += 1
        for flow in range(room):
            free(before[flow])
        free(before)
        return 0

    cdef _Conversation get(self, int32_t flow):
        """The open conversation of a flow, or None."""
        cdef Page *page = self.pages[flow // FLOWS_A_PAGE] if flow // FLOWS_A_PAGE < self.room else NULL
        if page == NULL or page.places[flow % FLOWS_A_PAGE].conversation == NULL:
            return None
        return <_Conversation>page.places[flow % FLOWS_A_PAGE].conversation

    cdef bint has_opened(self, int32_t flow) noexcept:
        """Has a flow without conversation had a message that opens?"""
        cdef Page *page = self.pages[flow // FLOWS_A_PAGE]
        return page != NULL and page.places[flow % FLOWS_A_PAGE].flags & OPENED != 0

    cdef int set_opened(self, int32_t flow) except -1:
        """It has now."""
        self.place(flow).flags |= OPENED
        return 0

    cdef _Conversation find(self, int32_t flow, bint forward, uint32_t seq, uint32_t ack, uint8_t flags, uint32_t length):
        """The connection of a TCP packet; None where the packet has nothing to add to one."""
        cdef Place *place = self.place(flow)
        cdef int side = 0 if forward else 1
        if place.conversation != NULL:
            (<_Conversation>place.conversation).is_touched = True
            return <_Conversation>place.conversation
        if place.flags & OVER:
            if length == 0 or is_of_ended(seq, place.next[side]):
                return None
            memset(place, 0, sizeof(Place))
        elif place.flags and flags & RST and length == 0:
            return None
        if flags & SYN and length == 0 and not flags & (FIN | RST):
            if not place.flags & BEGAN << side:
                place.flags |= (STARTED | BEGAN) << side | SYN_SEEN
                place.next[side] = seq + 1
            if flags & ACK and not place.flags & STARTED << (1 - side):
                place.flags |= STARTED << (1 - side)
                place.next[1 - side] = ack
            return None
        return self.begin(flow)

    cdef _Conversation begin(self, int32_t flow):
        """An open conversation of what is known of a flow."""
        cdef Place *place = self.place(flow)
        cdef _Conversation conversation = _Conversation()
        cdef _Half half
        cdef int side
        conversation.flow = flow
        conversation.has_opened, conversation.is_alone = place.flags & OPENED != 0, place.flags & ALONE != 0
        conversation.has_syn = place.flags & SYN_SEEN != 0
        for side in range(2):
            half = conversation.client if side == 0 else conversation.server
            if place.flags & STARTED << side:
                half.started, half.next = True, place.next[side]
                half.anchor = CERTAIN if place.flags & BEGAN << side else ANSWERED
            if place.flags & ENDED << side:
                half.finished, half.fin_seq = True, half.next
        Py_INCREF(conversation)
        place.conversation = <PyObject *>conversation
        self.pages[flow // FLOWS_A_PAGE].open += 1
        self.link(conversation)
        return conversation

    cdef bint forget_if_over(self, _Conversation conversation) except -1:
        """Once all of both directions has been handed out, remember only where they ended."""
        cdef _Half client = conversation.client, server = conversation.server
        if conversation.is_open or conversation.is_reset or not client.started or not server.started:
            return False
        if client.next != client.fin_seq or server.next != server.fin_seq:
            return False
        if client.missing or server.missing or client.held is not None or server.held is not None:
            return False
        self.close(conversation, OVER)
        return True

    cdef close(self, _Conversation conversation, uint16_t flags):
        """Nothing of a conversation is open or held: remember where it stands, beside these flags."""
        cdef Py_ssize_t at = conversation.flow // FLOWS_A_PAGE
        cdef Page *page = self.pages[at]
        cdef Place *place = &page.places[conversation.flow % FLOWS_A_PAGE]
        cdef _Half half
        cdef int side
        for side in range(2):
            half = conversation.client if side == 0 else conversation.server
            if half.started:
                flags |= (STARTED if half.anchor == ANSWERED else STARTED | BEGAN) << side
            if half.started and half.finished and half.next == half.fin_seq:
                flags |= ENDED << side
            place.next[side] = half.next
        flags |= (OPENED if conversation.has_opened else 0) | (ALONE if conversation.is_alone else 0)
        flags |= SYN_SEEN if conversation.has_syn else 0
        place.flags = flags
        self.unlink(conversation)
        place.conversation = NULL
        page.open -= 1
        if page.open == 0 and at < self.oldest_page:
            free(page)
            self.pages[at] = NULL
            self.kept -= 1
        Py_DECREF(conversation)

    cdef _Conversation least_used(self):
        """The open conversation that had no packet for longest, more or less: those that had one since they were last looked at are passed over."""
        cdef _Conversation conversation
        while self.oldest != NULL:
            conversation = <_Conversation>self.oldest
            if not conversation.is_touched:
                return conversation
            conversation.is_touched = False
            self.unlink(conversation)
            self.link(conversation)
        return None

    cdef void link(self, _Conversation conversation) noexcept:
        conversation.older, conversation.newer = self.newest, NULL
        if self.newest == NULL:
            self.oldest = <PyObject *>conversation
        else:
            (<_Conversation>self.newest).newer = <PyObject *>conversation
        self.newest = <PyObject *>conversation
        self.open += 1

    cdef void unlink(self, _Conversation conversation) noexcept:
        if conversation.older == NULL:
            self.oldest = conversation.newer
        else:
            (<_Conversation>conversation.older).newer = conversation.newer
        if conversation.newer == NULL:
            self.newest = conversation.older
        else:
            (<_Conversation>conversation.newer).older = conversation.older
        self.open -= 1

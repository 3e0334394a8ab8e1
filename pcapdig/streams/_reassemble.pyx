# cython: language_level=3
"""The part of reassembly that runs once a packet: to whom it belongs. A connection's order is made in _order.pyx, its messages in _messages.pyx.

One `_Conversation` a flow, with one `_Half` a direction. `_Meta` says of a message's first packet what its rows will say.

Here are no flows, filters or files: a batch's columns come in, columns go out.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

import numpy as np

from pcapdig.streams._connections cimport _Conversation, _Meta, Connections
from pcapdig.streams._directions cimport WAIT_NS
from pcapdig.streams._order cimport OPEN_MAX, Sequencer

from pcapdig.streams.fragments import Fragments

cdef enum:
    TCP = 6

cdef extern from *:
    """
    #define ask_for(address) __builtin_prefetch(address)
    """
    void ask_for(const void *address) noexcept nogil

cdef enum:
    AHEAD = 12  # packets before its turn that a payload's first byte is asked for: it seldom lies in a cache


cdef class Assembler(Sequencer):
    """Messages out of packets. It takes what a Sequencer takes."""

    cdef object fragments  # of datagrams
    cdef _Conversation datagram  # the one at hand

    def __init__(self, *args, **limits):
        super().__init__(*args, **limits)
        self.fragments = Fragments()
        self.datagram = _Conversation()

    def feed(self, packets, const uint8_t[:] protocols, const uint8_t[:] wanted, Py_ssize_t start, Py_ssize_t stop):
        """Take the packets start to stop of a batch whose flow is wanted. `protocols` and `wanted` are by flow."""
        cdef const uint8_t[:] data = packets.data
        cdef const int32_t[:] flow = packets.flow
        cdef const uint8_t[:] forward = packets.forward.view(np.uint8)
        cdef const uint64_t[:] number = packets.number
        cdef const int64_t[:] time_ns = packets.time_ns
        cdef const uint64_t[:] offset = packets.payload_offset
        cdef const uint32_t[:] captured = packets.payload_captured, length = packets.payload_length, fresh = packets.fresh
        cdef const uint32_t[:] seq = packets.seq, ack = packets.ack
        cdef const uint8_t[:] flags = packets.tcp_flags, direction = packets.direction
        cdef const uint8_t[:] out_of_window = packets.out_of_window.view(np.uint8)
        cdef const uint16_t[:] interface = packets.interface
        cdef const int32_t[:] writer = packets.writer, reader = packets.reader
        cdef const uint8_t[:] writer_evidence = packets.writer_evidence, reader_evidence = packets.reader_evidence
        cdef Py_ssize_t i
        cdef int32_t f
        cdef uint32_t stored
        cdef _Meta meta
        cdef _Conversation conversation
        cdef uint64_t available = <uint64_t>data.shape[0]
        cdef const uint8_t *payload

        self.connections.make_room(wanted.shape[0])
        try:
            for i in range(start, stop):
                f = flow[i]
                if len(self.waiting) and self.is_time_over(time_ns[i]):
                    self.give_up_overdue(time_ns[i])
                if i + AHEAD < stop and offset[i + AHEAD] < available:
                    ask_for(&data[<Py_ssize_t>offset[i + AHEAD]])
                if f < 0 or not wanted[f] or out_of_window[i]:
                    continue
                stored = min(captured[i], length[i])
                payload = NULL
                if stored:
                    if offset[i] > available or available - offset[i] < stored:
                        raise ValueError(f"payload of packet {number[i]} lies outside its batch")
                    payload = &data[<Py_ssize_t>offset[i]]
                meta.number, meta.time_ns = number[i], time_ns[i]
                meta.writer, meta.reader = writer[i], reader[i]
                meta.writer_evidence, meta.reader_evidence = writer_evidence[i], reader_evidence[i]
                meta.direction, meta.tcp_flags, meta.interface = direction[i], flags[i], interface[i]
                if protocols[f] == TCP:
                    conversation = self.connections.find(f, forward[i], seq[i], ack[i], flags[i], length[i])
                    if conversation is None:
                        continue
                    self.segment(conversation, forward[i], seq[i], ack[i], flags[i], payload, stored, length[i], &meta)
                    if self.total > self.total_limit or self.connections.open > OPEN_MAX:
                        self.keep_limits()
                elif fresh[i] and ack[i] != 0:
                    self._whole(self.fragments.add(
                        f, forward[i], protocols[f], seq[i], ack[i], PyBytes_FromStringAndSize(<const char *>payload, stored), length[i],
                        PyBytes_FromStringAndSize(<const char *>&meta, sizeof(_Meta)), time_ns[i]))
                elif fresh[i]:
                    self._begin_datagram(f)
                    self.deliver(self.datagram, forward[i], payload, stored, length[i], &meta)
                    self._end_datagram()
        finally:
            self.keep_borrowed()

    def flush(self, Py_ssize_t most=-1):
        """End connections where they stand, what is held or open is handed out: all of them, or so many that this gave `most` messages."""
        cdef Py_ssize_t before = len(self.buffers)
        self._whole(self.fragments.flush())
        while self.connections.oldest != NULL and (most < 0 or len(self.buffers) - before < most):
            self.hand_out(<_Conversation>self.connections.oldest)

    def release(self, int64_t before_ns):
        """End the messages to which nothing was added at or after this time, ns since 1970. What follows is a message of its own.

        What has waited since before then waits no more.
        """
        cdef _Conversation conversation
        cdef PyObject *item = self.connections.oldest
        if len(self.waiting):
            self.give_up_overdue(before_ns + WAIT_NS)
        item = self.connections.oldest
        while item != NULL:
            conversation = <_Conversation>item
            item = conversation.newer
            if conversation.is_open and conversation.last_ns < before_ns:
                self.close(conversation)

    def renumber(self, const int32_t[:] new):
        """Flows get new numbers, `new`: ascending from 0, -1 for one that goes: what is open or held of it is handed out, by its old number."""
        cdef Py_ssize_t flow
        cdef _Conversation conversation
        for flow in range(new.shape[0]):
            if new[flow] < 0:
                conversation = self.connections.get(<int32_t>flow)
                if conversation is not None:
                    self.hand_out(conversation)
        self._whole(self.fragments.renumber(new))
        self.connections.renumber(new)
        self.move_waiting(new)

    cdef _begin_datagram(self, int32_t flow):
        """The next datagram is of this flow, of which no conversation is kept."""
        self.datagram.flow = flow
        self.datagram.has_opened = self.connections.has_opened(flow)

    cdef _end_datagram(self):
        """Hand it out."""
        cdef bint has_opened = self.datagram.has_opened
        self.close(self.datagram)
        if self.datagram.has_opened and not has_opened:
            self.connections.set_opened(self.datagram.flow)

    cdef _whole(self, list datagrams):
        """Datagrams that came in fragments, each a message."""
        cdef _Meta meta
        cdef bytes told
        for datagram in datagrams:
            told = datagram.told
            memcpy(&meta, <const char *>told, sizeof(_Meta))
            self._begin_datagram(datagram.flow)
            for data, length in datagram.parts():
                self.deliver_bytes(self.datagram, datagram.forward, data, length, &meta)
            self._end_datagram()

# cython: language_level=3
"""The part of reassembly that runs once a packet: sequence spaces and holes. What is in order goes to _messages.pyx.

One `_Conversation` a flow, with one `_Half` a direction. A half knows the next sequence number it waits for; what came too early is held
sorted and without overlaps, so that the copy seen first always wins. `_Meta` says of a message's first packet what its rows will say.

A hole is given up, and counted as a gap, when the receiver has acknowledged what is held behind it (then its bytes were sent and never
captured), when too much is held behind it, or when the connection ends.

Here are no flows, filters or files: a batch's columns come in, columns go out.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

import numpy as np

from pcapdig.streams._connections cimport (
    ACK, FIN, RST, SYN, WINDOW_MAX, _Conversation, _Half, _Meta, _Segment, find_conversation, first_from, forget_if_over, is_of_ended,
)

from pcapdig.streams._messages cimport Outbox

from pcapdig.streams.fragments import Fragments

cdef enum:
    TCP = 6
    HELD_SEGMENTS_MAX = 4096  # bounds what it costs to put one more between the held segments of one direction

cdef extern from *:
    """
    #define ask_for(address) __builtin_prefetch(address)
    """
    void ask_for(const void *address) noexcept nogil

cdef enum:
    AHEAD = 12  # packets before its turn that a payload's first byte is asked for: it seldom lies in a cache
    SEGMENT_COST = 192  # bytes that a held segment takes beside its own: else many tiny ones would count as nothing


cdef class Assembler(Outbox):
    """Messages out of packets. What an Outbox takes, and `hold_limit`: bytes held behind a hole in one direction."""

    cdef int64_t hold_limit
    cdef object fragments  # of datagrams
    cdef list conversations  # by flow id: a _Conversation, a _Brief, or None where not wanted yet

    def __init__(self, int64_t message_limit, int64_t hold_limit, int64_t total_limit, *args):
        super().__init__(message_limit, total_limit, *args)
        self.hold_limit = hold_limit
        self.fragments = Fragments()
        self.conversations = []

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

        if len(self.conversations) < wanted.shape[0]:
            self.conversations.extend([None] * (wanted.shape[0] - len(self.conversations)))
        try:
            for i in range(start, stop):
                f = flow[i]
                if i + AHEAD < stop and offset[i + AHEAD] < available:
                    ask_for(&data[<Py_ssize_t>offset[i + AHEAD]])
                if f < 0 or not wanted[f]:
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
                conversation = find_conversation(self.conversations, f, protocols[f] == TCP, forward[i], seq[i], flags[i], length[i])
                if conversation is None:
                    continue
                if protocols[f] == TCP:
                    self._segment(conversation, forward[i], seq[i], ack[i], flags[i], payload, stored, length[i], &meta)
                elif fresh[i] and ack[i] != 0:
                    self._whole(self.fragments.add(
                        f, forward[i], protocols[f], seq[i], ack[i], PyBytes_FromStringAndSize(<const char *>payload, stored), length[i],
                        PyBytes_FromStringAndSize(<const char *>&meta, sizeof(_Meta)), time_ns[i]))
                elif fresh[i]:
                    self.deliver(conversation, forward[i], payload, stored, length[i], &meta)
                    self.close(conversation)
        finally:
            self.keep_borrowed()

    def flush(self):
        """End every connection where it stands: what is held or open is handed out."""
        self._whole(self.fragments.flush())
        for item in self.conversations:
            if type(item) is _Conversation:
                self._break_off(<_Conversation>item, True, NULL)

    def release(self, int64_t before_ns):
        """End the messages to which nothing was added at or after this time, ns since 1970. What follows is a message of its own."""
        for item in self.conversations:
            if type(item) is _Conversation and (<_Conversation>item).is_open and (<_Conversation>item).last_ns < before_ns:
                self.close(<_Conversation>item)

    cdef _whole(self, list datagrams):
        """Datagrams that came in fragments, each a message."""
        cdef _Conversation conversation
        cdef _Meta meta
        cdef bytes told
        for datagram in datagrams:
            told = datagram.told
            memcpy(&meta, <const char *>told, sizeof(_Meta))
            conversation = self.conversations[datagram.flow]
            for data, length in datagram.parts():
                self.deliver_bytes(conversation, datagram.forward, data, length, &meta)
            self.close(conversation)

    cdef _segment(self, _Conversation conversation, bint forward, uint32_t seq, uint32_t ack, uint8_t flags,
                  const uint8_t *payload, uint32_t stored, uint32_t length, const _Meta *meta):
        """One TCP segment: what it acknowledges first, then what it carries, then whether it ends something."""
        cdef _Half half = conversation.client if forward else conversation.server
        cdef _Half other = conversation.server if forward else conversation.client
        if flags & ACK and not flags & RST and other.started and ack != other.next:
            self._acknowledged(conversation, other, not forward, ack, meta)
            self._end_if_finished(conversation, other, not forward, NULL)
        if flags & SYN:
            seq += 1  # SYN takes the first sequence number: RFC 9293 section 3.4
            if not half.started:
                half.started, half.next = True, seq
        if half.finished and half.next == half.fin_seq and is_of_ended(seq, half.fin_seq):
            length = 0
        if length:
            length = min(length, <uint32_t>WINDOW_MAX)  # keeps all positions within half the sequence space
            if not half.started:
                half.started, half.next = True, seq
            if half.held is None and seq == half.next and not half.is_acked_beyond:
                self.deliver(conversation, forward, payload, stored, length, meta)
                half.next += length
            else:
                self._insert(conversation, half, forward, seq, payload, stored, length, meta)
        if flags & RST:
            self._break_off(conversation, forward, meta)
            return
        if flags & FIN and not half.finished:
            half.finished = True
            half.fin_seq = seq + length
            if not half.started:
                half.started, half.next = True, half.fin_seq
        self._end_if_finished(conversation, half, forward, meta)
        if half.finished and other.finished:
            forget_if_over(self.conversations, conversation)

    cdef _break_off(self, _Conversation conversation, bint forward, const _Meta *meta):
        """End both directions where they stand: by an RST, whose sender `forward` tells, or, `meta` NULL, with the capture."""
        self._give_up(conversation, True)
        self._give_up(conversation, False)
        if meta != NULL and conversation.is_open and conversation.forward == forward:
            conversation.meta.tcp_flags |= RST
        self.close(conversation)
        self._lost(conversation, forward, meta)
        self._lost(conversation, not forward, NULL)

    cdef _end_if_finished(self, _Conversation conversation, _Half half, bint forward, const _Meta *meta):
        """End a direction when all before its FIN is here, or the receiver has it. `meta` as for `_lost`."""
        if not half.finished:
            return
        if half.is_acked_beyond and half.acked == half.fin_seq:
            self._give_up(conversation, forward)
        if half.next == half.fin_seq:
            if conversation.is_open and conversation.forward == forward:
                conversation.meta.tcp_flags |= FIN
                self.close(conversation)
            self._lost(conversation, forward, meta)

    cdef _insert(self, _Conversation conversation, _Half half, bint forward, uint32_t seq, const uint8_t *payload,
                 uint32_t stored, uint32_t length, const _Meta *meta):
        """Hold those bytes of a segment that are neither delivered nor held, then deliver what is in order."""
        cdef _Segment held
        cdef Py_ssize_t at
        cdef uint32_t begin, end, until
        # Positions count from half.next, so that wrap-around cannot confuse their order.
        cdef int32_t ahead = <int32_t>(seq - half.next)
        if <int64_t>ahead + length <= 0:
            return  # seen before
        begin = <uint32_t>max(ahead, 0)
        end = <uint32_t>(<int64_t>ahead + length)
        if half.held is None:
            half.held = []
        at = first_from(half, begin)
        if at > 0:
            held = <_Segment>half.held[at - 1]
            begin = max(begin, held.seq - half.next + held.length)
        while begin < end:
            until = end
            if at < len(half.held):
                held = <_Segment>half.held[at]
                until = min(end, held.seq - half.next)
            if begin < until:
                self._hold(half, at, half.next + begin, payload, stored, <uint32_t>(<int64_t>begin - ahead), until - begin, meta)
                at += 1
            if at >= len(half.held):
                break
            held = <_Segment>half.held[at]
            begin = max(until, held.seq - half.next + held.length)
            at += 1
        self._drain(conversation, half, forward)
        self._skip_acked_holes(conversation, half, forward)
        while half.held is not None and (half.held_bytes > self.hold_limit or len(half.held) > HELD_SEGMENTS_MAX
                                         or self.total > self.total_limit):
            self._skip_hole(conversation, half, forward)

    cdef _hold(self, _Half half, Py_ssize_t at, uint32_t seq, const uint8_t *payload, uint32_t stored, uint32_t skip,
               uint32_t length, const _Meta *meta):
        """Keep `length` bytes of a payload from `skip` on, as far as they were captured."""
        cdef _Segment segment = _Segment()
        cdef uint32_t kept = 0
        if stored > skip:
            kept = min(stored - skip, length)
        segment.seq = seq
        segment.length = length
        segment.data = PyBytes_FromStringAndSize(<const char *>payload + skip, kept) if kept else b""
        segment.meta = meta[0]
        half.held.insert(at, segment)
        half.held_bytes += kept
        self.total += kept + SEGMENT_COST

    cdef _drain(self, _Conversation conversation, _Half half, bint forward):
        """Deliver what is held and now in order."""
        cdef Py_ssize_t count = 0
        cdef _Segment segment
        if half.held is None:
            return
        while count < len(half.held):
            segment = <_Segment>half.held[count]
            if segment.seq != half.next:
                break
            half.held_bytes -= len(segment.data)
            self.total -= len(segment.data) + SEGMENT_COST
            self.deliver_bytes(conversation, forward, segment.data, segment.length, &segment.meta)
            half.next += segment.length
            count += 1
        if count == len(half.held):
            half.held = None
        elif count:
            del half.held[:count]

    cdef _skip_hole(self, _Conversation conversation, _Half half, bint forward):
        """Give up the hole before the first held segment."""
        cdef _Segment first = <_Segment>half.held[0]
        self._miss(conversation, half, forward, first.seq - half.next, &first.meta)
        self._drain(conversation, half, forward)

    cdef _give_up(self, _Conversation conversation, bint forward):
        """Give up all holes of one direction: nothing more can fill them."""
        cdef _Half half = conversation.client if forward else conversation.server
        while half.held is not None:
            self._skip_hole(conversation, half, forward)
        if half.is_acked_beyond:
            half.is_acked_beyond = False
            # One byte beyond may be a FIN that was not captured: no proof of a missing byte.
            if <int32_t>(half.acked - half.next) > (0 if half.finished else 1):
                self._miss(conversation, half, forward, half.acked - half.next, &half.acked_at)

    cdef _acknowledged(self, _Conversation conversation, _Half half, bint forward, uint32_t ack, const _Meta *meta):
        """The receiver says that it has everything before `ack`. What is not here by now may still come, unless more is held behind it."""
        cdef int32_t ahead
        if half.finished and <int32_t>(ack - half.fin_seq) > 0:
            ack = half.fin_seq  # FIN takes a sequence number, but is no byte
        ahead = <int32_t>(ack - half.next)
        if ahead <= 0 or half.held is None and ahead > WINDOW_MAX:
            return
        if not half.is_acked_beyond or <int32_t>(ack - half.acked) > 0:
            half.is_acked_beyond, half.acked, half.acked_at = True, ack, meta[0]
        self._skip_acked_holes(conversation, half, forward)

    cdef _skip_acked_holes(self, _Conversation conversation, _Half half, bint forward):
        """Give up the holes before held segments that the receiver has."""
        while half.is_acked_beyond:
            if <int32_t>(half.acked - half.next) <= 0:
                half.is_acked_beyond = False
            elif half.held is None or half.acked - half.next < (<_Segment>half.held[0]).seq - half.next:
                return
            else:
                self._skip_hole(conversation, half, forward)

    cdef _miss(self, _Conversation conversation, _Half half, bint forward, uint32_t count, const _Meta *meta):
        """`count` bytes will never come."""
        half.next += count
        if conversation.is_open and conversation.forward == forward:
            self.gap(conversation, count)
            return
        if not half.missing:
            half.missed_at = meta[0]
        half.missing += count

    cdef _lost(self, _Conversation conversation, bint forward, const _Meta *meta):
        """Bytes that are missing and that no message of their direction followed: a message of its own, with no byte captured.

        `meta` is the packet that ended the direction, so that its owners are those of the bytes; NULL where there is none, and then
        nobody is named.
        """
        cdef _Half half = conversation.client if forward else conversation.server
        if not half.missing:
            return
        if meta == NULL:
            half.missed_at.writer = half.missed_at.reader = -1
            half.missed_at.writer_evidence = half.missed_at.reader_evidence = half.missed_at.direction = 0
            meta = &half.missed_at
        self.open(conversation, forward, meta)
        self.close(conversation)

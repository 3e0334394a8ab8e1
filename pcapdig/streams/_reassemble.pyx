# cython: language_level=3
"""The part of reassembly that runs once a packet: sequence spaces, holes, and the message now being built.

One `_Conversation` a flow, with one `_Half` a direction. A half knows the next sequence number it waits for; what came too early is held
sorted and without overlaps, so that the copy seen first always wins. What is in order goes to the message that is open; a flow has one open
message at most, since the other direction ends it. `_Meta` says of a message's first packet what its rows will say.

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

from pcapdig.streams.fragments import Fragments

cdef enum:
    TCP = 6
    HELD_SEGMENTS_MAX = 4096  # bounds what it costs to put one more between the held segments of one direction

cdef enum:  # bytes that a segment, or a piece of a message, takes beside its own: else many tiny ones would count as nothing
    SEGMENT_COST = 192
    PIECE_COST = 48


cdef class Assembler:
    """Messages out of packets, as columns.

    Args: `message_limit` bytes on the wire of one message, beyond which it is handed out in parts; `hold_limit` bytes held behind a
    hole in one direction; `total_limit` bytes in memory over all flows, open messages and held segments together.
    """

    cdef int64_t message_limit, hold_limit, total_limit, total
    cdef object fragments  # of datagrams
    cdef list conversations  # by flow id: a _Conversation, a _Brief, or None where not wanted yet
    cdef list buffers, gaps, columns  # of the messages that ended

    def __init__(self, int64_t message_limit, int64_t hold_limit, int64_t total_limit):
        self.message_limit, self.hold_limit, self.total_limit = message_limit, hold_limit, total_limit
        self.fragments = Fragments()
        self.conversations = []
        self.columns, self.buffers, self.gaps = [], [], []

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
        for i in range(start, stop):
            f = flow[i]
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
                self._deliver(conversation, forward[i], PyBytes_FromStringAndSize(<const char *>payload, stored), length[i], &meta)
                self._close(conversation)

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
                self._close(<_Conversation>item)

    def take(self):
        """The messages that ended since the last call: (columns, buffers, gaps), one entry a message each.

        columns: flow, forward, size, number, time_ns, writer, reader, writer evidence, reader evidence, direction, TCP flags, interface.
        gaps: tuples of (offset in the buffer, bytes missing there).
        """
        taken = (self.columns, self.buffers, self.gaps)
        self.columns, self.buffers, self.gaps = [], [], []
        return taken

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
                self._deliver(conversation, datagram.forward, data, length, &meta)
            self._close(conversation)

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
                self._deliver(conversation, forward, PyBytes_FromStringAndSize(<const char *>payload, stored), length, meta)
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
        self._close(conversation)
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
                self._close(conversation)
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
            self._deliver(conversation, forward, segment.data, segment.length, &segment.meta)
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
            self._gap(conversation, count)
            return
        if not half.missing:
            half.missed_at = meta[0]
        half.missing += count

    cdef _gap(self, _Conversation conversation, int64_t count):
        """A gap at the end of the open message; it grows the gap that is already there."""
        if conversation.gaps and conversation.gaps[-1][0] == conversation.stored:
            conversation.gaps[-1] = (conversation.stored, conversation.gaps[-1][1] + count)
        else:
            conversation.gaps.append((conversation.stored, count))
        conversation.size += count

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
        self._open(conversation, forward, meta)
        self._close(conversation)

    cdef _open(self, _Conversation conversation, bint forward, const _Meta *meta):
        """Begin a message in this direction; what is missing before it is its first gap."""
        cdef _Half half = conversation.client if forward else conversation.server
        self._close(conversation)
        conversation.is_open = True
        conversation.forward = forward
        conversation.meta = meta[0]
        conversation.pieces, conversation.gaps = [], []
        conversation.size = conversation.stored = 0
        conversation.last_ns = meta.time_ns
        if half.missing:
            self._gap(conversation, half.missing)
            half.missing = 0

    cdef _deliver(self, _Conversation conversation, bint forward, bytes data, uint32_t length, const _Meta *meta):
        """The next bytes of a direction: into the open message, or into a new one where direction or owner changes or the limit is met."""
        if not (conversation.is_open and conversation.forward == forward
                and conversation.meta.writer == meta.writer and conversation.meta.reader == meta.reader
                and conversation.size + length <= self.message_limit and self.total <= self.total_limit):
            self._open(conversation, forward, meta)
        conversation.meta.tcp_flags |= meta.tcp_flags
        conversation.last_ns = max(conversation.last_ns, meta.time_ns)
        if len(data):
            conversation.pieces.append(data)
            conversation.stored += len(data)
            self.total += len(data) + PIECE_COST
        conversation.size += len(data)
        if length > <uint32_t>len(data):
            self._gap(conversation, length - <uint32_t>len(data))

    cdef _close(self, _Conversation conversation):
        """The open message has ended."""
        cdef _Meta *meta = &conversation.meta
        if not conversation.is_open:
            return
        conversation.is_open = False
        self.total -= conversation.stored + PIECE_COST * len(conversation.pieces)
        self.columns.append((conversation.flow, conversation.forward, conversation.size, meta.number, meta.time_ns,
                             meta.writer, meta.reader, meta.writer_evidence, meta.reader_evidence, meta.direction,
                             meta.tcp_flags, meta.interface))
        self.buffers.append(conversation.pieces[0] if len(conversation.pieces) == 1 else b"".join(conversation.pieces))
        self.gaps.append(tuple(conversation.gaps))
        conversation.pieces = conversation.gaps = None

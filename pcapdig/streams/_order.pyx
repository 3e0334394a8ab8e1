# cython: language_level=3
"""Both directions of a connection in one order: sequence numbers within a direction, acknowledgements across them.

A segment was sent after everything it acknowledges had come. So a segment whose ACK covers bytes of the other direction that are not
delivered yet is held in its own direction, as one is that came before its turn: two taps whose clocks differ, a card with several queues
and the pseudo-device `any` all write an answer before its request. Most segments wait for nothing, and cost one comparison.

What never comes must not hold up the rest for long. A hole is given up, and counted as a gap, WAIT_NS of capture time after the receiver
was seen to have its bytes; what an acknowledgement waits for is waited for as long. Both are given up earlier when too much is held
behind them, and at the end of the connection. Two directions that wait for each other hold a retransmission whose first copy was not
captured, since only that acknowledges more than was known when its bytes were first sent. It is the later one, and goes first.

Sources: RFC 9293 sections 3.4 and 3.10.7.4; docs/decisions/0012.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from heapq import heapify, heappop, heappush

from pcapdig.streams._connections cimport (
    ACK, CERTAIN, FIN, GUESSED, RST, SYN, WINDOW_MAX, Connections, _Conversation, _Half, _Meta, _Need, _Segment, first_from,
    is_of_ended,
)
from pcapdig.streams._directions cimport (
    acknowledged, advance, begin, hint, is_begun, is_first, is_head_due, is_long, is_ready, limit_acked, may_begin,
    must_wait, waits,
)

from pcapdig.streams._messages cimport Outbox

cdef enum:
    HELD_SEGMENTS_MAX = 4096  # bounds what it costs to put one more between the held segments of one direction
    WAITING_MAX = 1 << 16  # connections that wait at a time; beyond it the one that waits longest waits no more
    SEGMENT_COST = 224  # bytes that a held segment takes beside its own: else many tiny ones would count as nothing


cdef class Sequencer(Outbox):
    """What an Outbox takes, and `hold_limit`: bytes held behind a hole in one direction; `total_limit`: bytes in memory over all flows."""

    def __init__(self, int64_t message_limit, int64_t hold_limit, int64_t total_limit, *args):
        super().__init__(message_limit, *args)
        self.hold_limit, self.total_limit = hold_limit, total_limit
        self.connections, self.waiting = Connections(), []

    cdef segment(self, _Conversation conversation, bint forward, uint32_t seq, uint32_t ack, uint8_t flags,
                 const uint8_t *payload, uint32_t stored, uint32_t length, const _Meta *meta):
        """One TCP segment: what it acknowledges first, then what it carries, then whether it ends something."""
        cdef _Half half = conversation.client if forward else conversation.server
        cdef _Half other = conversation.server if forward else conversation.client
        cdef _Need need
        cdef bint is_early = False
        need.is_given, need.ack = flags & ACK != 0, ack
        if other.anchor == GUESSED and flags & (ACK | RST) == ACK:
            hint(other, ack, flags & SYN != 0)
        if need.is_given and (not other.started or ack != other.next):
            if other.started and not flags & RST:
                acknowledged(other, ack, meta)
            is_early = must_wait(conversation, other, &need)
        if flags & SYN:
            conversation.has_syn = True
            seq += 1  # SYN takes the first sequence number: RFC 9293 section 3.4
            if may_begin(half, seq):
                half.started, half.anchor, half.next = True, CERTAIN, seq
        if half.finished and is_of_ended(seq, half.fin_seq) and (half.next == half.fin_seq or <int32_t>(seq - half.fin_seq) >= 0):
            length = 0
        if length:
            length = min(length, <uint32_t>WINDOW_MAX)  # keeps all positions within half the sequence space
            if not half.started:
                if not need.is_given:
                    hint(half, seq, False)  # nothing of this kind will say more
                begin(half, seq)
                is_early |= not is_begun(conversation, half)
            if half.held is None and seq == half.next and not is_early:
                self.deliver(conversation, forward, payload, stored, length, meta)
                advance(half, length)
            else:
                self._insert(half, seq, payload, stored, length, meta, &need)
                self._keep_hold_limits(conversation, half)
        elif not half.started and not flags & RST:
            hint(half, seq, False)
        if flags & RST and not conversation.is_reset:
            conversation.is_reset, conversation.reset_forward = True, forward
            conversation.reset_seq, conversation.reset_need, conversation.reset_at = seq, need, meta[0]
        elif flags & FIN and not flags & RST and not half.finished:
            half.finished, half.fin_seq, half.fin_need, half.fin_at = True, seq + length, need, meta[0]
            if half.is_acked_beyond:
                limit_acked(half)
        if half.held is not None or other.held is not None or half.finished or other.finished or conversation.is_reset:
            self._settle(conversation)

    cdef bint is_time_over(self, int64_t now_ns) noexcept:
        """Some connection may have waited long enough."""
        return len(self.waiting) != 0 and (is_long(now_ns, self.oldest_ns) or len(self.waiting) > WAITING_MAX)

    cdef give_up_overdue(self, int64_t now_ns):
        """End the waits that have lasted long enough, or are too many, in the order in which they began."""
        cdef _Conversation conversation
        cdef int64_t since_ns
        while self.waiting:
            since_ns, flow = self.waiting[0]
            if not is_long(now_ns, since_ns) and len(self.waiting) <= WAITING_MAX:
                self.oldest_ns = since_ns
                return
            heappop(self.waiting)
            conversation = self.connections.get(flow)
            if conversation is not None:
                conversation.is_queued = False
                while self._give_up_one(conversation, now_ns, len(self.waiting) >= WAITING_MAX):
                    self._deliver_ready(conversation)
                self._settle(conversation)

    cdef move_waiting(self, const int32_t[:] new):
        """Flows have new numbers, which are in the order of the old ones; those that went, -1, wait for nothing."""
        cdef list waiting = []
        for since_ns, flow in self.waiting:
            if new[<Py_ssize_t>flow] >= 0:
                waiting.append((since_ns, new[<Py_ssize_t>flow]))
        heapify(waiting)
        self.waiting = waiting
        if self.waiting:
            self.oldest_ns = self.waiting[0][0]

    cdef keep_limits(self):
        """Where too many connections are open, or too much of them is in memory, those that were used longest ago are open no more."""
        cdef int64_t most = self.total_limit
        cdef _Conversation conversation
        if self.total > most:
            most -= most // 8  # not one for each segment that comes
        while self.connections.open and (self.connections.open > OPEN_MAX or self.total > most):
            conversation = self.connections.least_used()
            if conversation.is_open or conversation.client.held is not None or conversation.server.held is not None:
                self.evicted += 1
            self.hand_out(conversation)

    cdef hand_out(self, _Conversation conversation):
        """What a conversation has and waits for is handed out, and it is open no more."""
        self.break_off(conversation, True, NULL)
        self.connections.close(conversation, 0)

    cdef break_off(self, _Conversation conversation, bint forward, const _Meta *meta):
        """End both directions where they stand: by an RST, sent by the client if `forward`, or, with `meta` NULL, at the end of the capture."""
        cdef _Half half
        cdef _Meta reset_at
        cdef bint side
        if meta == NULL and conversation.is_reset:
            forward, reset_at = conversation.reset_forward, conversation.reset_at
            meta = &reset_at
        conversation.is_reset = False
        self._deliver_ready(conversation)
        while self._give_up_one(conversation, 0, True):
            self._deliver_ready(conversation)
        self._end_if_finished(conversation, forward)
        self._end_if_finished(conversation, not forward)
        for side in (True, False):
            half = conversation.client if side else conversation.server
            # One byte beyond may be a FIN that was not captured: no proof of a missing byte.
            if half.is_acked_beyond and <int32_t>(half.acked - half.next) > (0 if half.finished else 1):
                self._miss(conversation, side, half.acked - half.next, &half.acked_at)
            half.is_acked_beyond = False
        if meta != NULL and conversation.is_open and conversation.forward == forward:
            conversation.meta.tcp_flags |= RST
        self.close(conversation)
        self._lost(conversation, forward, meta)
        self._lost(conversation, not forward, NULL)

    cdef _insert(self, _Half half, uint32_t seq, const uint8_t *payload, uint32_t stored, uint32_t length, const _Meta *meta,
                 const _Need *need):
        """Hold those bytes of a segment that are neither delivered nor held."""
        cdef _Segment held
        cdef Py_ssize_t at
        cdef uint32_t begin, end, until
        # Positions count from half.next, so that wrap-around cannot confuse their order.
        cdef int32_t ahead = <int32_t>(seq - half.next)
        if ahead < 0 and half.anchor != CERTAIN:
            half.next, ahead = seq, 0  # the direction begins earlier than it seemed
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
                self._hold(
                    half, at, half.next + begin, payload, stored, <uint32_t>(<int64_t>begin - ahead), until - begin, meta, need
                )
                at += 1
            if at >= len(half.held):
                break
            held = <_Segment>half.held[at]
            begin = max(until, held.seq - half.next + held.length)
            at += 1

    cdef _hold(self, _Half half, Py_ssize_t at, uint32_t seq, const uint8_t *payload, uint32_t stored, uint32_t skip, uint32_t length,
               const _Meta *meta, const _Need *need):
        """Keep `length` bytes of a payload from `skip` on, as far as they were captured."""
        cdef _Segment segment = _Segment()
        cdef uint32_t kept = 0
        if stored > skip:
            kept = min(stored - skip, length)
        segment.seq = seq
        segment.length = length
        segment.data = PyBytes_FromStringAndSize(<const char *>payload + skip, kept) if kept else b""
        segment.meta, segment.need = meta[0], need[0]
        segment.is_acked = half.is_acked_beyond and <int32_t>(half.acked - seq) >= 0
        segment.acked_ns = meta.time_ns
        half.held.insert(at, segment)
        half.held_bytes += kept
        self.total += kept + SEGMENT_COST

    cdef _keep_hold_limits(self, _Conversation conversation, _Half half):
        """Where too much is held in a direction, what it waits for is given up."""
        if not half.held:
            half.held = None  # nothing of it was new
            return
        self._deliver_ready(conversation)
        while half.held is not None and (half.held_bytes > self.hold_limit or len(half.held) > HELD_SEGMENTS_MAX):
            self._give_up_before_held(conversation, half is conversation.client)
            self._deliver_ready(conversation)

    cdef _settle(self, _Conversation conversation):
        """Do what can be done of what waits, and see to it that the rest is looked at when its time is over."""
        cdef _Half client = conversation.client, server = conversation.server, half
        cdef _Meta meta
        self._deliver_ready(conversation)
        self._end_if_finished(conversation, True)
        self._end_if_finished(conversation, False)
        if conversation.is_reset and client.held is None and server.held is None:
            half = client if conversation.reset_forward else server
            if not half.started or <int32_t>(conversation.reset_seq - half.next) <= 0:
                if not must_wait(conversation, server if conversation.reset_forward else client, &conversation.reset_need):
                    meta = conversation.reset_at
                    self.break_off(conversation, conversation.reset_forward, &meta)
                    return
        if client.finished and server.finished:
            if self.connections.forget_if_over(conversation):
                return
        if not conversation.is_queued:
            self._queue(conversation)

    cdef _deliver_ready(self, _Conversation conversation):
        """Deliver what is held and in order, of both directions in the order of the capture where neither waits for the other."""
        cdef _Half client = conversation.client, server = conversation.server
        cdef bint client_ready, server_ready
        while client.held is not None or server.held is not None:
            client_ready = is_ready(conversation, client, server)
            server_ready = is_ready(conversation, server, client)
            if not client_ready and not server_ready:
                if not (is_head_due(conversation, client) and is_head_due(conversation, server)):
                    return
                # Each waits for the other: the later one is a retransmission, see above.
                if (<_Segment>client.held[0]).meta.number > (<_Segment>server.held[0]).meta.number:
                    (<_Segment>client.held[0]).need.is_given = False
                else:
                    (<_Segment>server.held[0]).need.is_given = False
            elif client_ready and server_ready:
                self._drain(conversation, (<_Segment>client.held[0]).meta.number <= (<_Segment>server.held[0]).meta.number)
            else:
                self._drain(conversation, client_ready)

    cdef _drain(self, _Conversation conversation, bint forward):
        """Deliver the held segments of one direction from the first on, until one must wait or one of the other direction is older."""
        cdef _Half half = conversation.client if forward else conversation.server
        cdef _Half other = conversation.server if forward else conversation.client
        cdef Py_ssize_t count = 0
        cdef _Segment segment
        while count < len(half.held):
            segment = <_Segment>half.held[count]
            if segment.seq != half.next or must_wait(conversation, other, &segment.need):
                break
            if count and is_ready(conversation, other, half) and (<_Segment>other.held[0]).meta.number < segment.meta.number:
                break
            half.held_bytes -= len(segment.data)
            self.total -= len(segment.data) + SEGMENT_COST
            self.deliver_bytes(conversation, forward, segment.data, segment.length, &segment.meta)
            advance(half, segment.length)
            count += 1
        if count == len(half.held):
            half.held = None
        else:
            del half.held[:count]

    cdef _end_if_finished(self, _Conversation conversation, bint forward):
        """End a direction when all before its FIN is here, and all of the other direction that came before the FIN."""
        cdef _Half half = conversation.client if forward else conversation.server
        cdef _Half other = conversation.server if forward else conversation.client
        if not half.finished or not half.started or half.next != half.fin_seq or must_wait(conversation, other, &half.fin_need):
            return
        if conversation.is_open and conversation.forward == forward:
            conversation.meta.tcp_flags |= FIN
            self.close(conversation)
        self._lost(conversation, forward, &half.fin_at)

    cdef _queue(self, _Conversation conversation):
        """If a connection waits, remember when that is over."""
        cdef int64_t since_ns, of_server_ns
        cdef bint is_waiting = waits(conversation, conversation.client, conversation.server, &since_ns)
        if waits(conversation, conversation.server, conversation.client, &of_server_ns):
            since_ns = min(since_ns, of_server_ns) if is_waiting else of_server_ns
            is_waiting = True
        if conversation.is_reset:
            since_ns = min(since_ns, conversation.reset_at.time_ns) if is_waiting else conversation.reset_at.time_ns
            is_waiting = True
        if not is_waiting:
            return
        conversation.is_queued = True
        heappush(self.waiting, (since_ns, conversation.flow))
        self.oldest_ns = self.waiting[0][0]

    cdef bint _give_up_one(self, _Conversation conversation, int64_t now_ns, bint all_of_it) except -1:
        """Give up the thing that has been waited for longest, if for long enough, or `all_of_it`. False: there is none."""
        cdef _Half client = conversation.client, server = conversation.server, half
        cdef int64_t client_ns = 0, server_ns = 0
        cdef bint client_waits = waits(conversation, client, server, &client_ns)
        cdef bint server_waits = waits(conversation, server, client, &server_ns)
        cdef bint forward
        cdef _Meta meta
        if all_of_it:
            client_waits, server_waits = client_waits or client.held is not None, server_waits or server.held is not None
        else:
            client_waits, server_waits = client_waits and is_long(now_ns, client_ns), server_waits and is_long(now_ns, server_ns)
        if client_waits or server_waits:
            forward = client_waits and not (server_waits and is_first(conversation, server, client, server_ns, client_ns))
            half = client if forward else server
            if half.held is not None:
                self._give_up_before_held(conversation, forward)
            elif not half.started:
                half.started, half.anchor, half.next = True, CERTAIN, half.fin_seq
            elif half.next != half.fin_seq:
                self._miss(conversation, forward, half.fin_seq - half.next, &half.acked_at)
            else:
                half.fin_need.is_given = False
            return True
        if conversation.is_reset and (all_of_it or is_long(now_ns, conversation.reset_at.time_ns)):
            meta = conversation.reset_at
            self.break_off(conversation, conversation.reset_forward, &meta)
            return True
        return False

    cdef _give_up_before_held(self, _Conversation conversation, bint forward):
        """Give up what the first held segment of a direction waits for: the hole before it, or bytes of the other direction."""
        cdef _Half half = conversation.client if forward else conversation.server
        cdef _Half other = conversation.server if forward else conversation.client
        cdef _Segment head = <_Segment>half.held[0], first
        if head.seq != half.next:
            self._miss(conversation, forward, head.seq - half.next, &head.meta)
        elif not other.started or not is_begun(conversation, half):
            conversation.is_alone = True
        elif other.held is not None and <int32_t>((<_Segment>other.held[0]).seq - head.need.ack) < 0:
            first = <_Segment>other.held[0]
            self._miss(conversation, not forward, first.seq - other.next, &first.meta)
        else:
            other.is_conceded, other.conceded = True, head.need.ack

    cdef _miss(self, _Conversation conversation, bint forward, uint32_t count, const _Meta *meta):
        """`count` bytes will never come."""
        cdef _Half half = conversation.client if forward else conversation.server
        cdef bint is_beginning = half.anchor == GUESSED and not conversation.has_syn
        advance(half, count)
        if is_beginning:
            return  # what was sent before the capture is not missing in it
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

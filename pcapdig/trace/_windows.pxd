"""What the receiver of a TCP segment would make of it: the rules of windows, as far as a capture lets them be applied.

Sources: RFC 9293 sections 3.4, 3.5.3 and 3.10.7, RFC 5961 sections 3 to 5. A capture is not a receiver: it loses packets, begins under
way, sees one direction alone, or an ACK before its data. So each rule has a margin of one window, the largest that was offered,
beyond the highest number seen; nothing is judged before the numbers of both directions are known; and whoever goes on sending
did not end the connection. `next` of a stream stands for SND.NXT, `acked` for SND.UNA, both as far as they were captured.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from pcapdig.packets._headers cimport NO_SCALE, PacketHeaders
from pcapdig.trace._clock cimport within
from pcapdig.trace._flow_state cimport (
    ACK, ANSWERED, FIN, HAS_ACKED, HAS_ENDED, HAS_FIN, HAS_MORE, HAS_OTHER, HAS_RST, IS_JUDGED, IS_SETTLED, ISN_KNOWN, RST, SYN, FlowState,
)
from pcapdig.trace._sequence cimport Stream, begin_at, forget, leap

cdef enum Fit:  # of a segment to a flow, the better the higher
    OUTSIDE = 0
    UNJUDGED = 1  # nothing says whether it fits
    REPEATED = 2  # it was sent before: a duplicate
    INSIDE = 3
    EXACT = 4  # what comes next

cdef enum:
    FIRST_WINDOW = 65535  # the most that a SYN can offer: its window is not scaled (RFC 7323 section 2.2)
    UNKNOWN_WINDOW = 1 << 24  # where the scale was not captured
    UNKNOWN_SCALE = 8
    MOST_SHIFT = 14
    LONG_AGO = 1 << 30  # a number further behind is no repetition in a stream of more than 4 GiB

cdef enum:
    REORDER_NS = 1000000  # an ACK this soon after its sender's RST may have been sent before it: a card's queues are not read in order
    QUEUES_NS = 5000000  # and one this soon after the end before that


cdef inline void begin_windows(FlowState *s, bint by_syn) noexcept nogil:
    """Before anything was offered."""
    s.window[0] = s.window[1] = FIRST_WINDOW if by_syn else UNKNOWN_WINDOW
    s.scale[0] = s.scale[1] = UNKNOWN_SCALE


cdef inline int where(const FlowState *s, int side, uint32_t number) noexcept nogil:
    """Where a number lies in a direction: INSIDE is at most a window from the highest one seen, REPEATED further back."""
    cdef const Stream *stream = &s.stream[side]
    cdef uint32_t top, behind
    cdef bint is_first_round
    if stream.next != 0:
        top = <uint32_t> stream.next
    elif s.flags & (ISN_KNOWN << side):
        top = s.isn[side] + 1
    else:
        return UNJUDGED
    if s.flags & (HAS_ACKED << side) and <int32_t> (s.acked[side] - top) > 0:
        top = s.acked[side]  # what was acknowledged was sent: the capture lost it, or has its packets later
    if <int32_t> (number - top) > 0:
        return INSIDE if number - top <= s.window[side] else UNJUDGED if stream.next == 0 else OUTSIDE
    behind = top - number
    if s.flags & (ISN_KNOWN << side):
        is_first_round = stream.next < (<uint64_t> 1 << 33) + s.isn[side]
        if behind > top - s.isn[side] if is_first_round else behind > LONG_AGO:
            return OUTSIDE  # before the SYN
        return INSIDE if behind <= s.window[side] else REPEATED
    if behind <= s.window[side]:
        return INSIDE
    return REPEATED if stream.next - behind + s.window[side] >= stream.low else OUTSIDE


cdef inline bint fits_other(const FlowState *s, uint32_t number) noexcept nogil:
    """Does a number follow the other one of two SYN+ACKs, of which the client took neither yet?"""
    return (s.flags & (HAS_OTHER | IS_SETTLED)) == HAS_OTHER and number - s.other_isn - 1 <= FIRST_WINDOW


cdef inline int fit_of_reset(const FlowState *s, const PacketHeaders *h, int side) noexcept nogil:
    """RFC 9293 section 3.5.3: by its number alone, or of an answer to a SYN by what it acknowledges."""
    cdef const Stream *stream = &s.stream[side]
    cdef uint32_t top, bottom
    if stream.next == 0 and not s.flags & (ISN_KNOWN << side):
        if not s.flags & (ISN_KNOWN << (1 - side)):
            return UNJUDGED
        top = <uint32_t> s.stream[1 - side].next if s.stream[1 - side].next != 0 else s.isn[1 - side] + 1
        return INSIDE if h.tcp_flags & ACK and h.ack - s.isn[1 - side] - 1 < top - s.isn[1 - side] else OUTSIDE
    top = <uint32_t> stream.next if stream.next != 0 else s.isn[side] + 1
    if (h.seq == top or (s.flags & (HAS_ACKED << side) and h.seq == s.acked[side])
            or (s.flags & (HAS_RST << side) and h.seq == s.reset[side])):
        return EXACT
    if s.flags & (ISN_KNOWN << side) and not s.flags & (ISN_KNOWN << (1 - side)) and h.seq == s.isn[side]:
        return EXACT  # whoever gave up waiting for an answer to its SYN resets from where it began, as Android does
    if not s.flags & (IS_JUDGED | ISN_KNOWN << side):
        return UNJUDGED
    bottom = s.isn[side] + 1 if s.flags & (ISN_KNOWN << side) else top
    if s.flags & (HAS_ACKED << side) and <int32_t> (s.acked[side] - top) < 0:
        bottom = s.acked[side]
    if h.seq - bottom <= top - bottom + s.window[side]:
        return INSIDE
    return UNJUDGED if s.stream[1 - side].next == 0 and <int32_t> (h.seq - top) > 0 else OUTSIDE


cdef inline int fit(const FlowState *s, const PacketHeaders *h, int side) noexcept nogil:
    """How well a segment without SYN fits into a flow, if its sender is that end."""
    cdef uint32_t top, top_acked, stop = h.seq + h.payload_length
    cdef int seq, ack
    if h.tcp_flags & RST:
        return fit_of_reset(s, h, side)
    if not s.flags & (IS_JUDGED | ISN_KNOWN | ISN_KNOWN << 1) or (h.tcp_flags == 0 and h.payload_length == 0):
        return UNJUDGED  # or its header was cut
    top = <uint32_t> s.stream[side].next
    seq = where(s, side, h.seq)
    if seq == OUTSIDE:
        if side == 1 and fits_other(s, h.seq):
            seq = INSIDE
        elif s.stream[1 - side].next == 0 and <int32_t> (h.seq - top) > 0:
            seq = UNJUDGED  # one direction alone: nobody offered a window, or acknowledged what the capture lost
        else:
            return OUTSIDE
    if not h.tcp_flags & ACK:
        return OUTSIDE if s.flags & IS_JUDGED else seq
    ack = where(s, 1 - side, h.ack)
    if ack == OUTSIDE and side == 0 and (fits_other(s, h.ack) or (s.flags & (HAS_MORE | IS_SETTLED)) == HAS_MORE):
        ack = INSIDE
    top_acked = s.acked[1 - side] if s.flags & (HAS_ACKED << (1 - side)) else s.isn[1 - side]
    if ack == OUTSIDE and top_acked - h.ack <= s.window[1 - side]:
        ack = INSIDE  # RFC 5961 section 5.2: an old ACK, be it from before the SYN
    if ack == OUTSIDE:
        return OUTSIDE
    if seq == UNJUDGED:
        return INSIDE if ack == INSIDE and s.stream[side].next == 0 else UNJUDGED
    if (h.tcp_flags & FIN and s.stream[side].next != 0 and <int32_t> (stop - top) < 0
            and not (s.flags & (HAS_FIN << side) and stop + 1 == s.fin[side])):
        return OUTSIDE  # its sender sent more than this would be the end of
    if seq == REPEATED:
        return REPEATED
    if ack == REPEATED:
        return OUTSIDE if h.payload_length != 0 and <int32_t> (stop - top) > 0 else REPEATED
    return EXACT if h.seq == top else INSIDE


cdef inline void settle(FlowState *s, const PacketHeaders *h, int side) noexcept nogil:
    """Among several SYN+ACKs with different numbers, the one that the client acknowledges counts. What the server sends may say it before."""
    cdef uint32_t number = h.ack if side == 0 else h.seq
    if s.flags & HAS_OTHER and number - s.isn[1] - 1 > FIRST_WINDOW:
        if number - s.other_isn - 1 <= FIRST_WINDOW:
            s.isn[1], s.other_isn = s.other_isn, s.isn[1]
        elif side == 0 and s.flags & HAS_MORE:
            s.isn[1] = number - 1
        else:
            return
        begin_at(&s.stream[1], s.isn[1] + 1)
    if side == 0:
        s.flags |= IS_SETTLED


cdef inline void learn(FlowState *s, const PacketHeaders *h, int side) noexcept nogil:
    """What a segment that is accepted says of a connection whose numbers are not all known yet."""
    cdef int d
    if s.flags & ANSWERED and not h.tcp_flags & (SYN | RST) and h.tcp_flags & ACK and not s.flags & IS_SETTLED:
        settle(s, h, side)
    if s.flags & (ISN_KNOWN | ISN_KNOWN << 1) == (ISN_KNOWN | ISN_KNOWN << 1):
        if s.flags & IS_SETTLED:
            s.flags |= IS_JUDGED
        return
    if not h.tcp_flags & SYN and s.flags & (ISN_KNOWN << (1 - side)) and s.window[0] < UNKNOWN_WINDOW:
        s.window[0] = s.window[1] = UNKNOWN_WINDOW  # the SYN+ACK was not captured, nor a scale
        s.scale[0] = s.scale[1] = UNKNOWN_SCALE
    for d in range(2):
        if s.stream[d].next == 0 or not s.flags & (HAS_ACKED << d):
            return
        if s.acked[d] - <uint32_t> s.stream[d].next + s.window[d] > 2 * s.window[d]:
            return
    s.flags |= IS_JUDGED


cdef inline void note_offer(FlowState *s, const PacketHeaders *h, int side) noexcept nogil:
    """What an accepted segment acknowledges, and the window that it offers."""
    cdef int other = 1 - side
    cdef uint32_t offered = h.window
    if not h.tcp_flags & SYN:
        offered <<= s.scale[side] if s.scale[side] <= MOST_SHIFT else 0
    if not s.flags & IS_JUDGED or not s.flags & (HAS_ACKED << other) or <int32_t> (h.ack - s.acked[other]) > 0:
        s.acked[other] = h.ack
        s.flags |= HAS_ACKED << other
    if offered > s.window[other]:
        s.window[other] = offered


cdef inline void note_scale(FlowState *s, const PacketHeaders *h, int side) noexcept nogil:
    """A SYN's window, and its scale: windows are scaled where both SYNs say so (RFC 7323 section 2.2)."""
    s.scale[side] = h.window_scale
    s.window[1 - side] = h.window
    if not h.tcp_flags & ACK:
        return
    if s.scale[0] > MOST_SHIFT or s.scale[1] > MOST_SHIFT:
        if s.scale[0] == NO_SCALE or s.scale[1] == NO_SCALE:
            s.scale[0] = s.scale[1] = 0
        else:
            begin_windows(s, False)


cdef inline bint is_over(const FlowState *s) noexcept nogil:
    """Did both ends send a FIN, or one a RST?"""
    return s.flags & (HAS_RST | HAS_RST << 1) != 0 or s.flags & (HAS_FIN | HAS_FIN << 1) == (HAS_FIN | HAS_FIN << 1)


cdef inline void note_end(FlowState *s, const PacketHeaders *h, int side, int64_t time_ns) noexcept nogil:
    """A FIN or RST that is accepted."""
    if h.tcp_flags & FIN:
        s.flags |= HAS_FIN << side
        s.fin[side] = h.seq + h.payload_length + 1
    if h.tcp_flags & RST and not s.flags & (HAS_RST << side):
        s.flags |= HAS_RST << side
        s.reset[side] = h.seq
        s.rst_ns = time_ns
    if not s.flags & HAS_ENDED and is_over(s):
        s.flags |= HAS_ENDED
        s.ended_ns = time_ns


cdef inline void note_going_on(FlowState *s, const PacketHeaders *h, int side, int64_t time_ns) noexcept nogil:
    """A segment without RST of an end that had sent FIN or RST, if the capture is right: whoever sends more did not."""
    cdef uint32_t stop = h.seq + h.payload_length
    cdef bint is_more
    if s.flags & (HAS_RST << side):
        is_more = (h.payload_length != 0 or h.tcp_flags & FIN) and <int32_t> (stop + (h.tcp_flags & FIN) - s.reset[side]) > 0
        if not is_more and h.tcp_flags & ACK and s.flags & (HAS_ACKED << (1 - side)):
            is_more = <int32_t> (h.ack - s.acked[1 - side]) > 0 and time_ns > s.rst_ns and not within(time_ns, s.rst_ns, REORDER_NS)
        if not is_more and <int32_t> (stop + (h.tcp_flags & FIN) - <uint32_t> s.stream[side].next) > 0:
            # New data below its number: the RST was ahead of all that was sent, which a receiver only challenges (RFC 5961 section 3.2).
            is_more = time_ns > s.rst_ns and not within(time_ns, s.rst_ns, REORDER_NS)
        if is_more:
            s.flags &= ~<uint32_t> (HAS_RST << side)
    if (s.flags & (HAS_FIN << side) and h.payload_length != 0 and <int32_t> (stop - s.fin[side]) >= 0
            and not (h.payload_length == 1 and stop == s.fin[side])):  # a keep-alive after the FIN
        s.flags &= ~<uint32_t> (HAS_FIN << side)
        if <uint32_t> s.stream[side].next == s.fin[side]:
            s.stream[side].next -= 1  # the FIN's own number is a byte's
    if s.flags & HAS_ENDED and not is_over(s):
        s.flags &= ~<uint32_t> HAS_ENDED


cdef inline bint is_keep_alive(const FlowState *s, const PacketHeaders *h, int side) noexcept nogil:
    """One byte of garbage before all that is acknowledged: RFC 9293 section 3.8.4, RFC 1122 section 4.2.3.6."""
    cdef const Stream *stream = &s.stream[side]
    if h.payload_length != 1 or h.tcp_flags & (SYN | FIN | RST) or stream.next == 0 or h.seq + 1 != <uint32_t> stream.next:
        return False
    return stream.low == stream.next or (s.flags & (HAS_ACKED << side) and s.acked[side] == <uint32_t> stream.next)


cdef inline bint is_late(const FlowState *s, const PacketHeaders *h, int side, int64_t time_ns, uint64_t skew_ns) noexcept nogil:
    """Is a segment of a connection that a newer one replaced sent again after its end? Nobody takes it. The copies of a second tap, whose
    clock differs, may come then too.
    """
    cdef uint32_t stop = h.seq + h.payload_length + (h.tcp_flags & FIN)
    if not s.flags & HAS_ENDED or <int32_t> (stop - <uint32_t> s.stream[side].next) > 0:
        return False
    if s.place_count != 1:
        return not within(time_ns, s.ended_ns, skew_ns)
    return stop != h.seq or (time_ns > s.ended_ns and not within(time_ns, s.ended_ns, QUEUES_NS))


cdef inline bint precedes(const FlowState *s, int side, uint32_t seq, bint is_soon) noexcept nogil:
    """Is a SYN just before the lowest number seen of its end? Then it was overtaken: a card's queues are not read in order. Soon after the
    flow's first packet the lowest one may still come, so a SYN not far before is its own too.
    """
    cdef uint32_t missing = <uint32_t> s.stream[side].low - seq - 1
    return s.stream[side].low != 0 and (missing == 0 or (is_soon and missing <= FIRST_WINDOW))

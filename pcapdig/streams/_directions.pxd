"""One direction of a connection beside the other: where it begins, what it waits for and how long. See `_order.pyx`."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from pcapdig.streams._connections cimport (
    ANSWERED, CERTAIN, GUESSED, WINDOW_MAX, _Conversation, _Half, _Meta, _Need, _Segment, first_from,
)

cdef enum:
    WAIT_NS = 150_000_000  # clocks that differ by 50 ms put 100 ms between two taps' copies at most; half as much again is margin
    HINT_MAX = 1 << 16  # bytes before the first data of a direction that are waited for: a window without scaling


cdef inline bint is_long(int64_t now_ns, int64_t since_ns) noexcept:
    """More than WAIT_NS lies between two times. A clock that was set back by as much is no reason to wait for ever."""
    return <uint64_t>now_ns - <uint64_t>since_ns + WAIT_NS > <uint64_t>(2 * WAIT_NS)


cdef inline bint must_wait(_Conversation conversation, _Half other, const _Need *need) noexcept:
    """Does a segment acknowledge bytes of the other direction that are not delivered, and may still come?"""
    cdef uint32_t ack = need.ack
    cdef int32_t ahead
    if not need.is_given:
        return False
    if not other.started:
        return not conversation.is_alone
    if other.finished and <int32_t>(ack - other.fin_seq) > 0:
        ack = other.fin_seq  # FIN takes a sequence number, but is no byte
    ahead = <int32_t>(ack - other.next)
    if ahead <= 0 or ahead > WINDOW_MAX:
        return False
    return not (other.is_conceded and <int32_t>(ack - other.conceded) <= 0)


cdef inline bint is_begun(_Conversation conversation, _Half half) noexcept:
    """Is there reason to believe that a direction begins where it seems to?"""
    return half.anchor != GUESSED or half.is_hinted or conversation.is_alone


cdef inline bint is_head_due(_Conversation conversation, _Half half) noexcept:
    """The first held segment has no hole before it."""
    return half.held is not None and (<_Segment>half.held[0]).seq == half.next and is_begun(conversation, half)


cdef inline bint is_ready(_Conversation conversation, _Half half, _Half other) noexcept:
    """The first held segment can be delivered."""
    return is_head_due(conversation, half) and not must_wait(conversation, other, &(<_Segment>half.held[0]).need)


cdef inline void limit_acked(_Half half) noexcept:
    """What is acknowledged ends at the FIN, which is no byte, and says nothing once all of it is here."""
    if half.finished and <int32_t>(half.acked - half.fin_seq) > 0:
        half.acked = half.fin_seq
    if <int32_t>(half.acked - half.next) <= 0:
        half.is_acked_beyond = False


cdef inline void advance(_Half half, uint32_t count) noexcept:
    """`count` more bytes of a direction are delivered or given up."""
    half.next += count
    half.anchor = CERTAIN
    if half.is_acked_beyond:
        limit_acked(half)


cdef inline void hint(_Half half, uint32_t number, bint is_sure) noexcept:
    """A packet names a number of a direction of which no byte was delivered: it may begin there. `is_sure`: it does, says a SYN+ACK."""
    if not half.is_hinted or <int32_t>(number - half.hint) < 0:
        half.is_hinted, half.hint = True, number
    if half.started and (is_sure or <uint32_t>(half.next - number) < HINT_MAX) and <int32_t>(half.next - number) >= 0:
        half.next = number
    if is_sure and (not half.started or half.next == number):
        half.started, half.anchor, half.next = True, ANSWERED, number


cdef inline bint may_begin(_Half half, uint32_t seq) noexcept:
    """Can a direction begin at the number that its SYN says? Not behind what was seen of it."""
    if not half.started:
        return True
    if half.anchor == CERTAIN:
        return False
    return <int32_t>(half.next - seq) >= 0 or half.held is None and not half.is_acked_beyond and not half.finished


cdef inline void begin(_Half half, uint32_t seq) noexcept:
    """A direction begins with this data, or, if not too far before it, with the number that was named before."""
    half.started, half.next = True, seq
    if half.is_hinted and <uint32_t>(seq - half.hint) < HINT_MAX:
        half.next = half.hint


cdef inline acknowledged(_Half half, uint32_t ack, const _Meta *meta):
    """The receiver of a direction says that it has everything before `ack`."""
    cdef _Segment segment
    cdef Py_ssize_t at
    cdef int32_t ahead
    if half.finished and <int32_t>(ack - half.fin_seq) > 0:
        ack = half.fin_seq
    ahead = <int32_t>(ack - half.next)
    if ahead <= 0 or ahead > WINDOW_MAX:
        return
    if half.is_acked_beyond and <int32_t>(ack - half.acked) <= 0:
        return
    half.is_acked_beyond, half.acked, half.acked_at = True, ack, meta[0]
    if half.held is None:
        return
    at = first_from(half, <uint32_t>ahead + 1)
    while at > 0:
        at -= 1
        segment = <_Segment>half.held[at]
        if segment.is_acked:
            return  # and so are those before it
        segment.is_acked, segment.acked_ns = True, meta.time_ns


cdef inline bint waits(_Conversation conversation, _Half half, _Half other, int64_t *since_ns) noexcept:
    """Does a direction wait for something that can be given up, and since when?"""
    cdef _Segment head
    if half.held is not None:
        head = <_Segment>half.held[0]
        since_ns[0] = head.acked_ns
        if head.seq == half.next or half.anchor == GUESSED:
            since_ns[0] = head.meta.time_ns
            return True
        return head.is_acked
    if not half.finished:
        return False
    if half.started and half.next != half.fin_seq:
        since_ns[0] = half.acked_at.time_ns
        return half.is_acked_beyond and half.acked == half.fin_seq
    since_ns[0] = half.fin_at.time_ns
    return not half.started or must_wait(conversation, other, &half.fin_need)


cdef inline bint is_first(_Conversation conversation, _Half half, _Half other, int64_t half_ns, int64_t other_ns) noexcept:
    """Both directions have waited long enough: does this one go on? It does not if its next segment waits for the other."""
    cdef bint half_waits = half.held is not None and must_wait(conversation, other, &(<_Segment>half.held[0]).need)
    cdef bint other_waits = other.held is not None and must_wait(conversation, half, &(<_Segment>other.held[0]).need)
    return half_ns < other_ns if half_waits == other_waits else other_waits

"""Connections that go on elsewhere: what a capture lost, distinguished from what somebody injected.

A segment far outside the windows is either not of this connection, or the capture lost so much that its numbers look strange. The
capture's own later packets say which: where data lies at the new numbers and an ACK of the other end reaches it, both ends agree on them. One
end alone is believed when it says so often and nothing comes from it at the old numbers: soon where only what it
acknowledges is strange, as its own numbers prove that it knows the connection, late where those are.
"""

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t

from pcapdig.packets._headers cimport PacketHeaders
from pcapdig.trace._flow_state cimport ACK, FIN, HAS_CLAIM, FlowState
from pcapdig.trace._sequence cimport leap
from pcapdig.trace._windows cimport FIRST_WINDOW, OUTSIDE, where

cdef enum:
    CLAIM_SLOTS = 1024  # flows with claims at one time; one more takes another one's place

cdef enum:
    ENOUGH_IN_PLACE = 3  # segments in a row of one end, its own numbers being right
    ENOUGH_ELSEWHERE = 24  # or not

cdef struct Claimed:  # the newest segments of one end that do not fit
    int32_t flow
    uint32_t start  # of the first of them
    uint32_t stop  # behind the furthest
    uint32_t ack
    uint16_t count
    uint8_t side
    uint8_t has_data


cdef inline bint is_near(uint32_t number, uint32_t start, uint32_t stop, uint32_t window) noexcept nogil:
    """Is a number at most a window away from a range?"""
    return number - start + window <= stop - start + 2 * window


cdef inline uint32_t length_of(const PacketHeaders *h) noexcept nogil:
    """SEG.LEN of RFC 9293 section 3.4: a FIN takes a number as a byte does, and is all that a capture of SYN, FIN and RST alone has."""
    return h.payload_length + (h.tcp_flags & FIN)


cdef inline bint agree(const Claimed *c, const PacketHeaders *h, uint32_t window) noexcept nogil:
    """Does a segment of the other end acknowledge what is claimed, and the claim what it sends, one of them with data or a FIN there or
    right behind? Without either both are to be the very next numbers.
    """
    cdef uint32_t stop = h.seq + length_of(h)
    if c.ack == h.seq and h.ack == c.stop:
        return True
    if not is_near(c.ack, h.seq, stop, window) or not is_near(h.ack, c.start, c.stop, window):
        return False
    return (c.has_data and <int32_t> (h.ack - c.start) >= 0) or (stop != h.seq and <int32_t> (c.ack - h.seq) >= 0)


cdef inline bint claim(Claimed *c, FlowState *s, int32_t flow, const PacketHeaders *h, int side) noexcept nogil:
    """Take note of a segment outside the windows. True: the connection goes on there, and its streams were brought there."""
    cdef uint32_t window = max(<uint32_t> FIRST_WINDOW, max(s.window[0], s.window[1]))
    cdef uint32_t length = length_of(h)
    cdef uint32_t stop = h.seq + length
    cdef uint32_t other
    if not h.tcp_flags & ACK:
        return False
    if c.flow == flow and s.flags & HAS_CLAIM and c.side != side and agree(c, h, window):
        other = c.start
    else:
        if (c.flow != flow or not s.flags & HAS_CLAIM or c.side != side
                or not is_near(h.seq, c.start, c.stop, window) or not is_near(h.ack, c.ack, c.ack, window)):
            c.flow, c.side, c.count, c.has_data = flow, <uint8_t> side, 0, False
            c.start = c.stop = h.seq
        c.count += 1
        c.ack = h.ack
        c.has_data |= length != 0
        if <int32_t> (stop - c.stop) > 0:
            c.stop = stop
        s.flags |= HAS_CLAIM
        if c.count < ENOUGH_IN_PLACE or not c.has_data or (c.count < ENOUGH_ELSEWHERE and where(s, side, c.start) == OUTSIDE):
            return False
        other = h.ack
    if where(s, side, h.seq) == OUTSIDE:
        leap(&s.stream[side], c.start if c.side == side else h.seq)
    if where(s, 1 - side, h.ack) == OUTSIDE:
        leap(&s.stream[1 - side], other)
    s.acked[1 - side] = h.ack
    s.acked[side] = c.ack if c.side != side else <uint32_t> s.stream[side].next
    s.flags &= ~<uint32_t> HAS_CLAIM
    return True

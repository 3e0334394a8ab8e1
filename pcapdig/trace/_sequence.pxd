"""Exact accounting of TCP sequence numbers in one direction: which payload bytes were not seen before.

Sequence numbers are unwrapped to 64 bits around the highest one seen, so that a stream of any length has one number a byte.

        low            hole              next
    ....|==============|....|============|
        seen           missing           nothing yet

Below `low` lies what was sent before the capture began; 0 where the SYN was seen, since nothing precedes that. Bytes there count
when they come (a segment overtaken by a later one, or sent again), for this capture has not seen them.
"""

from libc.stdint cimport int32_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memmove

cdef enum:
    # Missing ranges remembered in one direction. Beyond that the oldest is forgotten: if it is filled later, that counts 0.
    # More would only serve a capture that lost so much that its byte counts are wrong anyway; 256 cost 4 KiB.
    MOST_HOLES = 256

cdef struct Hole:
    uint64_t start
    uint64_t stop

cdef struct Stream:
    uint64_t next  # one past the highest byte seen; 0 before the first packet
    uint64_t low
    Hole *holes  # ascending, disjoint, all between low and next
    uint16_t count
    uint16_t room


cdef inline uint64_t unwrapped(const Stream *stream, uint32_t seq) noexcept nogil:
    """The 64-bit number of `seq`: the one nearest to what was seen last."""
    if stream.next == 0:
        return (<uint64_t> 1 << 32) + seq
    return stream.next + <uint64_t> (<int32_t> (seq - <uint32_t> stream.next))


cdef inline void insert_hole(Stream *stream, uint16_t at, uint64_t start, uint64_t stop) noexcept nogil:
    """Remember a missing range as number `at`. Without memory for it, its bytes count as seen."""
    cdef Hole *grown
    cdef uint16_t room
    if stream.count == MOST_HOLES:
        if at == 0:
            return
        memmove(stream.holes, stream.holes + 1, (stream.count - 1) * sizeof(Hole))
        stream.count -= 1
        at -= 1
    if stream.count == stream.room:
        room = 4 if stream.room == 0 else stream.room * 2
        grown = <Hole *> realloc(stream.holes, room * sizeof(Hole))
        if grown == NULL:
            return
        stream.holes = grown
        stream.room = room
    memmove(stream.holes + at + 1, stream.holes + at, (stream.count - at) * sizeof(Hole))
    stream.holes[at].start = start
    stream.holes[at].stop = stop
    stream.count += 1


cdef inline uint64_t fill_holes(Stream *stream, uint64_t start, uint64_t stop) noexcept nogil:
    """Mark [start, stop), all of it below next, as seen. How many of its bytes were missing."""
    cdef uint64_t found = 0
    cdef uint64_t from_, to, hole_stop
    cdef uint16_t i = 0
    if start < stream.low:
        to = stop if stop < stream.low else stream.low
        found = to - start
        if to < stream.low:
            insert_hole(stream, 0, to, stream.low)
        stream.low = start
        start = to
    while i < stream.count and stream.holes[i].start < stop:
        from_ = stream.holes[i].start
        hole_stop = stream.holes[i].stop
        if from_ < start:
            from_ = start
        to = hole_stop if hole_stop < stop else stop
        if from_ >= to:
            i += 1
            continue
        found += to - from_
        if stream.holes[i].start == from_ and hole_stop == to:
            stream.count -= 1
            memmove(stream.holes + i, stream.holes + i + 1, (stream.count - i) * sizeof(Hole))
        elif stream.holes[i].start == from_:
            stream.holes[i].start = to
            i += 1
        else:
            stream.holes[i].stop = from_
            i += 1
            if hole_stop != to:
                insert_hole(stream, i, to, hole_stop)
                return found
    return found


cdef inline uint64_t take(Stream *stream, uint64_t start, uint64_t stop) noexcept nogil:
    """Mark [start, stop) as seen; how many of its bytes were not seen before. An empty range past next opens a hole."""
    cdef uint64_t found
    if start == stream.next:
        stream.next = stop
        return stop - start
    if start > stream.next:
        insert_hole(stream, stream.count, stream.next, start)
        stream.next = stop
        return stop - start
    if stop <= stream.next:
        return fill_holes(stream, start, stop)
    found = stop - stream.next
    found += fill_holes(stream, start, stream.next)
    stream.next = stop
    return found


cdef inline uint32_t account(Stream *stream, uint32_t seq, uint32_t length, bint syn, bint fin) noexcept nogil:
    """Take one segment: how many of its `length` payload bytes were not seen before. Not for RST without text."""
    cdef uint64_t start = unwrapped(stream, seq)
    cdef uint64_t found = 0
    if syn:
        start += 1  # the SYN itself takes one number, RFC 9293 section 3.4
        if stream.next == 0:
            stream.next = start
    elif stream.next == 0:
        stream.next = stream.low = start
    elif length == 1 and start + 1 == stream.low and stream.low == stream.next:
        return 0  # a keep-alive probe with a byte, before any data was seen (RFC 1122 section 4.2.3.6)
    if length != 0 or (fin and start > stream.next):
        found = take(stream, start, start + length)
    if fin and start + length == stream.next:
        stream.next += 1  # the FIN takes one number too
    return <uint32_t> found


cdef inline void forget(Stream *stream) noexcept nogil:
    """Back to nothing seen, memory freed."""
    free(stream.holes)
    stream.next = stream.low = 0
    stream.holes = NULL
    stream.count = stream.room = 0


cdef inline void begin_at(Stream *stream, uint32_t seq) noexcept nogil:
    """Nothing was seen before this number, and nothing precedes it: it follows a SYN."""
    forget(stream)
    stream.next = (<uint64_t> 1 << 32) + seq


cdef inline void leap(Stream *stream, uint32_t seq) noexcept nogil:
    """Go on at a number ahead, however far: what lies between was not captured."""
    cdef uint64_t start = stream.next + <uint32_t> (seq - <uint32_t> stream.next)
    if stream.next == 0:
        stream.next = stream.low = (<uint64_t> 1 << 32) + seq
        return
    if start != stream.next:
        insert_hole(stream, stream.count, stream.next, start)
    stream.next = start

"""Time stamps of capture files as ns since 1970: if_tsresol and if_tsoffset (draft-ietf-opsawg-pcapng, section 4.2)."""

from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t, uint8_t, uint64_t

cdef extern from *:
    ctypedef long long i128 "__int128"

cdef enum ClockKind:
    MULTIPLY = 0  # 10^-n with n <= 9
    DIVIDE = 1  # 10^-n, finer than ns: what is below is cut off
    SHIFT = 2  # 2^-n

cdef struct Clock:
    ClockKind kind
    uint8_t shift
    uint64_t factor  # to multiply with or divide by
    uint64_t limit  # most ticks whose product fits an int64
    int64_t offset_ns


cdef inline void set_clock(Clock *clock, uint8_t resolution, int64_t offset_s) noexcept nogil:
    """From the two options' values. An offset beyond what 64 bits of ns can say (292 years) becomes the nearest one that fits."""
    cdef int exponent = resolution & 0x7F
    cdef i128 offset = <i128> offset_s * 1000000000
    cdef int i
    clock.offset_ns = INT64_MAX if offset > INT64_MAX else INT64_MIN if offset < INT64_MIN else <int64_t> offset
    clock.shift = 0
    clock.factor = 1
    clock.limit = 0
    if resolution & 0x80:
        clock.kind = SHIFT
        clock.shift = <uint8_t> exponent
        return
    clock.kind = MULTIPLY if exponent <= 9 else DIVIDE
    exponent = 9 - exponent if exponent <= 9 else exponent - 9
    if exponent > 19:  # 10^-29 s and finer: every 64-bit count of them is less than 1 ns
        clock.kind = SHIFT
        clock.shift = 127
        return
    for i in range(exponent):
        clock.factor *= 10
    clock.limit = <uint64_t> INT64_MAX // clock.factor


cdef inline int64_t clock_ns(const Clock *clock, uint64_t ticks) noexcept nogil:
    """ns since 1970, rounded down; times beyond 64 bits (year 2262) become the nearest one that fits."""
    cdef i128 total
    if clock.kind == MULTIPLY and ticks <= clock.limit and clock.offset_ns == 0:
        return <int64_t> (ticks * clock.factor)
    if clock.kind == MULTIPLY:
        total = <i128> ticks * <i128> clock.factor
    elif clock.kind == DIVIDE:
        total = <i128> (ticks // clock.factor)
    else:
        total = <i128> ticks * 1000000000 >> clock.shift
    total += clock.offset_ns
    return INT64_MAX if total > INT64_MAX else INT64_MIN if total < INT64_MIN else <int64_t> total


cdef inline bint within(int64_t a_ns, int64_t b_ns, uint64_t most_ns) noexcept nogil:
    """Are two times at most `most_ns` apart? Any two: the difference of two 64-bit times may need 65 bits."""
    cdef uint64_t apart = <uint64_t> a_ns - <uint64_t> b_ns if a_ns > b_ns else <uint64_t> b_ns - <uint64_t> a_ns
    return apart <= most_ns

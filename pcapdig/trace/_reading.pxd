"""A file in pieces, read by whoever has time: the walk that needs the next one, or the thread that waits for the walk.

The kernel's copying is a good part of a walk. Pieces lie in places that are used in turns; before each there is room for the end of the
piece before it, so that a block which two pieces share lies in one. Which pieces were begun is one counter, that is raised by whoever reads.
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memset
from posix.unistd cimport pread

cdef enum:
    PIECE_BYTES = 1 << 17
    PLACE_BYTES = 2 * PIECE_BYTES  # with the room before it
    MOST_PLACES = 8  # all pieces together stay in a processor's second cache

cdef struct Reading:
    int fd  # -1: of none
    uint8_t *memory  # of MOST_PLACES places
    int64_t start  # in the file, of piece 0
    int64_t stop  # no piece that begins here or later is read before it is needed
    uint64_t places  # in use: few stay nearer
    uint64_t unread  # piece after the last one that was got: the walk's own
    const uint8_t *view  # the bytes at hand, `view_from` to `view_to` of the file: the walk's own
    int64_t view_from
    int64_t view_to
    uint64_t apart_1[16]
    uint64_t begun  # pieces that someone reads or has read
    uint64_t apart_2[15]
    uint64_t passed  # pieces that the walk needs no more
    uint64_t apart_3[15]
    uint64_t helping  # the other thread is reading
    uint64_t apart_4[15]
    uint64_t done[MOST_PLACES]  # number of the piece that was read into a place, plus 1
    int64_t got[MOST_PLACES]  # its bytes


cdef extern from *:
    """
    #define begin_piece(counter, number, next_number) __atomic_compare_exchange_n( \
        counter, number, next_number, 0, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE)
    #define piece_load(address) __atomic_load_n(address, __ATOMIC_SEQ_CST)
    #define piece_store(address, value) __atomic_store_n(address, value, __ATOMIC_SEQ_CST)
    """
    bint begin_piece(uint64_t *counter, uint64_t *number, uint64_t next_number) noexcept nogil
    uint64_t piece_load(const uint64_t *address) noexcept nogil
    void piece_store(uint64_t *address, uint64_t value) noexcept nogil


cdef inline void begin_reading(Reading *r, int fd, int64_t start, int64_t stop, uint64_t places) noexcept nogil:
    """What is read next begins at `start`. No other thread looks at it."""
    r.fd = fd
    r.start = r.view_from = r.view_to = start
    r.stop = stop
    r.places = places
    r.unread = r.begun = r.passed = r.helping = 0
    memset(r.done, 0, sizeof(r.done))


cdef inline uint8_t *place_of(const Reading *r, uint64_t number) noexcept nogil:
    """Where a piece goes."""
    return r.memory + (number % r.places) * PLACE_BYTES + PIECE_BYTES


cdef inline void read_piece(Reading *r, uint64_t number) noexcept nogil:
    """Read a piece that this thread has begun. A file that became shorter gives less."""
    cdef ssize_t got = pread(r.fd, place_of(r, number), PIECE_BYTES, r.start + <int64_t> number * PIECE_BYTES)
    r.got[number % r.places] = got if got > 0 else 0
    piece_store(&r.done[number % r.places], number + 1)


cdef inline bint help_reading(Reading *r) noexcept nogil:
    """From the thread beside the walk's: read the next piece that has a place. False: there is none."""
    cdef uint64_t number
    cdef bint helps
    if r.fd < 0:
        return False
    number = piece_load(&r.begun)
    if number >= piece_load(&r.passed) + r.places or r.start + <int64_t> number * PIECE_BYTES >= r.stop:
        return False
    piece_store(&r.helping, True)
    helps = begin_piece(&r.begun, &number, number + 1)
    if helps:
        read_piece(r, number)
    piece_store(&r.helping, False)
    return helps

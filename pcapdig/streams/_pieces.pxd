"""The payload of a message while it is open: pieces that lie in a batch, or copies of them once the batch ends.

Most messages end within the batch they began in, and are either shown, which joins them into one piece of memory, or not: then nothing
is copied at all.
"""

from libc.stdint cimport uint8_t, uint32_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memmove

cdef extern from *:
    """
    #include <stddef.h>
    extern void *memmem(const void *, size_t, const void *, size_t); /* GNU's, as musl's: not in C's own string.h */
    """
    void *memmem(const void *data, size_t size, const void *wanted, size_t wanted_size) noexcept nogil

cdef enum:
    NEEDLE_MAX = 256  # bytes that are looked for

cdef struct Piece:
    const uint8_t *data  # lies in the batch at hand, or is `own`
    uint8_t *own  # NULL: not copied yet
    uint32_t size

cdef struct Pieces:
    Piece *list
    uint32_t count
    uint32_t room
    uint32_t owned  # pieces before this one are copies


cdef inline void clear(Pieces *pieces) noexcept nogil:
    """None any more; their place stays."""
    cdef uint32_t i
    for i in range(pieces.owned):
        free(pieces.list[i].own)
    pieces.count = pieces.owned = 0


cdef inline int add(Pieces *pieces, const uint8_t *data, uint32_t size) except -1:
    """One more, not copied yet."""
    cdef Piece *grown
    cdef uint32_t room
    if pieces.count == pieces.room:
        room = pieces.room * 2 if pieces.room else 4
        grown = <Piece *> realloc(pieces.list, room * sizeof(Piece))
        if grown == NULL:
            raise MemoryError("no memory for a message")
        pieces.list = grown
        pieces.room = room
    pieces.list[pieces.count].data = data
    pieces.list[pieces.count].own = NULL
    pieces.list[pieces.count].size = size
    pieces.count += 1
    return 0


cdef inline int own(Pieces *pieces) except -1:
    """Copy what lies in someone else's memory."""
    cdef Piece *piece
    while pieces.owned < pieces.count:
        piece = pieces.list + pieces.owned
        piece.own = <uint8_t *> malloc(piece.size)
        if piece.own == NULL:
            raise MemoryError("no memory for a message")
        memcpy(piece.own, piece.data, piece.size)
        piece.data = piece.own
        pieces.owned += 1
    return 0


cdef inline void join(const Pieces *pieces, uint8_t *to) noexcept nogil:
    """All of them, one after the other."""
    cdef uint32_t i
    for i in range(pieces.count):
        memcpy(to, pieces.list[i].data, pieces.list[i].size)
        to += pieces.list[i].size


cdef inline bint hold(const Pieces *pieces, const uint8_t *wanted, uint32_t size) noexcept nogil:
    """Are these bytes, at most NEEDLE_MAX, in the pieces joined?"""
    cdef uint8_t seam[2 * NEEDLE_MAX]
    cdef uint32_t before = 0, i, taken, kept
    cdef const Piece *piece
    for i in range(pieces.count):
        piece = pieces.list + i
        if memmem(piece.data, piece.size, wanted, size) != NULL:
            return True
        # `seam` holds the last bytes before this piece, fewer than are wanted; with as many of this one come all that cross.
        taken = piece.size if piece.size < size - 1 else size - 1
        memcpy(seam + before, piece.data, taken)
        if memmem(seam, before + taken, wanted, size) != NULL:
            return True
        if piece.size >= size - 1:
            memcpy(seam, piece.data + piece.size - (size - 1), size - 1)
            before = size - 1
        else:
            kept = before + taken if before + taken < size - 1 else size - 1
            memmove(seam, seam + before + taken - kept, kept)
            before = kept
    return False

# cython: language_level=3
"""The message that each connection is in the midst of, and those that have ended, as columns.

A flow has one open message at most, since the other direction ends it. Its pieces lie in the batch they came in until that ends, and are
joined when the message does: what nobody wants is never copied.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, realloc

import numpy as np

from pcapdig.streams._connections cimport _Conversation, _Half, _Meta
from pcapdig.streams._pieces cimport NEEDLE_MAX, add, clear, hold, join, own

cdef enum:  # bytes that a piece or gap of a message takes beside its own: else many tiny ones would count as nothing
    PIECE_COST = 48
    GAP_COST = 128  # a tuple of two numbers


def row_type():
    """The columns of a message, as they lie in memory."""
    cdef Row row
    cdef _Meta *meta = &row.meta
    places = {
        "flow": ("i4", <char *>&row.flow - <char *>&row), "forward": ("?", <char *>&row.forward - <char *>&row),
        "size": ("i8", <char *>&row.size - <char *>&row), "number": ("u8", <char *>&meta.number - <char *>&row),
        "time_ns": ("i8", <char *>&meta.time_ns - <char *>&row), "writer": ("i4", <char *>&meta.writer - <char *>&row),
        "reader": ("i4", <char *>&meta.reader - <char *>&row),
        "writer_evidence": ("u1", <char *>&meta.writer_evidence - <char *>&row),
        "reader_evidence": ("u1", <char *>&meta.reader_evidence - <char *>&row),
        "direction": ("u1", <char *>&meta.direction - <char *>&row), "tcp_flags": ("u1", <char *>&meta.tcp_flags - <char *>&row),
        "interface": ("u2", <char *>&meta.interface - <char *>&row),
    }
    formats, offsets = zip(*places.values())
    return np.dtype({"names": list(places), "formats": list(formats), "offsets": list(offsets), "itemsize": sizeof(Row)})


ROW_TYPE = row_type()


cdef class Outbox:
    """Takes what is in order of each connection, and hands out messages.

    Args: `message_limit` bytes on the wire of one message, beyond which it is handed out in parts. `needle`: a message that does not hold its first NEEDLE_MAX bytes is left out. `opens`, called with the bytes of a message,
    says whether whoever reads them would begin with it: what a flow says before that is left out; None: nothing is. `first_bytes`, 256
    of them, are 0 by the value of a first byte with which it never would: most messages are decided by that alone.
    """

    def __init__(
        self, int64_t message_limit, bytes needle=b"", object opens=None, bytes first_bytes=b"\1" * 256
    ):
        if len(first_bytes) != 256:
            raise ValueError("a mark for each value of a byte is needed")
        self.message_limit = message_limit
        self.needle, self.opens, self.first_bytes = needle[:NEEDLE_MAX], opens, first_bytes
        self.buffers, self.gaps, self.borrowers = [], [], []

    def __dealloc__(self):
        free(self.rows)

    def take(self):
        """The messages that ended since the last call: (rows of ROW_TYPE, buffers, gaps), one entry a message each.

        size: bytes on the wire. gaps: tuples of (offset in the buffer, bytes missing there).
        """
        cdef Py_ssize_t size = len(self.buffers) * sizeof(Row)
        rows = np.frombuffer(PyBytes_FromStringAndSize(<const char *>self.rows, size) if size else b"", ROW_TYPE)
        taken = (rows, self.buffers, self.gaps)
        self.buffers, self.gaps = [], []
        return taken

    cdef open(self, _Conversation conversation, bint forward, const _Meta *meta):
        """Begin a message in this direction; what is missing before it is its first gap."""
        cdef _Half half = conversation.client if forward else conversation.server
        self.close(conversation)
        conversation.is_open = True
        conversation.is_dull = conversation.is_judged = False
        conversation.forward = forward
        conversation.meta = meta[0]
        conversation.gaps = None
        conversation.size = conversation.stored = 0
        conversation.last_ns = meta.time_ns
        if half.missing:
            self.gap(conversation, half.missing)
            half.missing = 0

    cdef deliver(
        self, _Conversation conversation, bint forward, const uint8_t *data, uint32_t size, uint32_t length, const _Meta *meta
    ):
        """The next bytes of a direction: into the open message, or into a new one where direction or owner changes or the limit is met.

        They are not copied before the batch ends.
        """
        if not (conversation.is_open and conversation.forward == forward
                and conversation.meta.writer == meta.writer and conversation.meta.reader == meta.reader
                and conversation.size + length <= self.message_limit):
            self.open(conversation, forward, meta)
        conversation.meta.tcp_flags |= meta.tcp_flags
        conversation.last_ns = max(conversation.last_ns, meta.time_ns)
        if size and not conversation.is_judged and not (size == 1 and not conversation.stored and data[0] == 0):
            conversation.is_judged = True
            conversation.is_dull = self.opens is not None and not conversation.has_opened and not <uint8_t>self.first_bytes[data[0]]
        if size and not conversation.is_dull:
            add(&conversation.pieces, data, size)
            conversation.stored += size
            self.total += size + PIECE_COST
            if not conversation.borrows:
                conversation.borrows = True
                self.borrowers.append(conversation)
        conversation.size += size
        if length > size:
            self.gap(conversation, length - size)

    cdef deliver_bytes(self, _Conversation conversation, bint forward, bytes data, uint32_t length, const _Meta *meta):
        """The same with bytes that may not live as long as the batch."""
        self.deliver(conversation, forward, <const uint8_t *><const char *>data, <uint32_t>len(data), length, meta)
        own(&conversation.pieces)

    cdef gap(self, _Conversation conversation, int64_t count):
        """A gap at the end of the open message; it grows the gap that is already there."""
        conversation.size += count
        if conversation.gaps is None:
            conversation.gaps = []
        elif conversation.gaps[-1][0] == conversation.stored:
            conversation.gaps[-1] = (conversation.stored, conversation.gaps[-1][1] + count)
            return
        conversation.gaps.append((conversation.stored, count))
        self.total += GAP_COST

    cdef close(self, _Conversation conversation):
        """The open message has ended: hand it out, if somebody may want it."""
        cdef bytes buffer
        if not conversation.is_open:
            return
        conversation.is_open = False
        self.total -= conversation.stored + PIECE_COST * <int64_t>conversation.pieces.count
        if conversation.gaps is not None:
            self.total -= GAP_COST * len(conversation.gaps)
        if not self._is_left_out(conversation):
            buffer = PyBytes_FromStringAndSize(NULL, conversation.stored)
            join(&conversation.pieces, <uint8_t *><char *>buffer)
            if self.opens is not None and not conversation.has_opened:
                conversation.has_opened = self.opens(buffer)
            if self.opens is None or conversation.has_opened:
                self.add_row(conversation)
                self.buffers.append(buffer)
                self.gaps.append(() if conversation.gaps is None else tuple(conversation.gaps))
        clear(&conversation.pieces)
        conversation.gaps = None

    cdef int add_row(self, _Conversation conversation) except -1:
        """The columns of a message whose buffer is added next."""
        cdef Py_ssize_t count = len(self.buffers)
        cdef Row *grown
        if count == self.room:
            grown = <Row *>realloc(self.rows, max(2 * self.room, <Py_ssize_t>1024) * sizeof(Row))
            if grown == NULL:
                raise MemoryError("no memory for messages")
            self.rows, self.room = grown, max(2 * self.room, <Py_ssize_t>1024)
        self.rows[count].flow, self.rows[count].forward = conversation.flow, conversation.forward
        self.rows[count].size, self.rows[count].meta = conversation.size, conversation.meta
        return 0

    cdef bint _is_left_out(self, _Conversation conversation):
        """Known without its bytes in one piece."""
        if conversation.is_dull:
            return True
        return len(self.needle) != 0 and not hold(
            &conversation.pieces, <const uint8_t *><const char *>self.needle, <uint32_t>len(self.needle)
        )

    cdef keep_borrowed(self):
        """The batch ends: what open messages have of it is copied."""
        cdef _Conversation conversation
        for item in self.borrowers:
            conversation = <_Conversation>item
            own(&conversation.pieces)
            conversation.borrows = False
        self.borrowers.clear()

"""The messages that are being built and those that have ended. See `_messages.pyx`."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from pcapdig.streams._connections cimport _Conversation, _Meta


cdef struct Row:
    int32_t flow
    uint8_t forward
    int64_t size
    _Meta meta


cdef class Outbox:
    cdef int64_t message_limit
    cdef int64_t total  # bytes in memory over all flows
    cdef Row *rows  # of the messages that ended, as many as there are buffers
    cdef Py_ssize_t room  # for so many
    cdef list buffers, gaps
    cdef list borrowers  # conversations whose pieces lie in the batch at hand
    cdef bytes needle, first_bytes
    cdef object opens

    cdef open(self, _Conversation conversation, bint forward, const _Meta *meta)
    cdef deliver(
        self, _Conversation conversation, bint forward, const uint8_t *data, uint32_t size, uint32_t length, const _Meta *meta
    )
    cdef deliver_bytes(self, _Conversation conversation, bint forward, bytes data, uint32_t length, const _Meta *meta)
    cdef gap(self, _Conversation conversation, int64_t count)
    cdef close(self, _Conversation conversation)
    cdef int add_row(self, _Conversation conversation) except -1
    cdef keep_borrowed(self)
    cdef bint _is_left_out(self, _Conversation conversation)

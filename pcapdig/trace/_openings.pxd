"""What a payload proves of its sender. See `_openings.pyx`."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t

cdef enum Sender:
    ANYONE = 0
    ASKS = 1  # the client
    ANSWERS = 2  # the server

cdef int sender_of(const uint8_t *data, uint32_t size, uint8_t protocol, uint16_t source_port, uint16_t destination_port) noexcept nogil

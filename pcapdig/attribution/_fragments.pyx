# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Fragments after the first carry no ports: they belong to whom their datagram's first fragment belonged."""

from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcmp, memcpy

from pcapdig.attribution._end cimport End
from pcapdig.packets._headers cimport PacketHeaders

# Fragments of one datagram are sent back to back; an identification may return later (RFC 6864).
cdef int64_t FRAGMENT_KEPT_NS = 1000000000
cdef uint32_t DATAGRAMS = 1024


cdef class Fragments:
    """The ends of datagrams lately seen, by addresses, protocol and identification."""

    def __cinit__(self):
        self.datagrams = <Datagram *> PyMem_RawCalloc(DATAGRAMS, sizeof(Datagram))
        if self.datagrams == NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_RawFree(self.datagrams)

    cdef bint find(self, const PacketHeaders *headers, int64_t time_ns, End *sender, End *receiver) noexcept nogil:
        """The ends of the datagram that this fragment is part of; False when its first fragment was not seen."""
        cdef Datagram *first = &self.datagrams[headers.ip_id % DATAGRAMS]
        if (first.ip_id != headers.ip_id or first.protocol != headers.protocol or time_ns - first.time_ns > FRAGMENT_KEPT_NS
                or memcmp(first.source, headers.source, 16) != 0 or memcmp(first.destination, headers.destination, 16) != 0):
            return False
        sender[0] = first.sender
        receiver[0] = first.receiver
        return True

    cdef void note(self, const PacketHeaders *headers, int64_t time_ns, const End *sender, const End *receiver) noexcept nogil:
        """Remember a packet that may be a first fragment."""
        cdef Datagram *first = &self.datagrams[headers.ip_id % DATAGRAMS]
        memcpy(first.source, headers.source, 16)
        memcpy(first.destination, headers.destination, 16)
        first.time_ns = time_ns
        first.sender = sender[0]
        first.receiver = receiver[0]
        first.ip_id = headers.ip_id
        first.protocol = headers.protocol

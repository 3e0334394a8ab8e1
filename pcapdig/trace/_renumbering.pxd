"""Fewer rows in the flow table. See `_renumbering.pyx`."""

from libc.stdint cimport int32_t

from pcapdig.trace._flows cimport FlowTable

cdef bytes endings_of(FlowTable table)
cdef int renumber(FlowTable table, const int32_t[::1] new) except -1

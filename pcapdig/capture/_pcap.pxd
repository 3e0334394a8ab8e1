"""C-level face of a capture for record/_loop.pyx."""

from pcapdig.capture._libpcap cimport pcap_t

cdef class Capture:
    cdef pcap_t *handle
    cdef readonly str name
    cdef readonly int link_type
    cdef readonly int snap_length

    cdef _refuse(self, int status)
    cdef _set_filter(self, str bpf)
    cpdef close(self)

# cython: language_level=3
# distutils: libraries = pcap
"""One interface, captured by libpcap through a memory-mapped ring."""

from pcapdig.capture._libpcap cimport *

from pcapdig.errors import HostError, UsageError


cdef str _text(const char *message):
    return (<bytes> message).decode("utf-8", "replace").strip()


cdef class Capture:
    """An activated, non-blocking capture with nanosecond time stamps.

    Args:
        name: interface.
        snap_length: bytes kept of a packet.
        ring_bytes: size of the kernel's ring, below 2 GiB.
        timeout_ms: the kernel hands over a ring block at the latest after this time.
        bpf: filter text or None.

    Raises:
        UsageError: no such interface, or the filter does not compile.
        HostError: no permission, the interface is down or refuses.
    """

    def __cinit__(self, str name not None, *, int snap_length, int ring_bytes, int timeout_ms, bpf=None, is_file=False):
        cdef char error[PCAP_ERRBUF_SIZE]
        cdef int status
        error[0] = 0
        self.name = name
        self.snap_length = snap_length
        if is_file:
            return
        self.handle = pcap_create(name.encode(), error)
        if self.handle == NULL:
            raise HostError(f"cannot capture on {name}: {_text(error)}")
        pcap_set_snaplen(self.handle, snap_length)
        pcap_set_promisc(self.handle, 0)
        pcap_set_timeout(self.handle, timeout_ms)
        pcap_set_buffer_size(self.handle, ring_bytes)
        pcap_set_tstamp_precision(self.handle, PCAP_TSTAMP_PRECISION_NANO)
        status = pcap_activate(self.handle)
        if status < 0:
            self._refuse(status)
        if pcap_setnonblock(self.handle, 1, error) != 0:
            raise HostError(f"cannot capture on {name}: {_text(error)}")
        self.link_type = pcap_datalink(self.handle)
        # without a filter the kernel copies whole packets into the ring, whatever the snap length
        self._set_filter(bpf or "")

    @staticmethod
    def from_file(path: str) -> Capture:
        """The packets of a pcap file in place of an interface's: a recording can be tried without root or traffic.

        Raises:
            HostError: libpcap cannot open it.
        """
        cdef char error[PCAP_ERRBUF_SIZE]
        cdef Capture capture = Capture.__new__(Capture, path, snap_length=262144, ring_bytes=0, timeout_ms=0, bpf=None, is_file=True)
        capture.handle = pcap_open_offline_with_tstamp_precision(path.encode(), PCAP_TSTAMP_PRECISION_NANO, error)
        if capture.handle == NULL:
            raise HostError(f"cannot read {path}: {_text(error)}")
        capture.link_type = pcap_datalink(capture.handle)
        return capture

    def __dealloc__(self):
        self.close()

    cdef _refuse(self, int status):
        if status == PCAP_ERROR_NO_SUCH_DEVICE:
            raise UsageError(f"no interface named {self.name}; `ip -br link` lists them")
        if status in (PCAP_ERROR_PERM_DENIED, PCAP_ERROR_PROMISC_PERM_DENIED):
            raise HostError(f"no permission to capture on {self.name}: run as root or with CAP_NET_RAW")
        if status == PCAP_ERROR_IFACE_NOT_UP:
            raise HostError(f"interface {self.name} is down; `ip link set {self.name} up`")
        detail = _text(pcap_geterr(self.handle)) if status == PCAP_ERROR else _text(pcap_statustostr(status))
        raise HostError(f"cannot capture on {self.name}: {detail}")

    cdef _set_filter(self, str bpf):
        cdef bpf_program program
        if pcap_compile(self.handle, &program, bpf.encode(), 1, PCAP_NETMASK_UNKNOWN) != 0:
            raise UsageError(f"bad capture filter '{bpf}': {_text(pcap_geterr(self.handle))}")
        status = pcap_setfilter(self.handle, &program)
        pcap_freecode(&program)
        if status != 0:
            raise HostError(f"cannot set the capture filter on {self.name}: {_text(pcap_geterr(self.handle))}")

    def statistics(self):
        """(received, dropped, dropped by the interface) since the capture began; None once the interface is gone."""
        cdef pcap_stat counts
        if self.handle == NULL or pcap_stats(self.handle, &counts) != 0:
            return None
        return counts.ps_recv, counts.ps_drop, counts.ps_ifdrop

    cpdef close(self):
        """Give the ring back; safe to call twice."""
        if self.handle != NULL:
            pcap_close(self.handle)
            self.handle = NULL


def check_filter(bpf: str, link_type: int = 1) -> None:
    """Compile a capture filter without an interface.

    Raises:
        UsageError: it does not compile; the text is libpcap's.
    """
    cdef pcap_t *dead = pcap_open_dead(link_type, 262144)
    cdef bpf_program program
    if dead == NULL:
        raise MemoryError
    try:
        if pcap_compile(dead, &program, bpf.encode(), 1, PCAP_NETMASK_UNKNOWN) != 0:
            raise UsageError(f"bad capture filter '{bpf}': {_text(pcap_geterr(dead))}")
        pcap_freecode(&program)
    finally:
        pcap_close(dead)


def library_version() -> str:
    """libpcap's own version line."""
    return _text(pcap_lib_version())

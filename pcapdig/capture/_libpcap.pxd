"""The part of libpcap 1.10 that pcapdig calls (pcap/pcap.h)."""

from libc.stdint cimport uint8_t, uint32_t

cdef extern from "sys/time.h" nogil:
    struct timeval:
        long tv_sec
        long tv_usec

cdef extern from "pcap/pcap.h" nogil:
    ctypedef struct pcap_t:
        pass
    struct pcap_pkthdr:
        timeval ts          # with PCAP_TSTAMP_PRECISION_NANO tv_usec counts ns
        uint32_t caplen
        uint32_t len
    struct pcap_stat:
        unsigned int ps_recv
        unsigned int ps_drop
        unsigned int ps_ifdrop
    struct bpf_program:
        pass
    ctypedef void (*pcap_handler)(uint8_t *user, const pcap_pkthdr *header, const uint8_t *data) noexcept
    enum:
        PCAP_ERRBUF_SIZE
        PCAP_TSTAMP_PRECISION_NANO
        PCAP_NETMASK_UNKNOWN
        PCAP_ERROR
        PCAP_ERROR_NO_SUCH_DEVICE
        PCAP_ERROR_PERM_DENIED
        PCAP_ERROR_PROMISC_PERM_DENIED
        PCAP_ERROR_IFACE_NOT_UP
    pcap_t *pcap_create(const char *source, char *error)
    pcap_t *pcap_open_offline_with_tstamp_precision(const char *path, unsigned int precision, char *error)
    pcap_t *pcap_open_dead(int link_type, int snap_length)
    int pcap_set_snaplen(pcap_t *, int)
    int pcap_set_promisc(pcap_t *, int)
    int pcap_set_timeout(pcap_t *, int)
    int pcap_set_buffer_size(pcap_t *, int)
    int pcap_set_tstamp_precision(pcap_t *, int)
    int pcap_activate(pcap_t *)
    int pcap_setnonblock(pcap_t *, int, char *)
    int pcap_datalink(pcap_t *)
    int pcap_compile(pcap_t *, bpf_program *, const char *, int optimize, uint32_t netmask)
    int pcap_setfilter(pcap_t *, bpf_program *)
    void pcap_freecode(bpf_program *)
    int pcap_dispatch(pcap_t *, int, pcap_handler, uint8_t *)
    int pcap_stats(pcap_t *, pcap_stat *)
    char *pcap_geterr(pcap_t *)
    const char *pcap_statustostr(int)
    void pcap_close(pcap_t *)
    const char *pcap_lib_version()

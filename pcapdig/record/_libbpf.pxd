"""The part of libbpf 1.x that reads events (bpf/libbpf.h).

Written out in C because that header and libpcap's both define struct bpf_insn, and the record loop needs both libraries.
"""

from libc.stdint cimport uint32_t, uint64_t

cdef extern from * nogil:
    """
    #include <stddef.h>
    #include <stdint.h>
    struct ring_buffer;
    struct perf_buffer;
    typedef int (*ring_buffer_sample_fn)(void *context, void *data, size_t size);
    typedef void (*perf_buffer_sample_fn)(void *context, int cpu, void *data, uint32_t size);
    typedef void (*perf_buffer_lost_fn)(void *context, int cpu, uint64_t count);
    struct ring_buffer *ring_buffer__new(int map_fd, ring_buffer_sample_fn, void *context, const void *options);
    int ring_buffer__consume(struct ring_buffer *);
    void ring_buffer__free(struct ring_buffer *);
    struct perf_buffer *perf_buffer__new(int map_fd, size_t pages, perf_buffer_sample_fn, perf_buffer_lost_fn, void *context,
                                         const void *options);
    int perf_buffer__consume(struct perf_buffer *);
    void perf_buffer__free(struct perf_buffer *);
    """
    struct ring_buffer:
        pass
    struct perf_buffer:
        pass
    ctypedef int (*ring_buffer_sample_fn)(void *context, void *data, size_t size)
    ctypedef void (*perf_buffer_sample_fn)(void *context, int cpu, void *data, uint32_t size)
    ctypedef void (*perf_buffer_lost_fn)(void *context, int cpu, uint64_t count)
    ring_buffer *ring_buffer__new(int map_fd, ring_buffer_sample_fn, void *context, const void *options)
    int ring_buffer__consume(ring_buffer *)
    void ring_buffer__free(ring_buffer *)
    perf_buffer *perf_buffer__new(int map_fd, size_t pages, perf_buffer_sample_fn, perf_buffer_lost_fn, void *context, const void *options)
    int perf_buffer__consume(perf_buffer *)
    void perf_buffer__free(perf_buffer *)

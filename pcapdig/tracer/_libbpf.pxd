"""What is used of libbpf, as its headers declare it."""

from libc.stdint cimport int32_t, uint32_t

cdef extern from "<bpf/libbpf.h>" nogil:
    struct bpf_object:
        pass
    struct bpf_program:
        pass
    struct bpf_map:
        pass
    struct bpf_link:
        pass
    struct ring_buffer:
        pass
    struct perf_buffer:
        pass
    ctypedef int (*ring_buffer_sample_fn)(void *context, void *data, size_t size) noexcept
    int libbpf_num_possible_cpus()
    bpf_object *bpf_object__open_file(const char *path, const void *options)
    int bpf_object__load(bpf_object *)
    void bpf_object__close(bpf_object *)
    btf *bpf_object__btf(const bpf_object *)
    bpf_program *bpf_object__next_program(const bpf_object *, bpf_program *)
    bpf_program *bpf_object__find_program_by_name(const bpf_object *, const char *)
    bpf_map *bpf_object__find_map_by_name(const bpf_object *, const char *)
    const char *bpf_program__name(const bpf_program *)
    const char *bpf_program__section_name(const bpf_program *)
    int bpf_program__set_autoload(bpf_program *, bint)
    bpf_link *bpf_program__attach(const bpf_program *)
    bpf_link *bpf_program__attach_cgroup(const bpf_program *, int)
    bpf_link *bpf_program__attach_iter(const bpf_program *, const void *options)
    int bpf_link__fd(const bpf_link *)
    int bpf_link__destroy(bpf_link *)
    int bpf_map__fd(const bpf_map *)
    int bpf_map__set_max_entries(bpf_map *, uint32_t)
    void *bpf_map__initial_value(bpf_map *, size_t *size)
    ring_buffer *ring_buffer__new(int, ring_buffer_sample_fn, void *, const void *)
    int ring_buffer__consume(ring_buffer *)
    void ring_buffer__free(ring_buffer *)
    ctypedef void (*perf_buffer_sample_fn)(void *context, int cpu, void *data, uint32_t size) noexcept
    ctypedef void (*perf_buffer_lost_fn)(void *context, int cpu, unsigned long long count) noexcept
    perf_buffer *perf_buffer__new(int, size_t pages, perf_buffer_sample_fn, perf_buffer_lost_fn, void *, const void *)
    int perf_buffer__consume(perf_buffer *)
    void perf_buffer__free(perf_buffer *)

cdef extern from "<bpf/bpf.h>" nogil:
    int bpf_iter_create(int link_fd)
    int bpf_link_create(int prog_fd, int target_fd, int attach_type, const void *options)
    int bpf_map_lookup_elem(int fd, const void *key, void *value)

cdef extern from "<bpf/btf.h>" nogil:
    struct btf:
        pass
    struct btf_type:
        pass
    struct btf_var_secinfo:
        uint32_t type
        uint32_t offset
        uint32_t size
    enum:
        BTF_KIND_TYPEDEF
        BTF_KIND_FUNC
        BTF_KIND_STRUCT
        BTF_KIND_DATASEC
    btf *btf__load_vmlinux_btf()
    void btf__free(btf *)
    int32_t btf__find_by_name_kind(const btf *, const char *, uint32_t)
    const btf_type *btf__type_by_id(const btf *, uint32_t)
    const char *btf__name_by_offset(const btf *, uint32_t)
    uint32_t btf_vlen(const btf_type *)
    btf_var_secinfo *btf_var_secinfos(const btf_type *)

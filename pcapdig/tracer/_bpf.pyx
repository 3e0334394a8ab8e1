# cython: language_level=3
# distutils: libraries = bpf
"""A thin wrapper of libbpf: open an object, choose programs, load, attach, read.

One `BpfObject` is one libbpf object. Everything that can go wrong raises `BpfError` with libbpf's own words; which of them matter
is for core.py to say. Not thread-safe: libbpf's log goes to one buffer of this module.
"""

import errno
import os

from libc.errno cimport errno as c_errno
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from pcapdig.tracer._libbpf cimport *

cdef extern from *:
    """
    #include <stdarg.h>
    #include <stdio.h>

    static unsigned int btf_name_offset(const struct btf_type *type) { return type->name_off; }

    /* libbpf's warnings, which hold the verifier's words; what no longer fits is dropped. */
    static char log_text[1 << 20];
    static size_t log_used;

    static int keep_warning(enum libbpf_print_level level, const char *format, va_list arguments)
    {
        size_t room = sizeof(log_text) - log_used;
        int wanted;

        if (level != LIBBPF_WARN || room < 2)
            return 0;
        wanted = vsnprintf(log_text + log_used, room, format, arguments);
        if (wanted > 0)
            log_used += (size_t)wanted < room ? (size_t)wanted : room - 1;
        return 0;
    }

    static void begin_log(void)
    {
        log_used = 0;
        libbpf_set_print(keep_warning);
    }
    """
    uint32_t btf_name_offset(const btf_type *) nogil
    void begin_log() nogil
    const char *log_text
    size_t log_used


cdef enum:
    PERF_PAGES = 256  # a processor's share of a perf buffer, a power of two


class BpfError(Exception):
    """libbpf or the kernel refused. `errno` is the kernel's number (0 where there is none), `log` what libbpf wrote meanwhile."""

    def __init__(self, message: str, errno: int = 0, log: str = "") -> None:
        super().__init__(message)
        self.errno = errno
        self.log = log


cdef str _log():
    return log_text[:log_used].decode("utf-8", "replace")


cdef _failure(str what, int code):
    number = abs(code)
    words = os.strerror(number) if number in errno.errorcode else f"error {number}"
    return BpfError(f"{what}: {words}", number, _log())


def kernel_lacks(names):
    """Those of `names` that the running kernel's BTF does not have, as typedef, function or structure.

    A tracepoint NAME is the typedef btf_trace_NAME.

    Raises:
        BpfError: the kernel has no BTF.
    """
    cdef btf *kernel
    cdef bytes raw
    begin_log()
    kernel = btf__load_vmlinux_btf()
    if kernel == NULL:
        raise _failure("the kernel has no BTF", c_errno)
    try:
        missing = set()
        for name in names:
            raw = name.encode()
            if (btf__find_by_name_kind(kernel, raw, BTF_KIND_TYPEDEF) < 0
                    and btf__find_by_name_kind(kernel, raw, BTF_KIND_FUNC) < 0
                    and btf__find_by_name_kind(kernel, raw, BTF_KIND_STRUCT) < 0):
                missing.add(name)
        return missing
    finally:
        btf__free(kernel)


def link_cgroup(program_fd, cgroup_fd, attach_type):
    """Attach a program that someone else loaded to a cgroup (enum bpf_attach_type); the descriptor of the attachment, which ends it when closed.

    Raises:
        BpfError: refused, or the kernel has no such links (before Linux 5.7).
    """
    cdef int descriptor
    begin_log()
    descriptor = bpf_link_create(program_fd, cgroup_fd, attach_type, NULL)
    if descriptor < 0:
        raise _failure("a program cannot be attached to the cgroup", descriptor)
    return descriptor


cdef class BpfObject:
    """Programs and maps of one object file: opened, not yet loaded."""

    cdef bpf_object *object
    cdef dict links

    def __cinit__(self, path: str):
        self.links = {}
        begin_log()
        self.object = bpf_object__open_file(os.fsencode(path), NULL)
        if self.object == NULL:
            raise _failure(f"{path} cannot be opened as a BPF object", c_errno)

    def __dealloc__(self):
        self._close()

    def close(self):
        """Detach and unload everything. Safe to call twice."""
        self._close()

    cdef _close(self):
        if self.links:
            for link in list(self.links.values()):
                (<_Link> link).destroy()
            self.links.clear()
        if self.object != NULL:
            bpf_object__close(self.object)
            self.object = NULL

    cdef int _check_open(self) except -1:
        if self.object == NULL:
            raise BpfError("the BPF object is closed")
        return 0

    cdef bpf_program *_program(self, name) except NULL:
        cdef bpf_program *program
        self._check_open()
        program = bpf_object__find_program_by_name(self.object, name.encode())
        if program == NULL:
            raise BpfError(f"no program {name} in the BPF object")
        return program

    cdef bpf_map *_map(self, name) except NULL:
        cdef bpf_map *found
        self._check_open()
        found = bpf_object__find_map_by_name(self.object, name.encode())
        if found == NULL:
            raise BpfError(f"no map {name} in the BPF object")
        return found

    def programs(self):
        """Name -> section of every program, in the file's order."""
        cdef bpf_program *program = NULL
        self._check_open()
        found = {}
        while True:
            program = bpf_object__next_program(self.object, program)
            if program == NULL:
                return found
            found[bpf_program__name(program).decode()] = bpf_program__section_name(program).decode()

    def leave_out(self, name):
        """Do not load this program."""
        cdef int code = bpf_program__set_autoload(self._program(name), False)
        if code:
            raise _failure(f"{name} cannot be left out", code)

    def set_map_size(self, name, entries):
        """Size of a map before loading: entries, or bytes of a ring buffer (a power of two, a multiple of the page size)."""
        cdef int code = bpf_map__set_max_entries(self._map(name), entries)
        if code:
            raise _failure(f"map {name} cannot have {entries} entries", code)

    def set_flag(self, name, value):
        """Give a `const volatile bool` its value before loading."""
        cdef size_t size = 0
        cdef uint8_t *data = <uint8_t *> bpf_map__initial_value(self._map(".rodata"), &size)
        cdef const btf *types = bpf_object__btf(self.object)
        cdef bytes wanted = name.encode()
        cdef const btf_type *section
        cdef const btf_type *variable
        cdef btf_var_secinfo *entry
        cdef int32_t found
        cdef uint32_t i
        found = -1 if types == NULL else btf__find_by_name_kind(types, ".rodata", BTF_KIND_DATASEC)
        if data == NULL or found < 0:
            raise BpfError("the BPF object has no constants")
        section = btf__type_by_id(types, found)
        entry = btf_var_secinfos(section)
        for i in range(btf_vlen(section)):
            variable = btf__type_by_id(types, entry[i].type)
            if btf__name_by_offset(types, btf_name_offset(variable)) == wanted:
                if entry[i].size != 1 or entry[i].offset >= size:
                    raise BpfError(f"constant {name} is not a flag")
                data[entry[i].offset] = 1 if value else 0
                return
        raise BpfError(f"no constant {name} in the BPF object")

    def load(self):
        """Make the maps and have the kernel check the programs.

        Raises:
            BpfError: a map or a program was refused; `log` names it.
        """
        cdef int code
        self._check_open()
        begin_log()
        code = bpf_object__load(self.object)
        if code:
            raise _failure("the kernel refused the BPF object", code)

    def attach(self, name, cgroup_fd=-1):
        """Run a loaded program from now on; cgroup programs at the cgroup of this descriptor."""
        cdef bpf_program *program = self._program(name)
        cdef bpf_link *link
        cdef int cgroup = cgroup_fd
        begin_log()
        if cgroup >= 0:
            link = bpf_program__attach_cgroup(program, cgroup)
        else:
            link = bpf_program__attach(program)
        if link == NULL:
            raise _failure(f"{name} cannot be attached", c_errno)
        self.links[name] = _wrap(link)

    def read_iterator(self, name):
        """Run an iterator program to its end; what it wrote."""
        cdef bpf_program *program = self._program(name)
        cdef bpf_link *link
        cdef int descriptor
        begin_log()
        link = bpf_program__attach_iter(program, NULL)
        if link == NULL:
            raise _failure(f"{name} cannot be attached", c_errno)
        descriptor = bpf_iter_create(bpf_link__fd(link))
        number = c_errno
        bpf_link__destroy(link)
        if descriptor < 0:
            raise _failure(f"{name} cannot be read", number)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            return file.readall()

    def map_fd(self, name):
        """Descriptor of a loaded map; it stays this object's."""
        cdef int descriptor = bpf_map__fd(self._map(name))
        if descriptor < 0:
            raise _failure(f"map {name} is not loaded", descriptor)
        return descriptor

    def counter(self, name):
        """Sum over all processors of the first u64 of a per-processor array."""
        cdef uint32_t zero = 0
        cdef int i, processors = libbpf_num_possible_cpus()
        cdef int descriptor = self.map_fd(name)
        cdef uint64_t *values
        cdef uint64_t total = 0
        if processors <= 0:
            raise _failure("the number of processors is not known", processors)
        values = <uint64_t *> malloc(processors * sizeof(uint64_t))
        if values == NULL:
            raise MemoryError
        try:
            if bpf_map_lookup_elem(descriptor, &zero, values):
                raise _failure(f"map {name} cannot be read", c_errno)
            for i in range(processors):
                total += values[i]
            return total
        finally:
            free(values)


cdef class _Link:
    """Owns one attachment."""

    cdef bpf_link *link

    cdef destroy(self):
        if self.link != NULL:
            bpf_link__destroy(self.link)
            self.link = NULL

    def __dealloc__(self):
        self.destroy()


cdef _Link _wrap(bpf_link *link):
    cdef _Link owner = _Link()
    owner.link = link
    return owner


cdef class MapReader:
    """Reads a ring or perf buffer as the record loop does, but into Python: for tests and doctor.

    Args:
        kind: "ringbuf" or "perf".
        map_fd: the map; it must live as long as the reader.
    """

    cdef ring_buffer *ring
    cdef perf_buffer *perf
    cdef list records
    cdef readonly uint64_t lost

    def __cinit__(self, kind: str, map_fd: int):
        self.records = []
        begin_log()
        if kind == "ringbuf":
            self.ring = ring_buffer__new(map_fd, _on_record, <void *> self, NULL)
        elif kind == "perf":
            self.perf = perf_buffer__new(map_fd, PERF_PAGES, _on_perf_record, _on_perf_lost, <void *> self, NULL)
        if self.ring == NULL and self.perf == NULL:
            raise _failure(f"map {map_fd} cannot be read as {kind}", c_errno)

    def __dealloc__(self):
        if self.ring != NULL:
            ring_buffer__free(self.ring)
        if self.perf != NULL:
            perf_buffer__free(self.perf)

    def read(self):
        """The records waiting, oldest first (of a perf buffer: processor by processor)."""
        cdef int code = ring_buffer__consume(self.ring) if self.ring != NULL else perf_buffer__consume(self.perf)
        if code < 0:
            raise _failure("the map cannot be read", code)
        records, self.records = self.records, []
        return records


cdef int _on_record(void *context, void *data, size_t size) noexcept with gil:
    (<MapReader> context).records.append((<const char *> data)[:size])
    return 0


cdef void _on_perf_record(void *context, int cpu, void *data, uint32_t size) noexcept with gil:
    (<MapReader> context).records.append((<const char *> data)[:size])


cdef void _on_perf_lost(void *context, int cpu, unsigned long long count) noexcept with gil:
    (<MapReader> context).lost += count

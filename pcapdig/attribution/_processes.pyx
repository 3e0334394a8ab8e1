# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: include_dirs = probe
"""Process identities, interned: the list only grows, since numbers are handed out to Python once and stand in ownership timelines."""

from cpython.mem cimport PyMem_RawFree, PyMem_RawRealloc
from libc.stdint cimport int32_t, uint32_t
from libc.string cimport memcmp, memcpy, memset

from pcapdig.attribution._events cimport event_process
from pcapdig.attribution._hashing cimport empty_slots, hash_words


cdef class ProcessIdentities:
    """Numbers for (start time, tgid, exec count, uid, comm)."""

    def __cinit__(self):
        self.mask = 1023
        self.slots = empty_slots(1024)
        if self.slots == NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_RawFree(self.keys)
        PyMem_RawFree(self.slots)

    def identity(self, index: int) -> dict[str, object]:
        """The identity of a number: tgid, start_boot_ns, exec_id, uid, comm (bytes without NUL).

        Raises:
            IndexError: the number was not given out.
        """
        if not 0 <= index < self.count:
            raise IndexError(index)
        cdef ProcessKey *key = &self.keys[index]
        comm = key.comm[:16]
        return {"tgid": key.tgid, "start_boot_ns": key.start_boot_ns, "exec_id": key.exec_id, "uid": key.uid,
                "comm": comm.split(b"\0", 1)[0]}

    cdef int32_t index_of(self, const event_process *process) except -2 nogil:
        """The number of this identity, a new one if it was not met before."""
        cdef ProcessKey key
        cdef uint32_t slot
        cdef int32_t index, i
        cdef int32_t *larger
        cdef ProcessKey *grown
        memset(&key, 0, sizeof(key))
        key.start_boot_ns = process.start_boot_ns
        key.tgid = process.tgid
        key.exec_id = process.exec_id
        key.uid = process.uid
        memcpy(key.comm, process.comm, 16)
        slot = <uint32_t> hash_words(&key, sizeof(key) // 8) & self.mask
        while self.slots[slot] >= 0:
            index = self.slots[slot]
            if memcmp(&self.keys[index], &key, sizeof(key)) == 0:
                return index
            slot = (slot + 1) & self.mask
        if self.count == self.room:
            i = 2 * self.room if self.room else 256
            grown = <ProcessKey *> PyMem_RawRealloc(self.keys, i * sizeof(ProcessKey))
            if grown == NULL:
                with gil:
                    raise MemoryError
            self.keys = grown
            self.room = i
        self.keys[self.count] = key
        self.slots[slot] = self.count
        self.count += 1
        if <uint32_t> self.count * 2 > self.mask:
            larger = empty_slots(2 * (self.mask + 1))
            if larger == NULL:
                with gil:
                    raise MemoryError
            PyMem_RawFree(self.slots)
            self.slots = larger
            self.mask = 2 * (self.mask + 1) - 1
            for i in range(self.count):
                slot = <uint32_t> hash_words(&self.keys[i], sizeof(ProcessKey) // 8) & self.mask
                while larger[slot] >= 0:
                    slot = (slot + 1) & self.mask
                larger[slot] = i
        return self.count - 1

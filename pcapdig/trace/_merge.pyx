"""Several captures into one: pcapng blocks in the order of their times.

Of each input the packet at hand is known; the earliest goes out, of equal ones that of the input named first. So an input that is
not sorted stays in its own order, as with mergecap. What goes out is one section in this machine's byte order with all interfaces,
numbered anew; each keeps its own resolution and offset of time, so no time stamp is changed. All packets become enhanced packet
blocks. Packets are copied without Python (`_reblock.pyx`); blocks that describe are read in Python (`merge_blocks.py`), once each.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy

from cpython.bytes cimport PyBytes_FromStringAndSize

from pcapdig.trace._bytes cimport get32
from pcapdig.trace._clock cimport set_clock
from pcapdig.trace._framing cimport BLOCK_SECTION, MOST_DESCRIBED
from pcapdig.trace._reblock cimport (
    DAMAGED, DESCRIBING, MORE, OVER, READY, Input, Known, Output, copy_packet, look, reserve,
)

from pcapdig.trace.blocks import PCAP_MAGICS, UNALIGNED, DamageError, read_pcap_header
from pcapdig.trace.merge_blocks import Kind, described, of_pcap, renumbered


cdef class Merger:
    """The inputs of one merge by number, and what is to go out next."""

    cdef Input *inputs
    cdef int count
    cdef list views  # what the inputs' bytes belong to
    cdef list wrong  # what Python found wrong with an input, by number
    cdef list headers  # what is to be said of an input's file header, by number
    cdef Output out
    cdef uint32_t interfaces
    cdef uint32_t processes

    def __cinit__(self, int count):
        self.inputs = <Input *> calloc(count, sizeof(Input))
        if self.inputs == NULL:
            raise MemoryError
        self.count = count
        self.views = [None] * count
        self.wrong = [None] * count
        self.headers = [""] * count
        for number in range(count):
            self.inputs[number].status = MORE
            self.inputs[number].needed = 24

    def __dealloc__(self):
        cdef int number
        if self.inputs != NULL:
            for number in range(self.count):
                free(self.inputs[number].known)
                free(self.inputs[number].processes)
        free(self.inputs)
        free(self.out.data)

    def give(self, int number, const uint8_t[::1] data not None):
        """The next bytes of an input: they begin with the block at hand."""
        cdef Input *i = self.inputs + number
        self.views[number] = data
        i.data = &data[0]
        i.end = data.shape[0]
        i.at = 0
        i.status = look(i)

    def close(self, int number):
        """No more will come from an input."""
        self.inputs[number].status = OVER
        self.views[number] = None

    def position(self, int number):
        """How much of what `give` gave last was used."""
        return self.inputs[number].at

    def needed(self, int number):
        """Bytes the block at hand takes, as far as is known yet."""
        return self.inputs[number].needed

    def damage(self, int number):
        """What is wrong with the block at hand; None: nothing."""
        cdef Input *i = self.inputs + number
        if i.status != DAMAGED:
            return None
        return self.wrong[number] if i.what == NULL else i.what.decode()

    def remarks(self, int number):
        """What is to be said of an input that was read all the same."""
        found = [self.headers[number], UNALIGNED if self.inputs[number].is_unaligned else ""]
        return [remark for remark in found if remark]

    def is_waiting(self):
        """Is there something to take?"""
        return self.out.size != 0

    def take(self):
        """What is to go out: whole pcapng blocks."""
        taken = PyBytes_FromStringAndSize(<const char *> self.out.data, self.out.size)
        self.out.size = 0
        return taken

    def run(self, int64_t most_bytes):
        """Merge until an input needs more bytes or is damaged: its number. None: there are `most_bytes` to take, or all is over."""
        cdef int number
        while True:
            with nogil:
                number = self.merge(most_bytes)
            if number == -2:
                raise MemoryError("no memory for merged packets")
            if number < 0:
                return None
            if self.inputs[number].status != DESCRIBING:
                return number
            try:
                self.describe(number)
            except DamageError as error:
                self.inputs[number].status = DAMAGED
                self.inputs[number].what = NULL
                self.wrong[number] = str(error)
                return number

    cdef int merge(self, int64_t most_bytes) noexcept nogil:
        """Write packets. The number of an input of which something else is at hand; -1: enough, -2: no memory."""
        cdef Input *first
        cdef int number, best, second
        while self.out.size < most_bytes:
            best = second = -1
            for number in range(self.count):
                if self.inputs[number].status == OVER:
                    continue
                if self.inputs[number].status != READY:
                    return number
                if best < 0 or self.inputs[number].head_ns < self.inputs[best].head_ns:
                    second, best = best, number
                elif second < 0 or self.inputs[number].head_ns < self.inputs[second].head_ns:
                    second = number
            if best < 0:
                return -1
            first = self.inputs + best
            while self.out.size < most_bytes:
                if not copy_packet(first, &self.out):
                    return -2
                first.status = look(first)
                if first.status != READY:
                    break
                if second >= 0 and (first.head_ns > self.inputs[second].head_ns
                                    or (first.head_ns == self.inputs[second].head_ns and second < best)):
                    break
        return -1

    cdef int describe(self, int number) except -1:
        """Read the block at hand, which holds no packet, and write what is to be kept of it."""
        cdef Input *i = self.inputs + number
        cdef const uint8_t *block = i.data + i.at
        cdef uint32_t kind
        if not i.begun:
            return self.begin_file(i)
        kind = get32(block, i.swapped)
        if kind == BLOCK_SECTION:
            i.known_count = i.process_count = 0
        found = described(kind, block[8 : i.size - 4], ">" if i.swapped else "<")
        if found.kind is Kind.INTERFACE:
            self.know(i, found.interface.snap_length, found.resolution, found.offset_s, 0)
            self.write(found.block)
            if found.timeless is not None:
                i.known[i.known_count - 1].timeless = self.new_interface()
                self.write(found.timeless)
        elif found.kind is Kind.STATISTICS:
            if found.number < i.known_count:
                self.write(renumbered(found.block, i.known[<uint32_t> found.number].number))
        elif found.block is not None:
            if found.kind is Kind.PROCESS:
                self.know_process(i)
            self.write(found.block)
        i.at += i.size
        i.status = look(i)
        return 0

    cdef int begin_file(self, Input *i) except -1:
        """Tell the format by its first bytes."""
        head = i.data[i.at : i.at + 24]
        if get32(i.data + i.at, False) != BLOCK_SECTION:
            if head[:4] not in PCAP_MAGICS:
                raise DamageError("neither pcapng nor pcap begins like this")
            header = read_pcap_header(head)
            self.headers[i - self.inputs] = header.remark
            i.swapped = head[0] == 0xA1
            i.is_pcap = True
            i.record_size = header.record_size
            i.lengths = header.lengths
            self.know(i, header.interface.snap_length, header.resolution, 0, header.interface.fcs_size)
            self.write(of_pcap(header))
            i.at += 24
        i.begun = True
        i.status = look(i)
        return 0

    cdef uint32_t new_interface(self) except? 0:
        """A number for another interface."""
        if self.interfaces == MOST_DESCRIBED:
            raise DamageError(f"more than {MOST_DESCRIBED} interfaces")
        self.interfaces += 1
        return self.interfaces - 1

    cdef int know(self, Input *i, uint32_t snap_length, uint8_t resolution, int64_t offset_s, uint32_t fcs_size) except -1:
        """The next interface of an input's section."""
        cdef uint32_t number = self.new_interface(), room
        cdef Known *grown
        if i.known_count == i.known_room:
            room = i.known_room * 2 if i.known_room else 4
            grown = <Known *> realloc(i.known, room * sizeof(Known))
            if grown == NULL:
                raise MemoryError
            i.known = grown
            i.known_room = room
        grown = i.known + i.known_count
        set_clock(&grown.clock, resolution, offset_s)
        grown.number = grown.timeless = number
        grown.snap_length = snap_length
        grown.fcs_size = fcs_size
        i.known_count += 1
        return 0

    cdef int know_process(self, Input *i) except -1:
        """The next of Apple's process blocks in an input's section."""
        cdef uint32_t room
        cdef uint32_t *grown
        if i.process_count == i.process_room:
            room = i.process_room * 2 if i.process_room else 16
            grown = <uint32_t *> realloc(i.processes, room * sizeof(uint32_t))
            if grown == NULL:
                raise MemoryError
            i.processes = grown
            i.process_room = room
        i.processes[i.process_count] = self.processes
        i.process_count += 1
        self.processes += 1
        return 0

    cdef int write(self, bytes block) except -1:
        """Let a whole block go out."""
        cdef const uint8_t *data = block
        cdef uint8_t *to = reserve(&self.out, len(block))
        if to == NULL:
            raise MemoryError
        memcpy(to, data, len(block))
        self.out.size += len(block)
        return 0

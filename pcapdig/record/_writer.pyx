# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: include_dirs = probe
"""Enhanced Packet Blocks (draft-ietf-opsawg-pcapng section 4.3), laid out from bytes that were prepared once per process.

Each packet gets epb_flags, a comment for each named end (the sender's first), and for its main end (the sender, else the receiver) the process
and thread id (option 8) and the number of Apple's process block (option 0x8001), which is written before the process's first packet.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_RawFree, PyMem_RawRealloc
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from pcapdig.attribution._end cimport END_NAMED, End
from pcapdig.record._queue cimport Pending

cdef enum:
    BLOCK_ENHANCED_PACKET = 6
    OPTION_COMMENT = 1
    OPTION_FLAGS = 2
    OPTION_PROCESS_THREAD = 8
    OPTION_APPLE_PROCESS = 0x8001
    ROOM_AT_FIRST = 5 << 20
    FIXED_BYTES = 96        # of a block: frame, fixed fields, all options but comments
    COMMENT_BYTES = 64      # of a comment: option header, evt.io_dir, evidence, fd.is_server, padding

cdef const char *DIRECTION_TEXT[2]
DIRECTION_TEXT[0] = b"evt.io_dir=write evidence="
DIRECTION_TEXT[1] = b"evt.io_dir=read evidence="
cdef const char *EVIDENCE_TEXT[5]
EVIDENCE_TEXT[0] = b"none"
EVIDENCE_TEXT[1] = b"socket"
EVIDENCE_TEXT[2] = b"snapshot"
EVIDENCE_TEXT[3] = b"listener"
EVIDENCE_TEXT[4] = b"procfs"
cdef const char *ROLE_TEXT[3]
ROLE_TEXT[0] = b""
ROLE_TEXT[1] = b" fd.is_server=false"
ROLE_TEXT[2] = b" fd.is_server=true"
cdef uint32_t[3] ROLE_LENGTH = [0, 19, 18]
cdef uint32_t[2] DIRECTION_LENGTH = [26, 25]
cdef uint32_t[5] EVIDENCE_LENGTH = [4, 6, 8, 8, 6]

EVIDENCE_NAMES = tuple((<bytes> EVIDENCE_TEXT[i]).decode() for i in range(5))
"""Evidence as comments say it, by number (enum event_evidence of probe/events.h)."""


cdef class PacketWriter:
    """Makes blocks in a buffer of its own until they are taken."""

    def __cinit__(self):
        self.kept_bytes = []

    def __dealloc__(self):
        PyMem_RawFree(self.texts)
        PyMem_RawFree(self.output)

    def set_process(self, index: int, pid: int, head: bytes, tail: bytes, apple_block: bytes) -> None:
        """What to write for the process of this index. Indexes come in order, each once."""
        cdef ProcessText *grown
        cdef ProcessText *text
        if index != self.text_count:
            raise ValueError(f"process {index} out of order, {self.text_count} expected")
        if self.text_count == self.text_room:
            self.text_room = 2 * self.text_room if self.text_room else 256
            grown = <ProcessText *> PyMem_RawRealloc(self.texts, self.text_room * sizeof(ProcessText))
            if grown == NULL:
                raise MemoryError
            self.texts = grown
        text = &self.texts[self.text_count]
        text.pid = pid
        text.head = head
        text.head_length = len(head)
        text.tail = tail
        text.tail_length = len(tail)
        text.block = apple_block
        text.block_length = len(apple_block)
        text.apple_index = -1
        self.kept_bytes.append((head, tail, apple_block))
        self.text_count += 1

    def forget_process_blocks(self) -> None:
        """Write each process's block again before its next packet, and count them from 0."""
        cdef int32_t i
        for i in range(self.text_count):
            self.texts[i].apple_index = -1
        self.apple_count = 0

    cdef bytes take(self):
        """The blocks made since the last call."""
        taken = PyBytes_FromStringAndSize(<char *> self.output, self.used) if self.used else b""
        self.used = 0
        return taken

    cdef void write(self, const Pending *packet, uint32_t interface, uint32_t flags, const End *sender, const End *receiver) noexcept nogil:
        cdef const End *main
        cdef int32_t process
        cdef uint8_t *at
        cdef uint8_t *start
        cdef size_t room
        cdef uint32_t padded = (packet.captured + 3) & ~3, length
        main = sender if sender.state == END_NAMED else receiver
        process = main.process if main.state == END_NAMED else -1
        room = FIXED_BYTES + padded
        if sender.state == END_NAMED:
            room += COMMENT_BYTES + self.texts[sender.process].head_length + self.texts[sender.process].tail_length
        if receiver.state == END_NAMED:
            room += COMMENT_BYTES + self.texts[receiver.process].head_length + self.texts[receiver.process].tail_length
        if process >= 0:
            room += self.texts[process].block_length
        if not self._make_room(room):
            return
        if process >= 0 and self.texts[process].apple_index < 0 and self.texts[process].block_length:
            memcpy(self.output + self.used, self.texts[process].block, self.texts[process].block_length)
            self.used += self.texts[process].block_length
            self.texts[process].apple_index = self.apple_count
            self.apple_count += 1
        start = self.output + self.used
        at = start
        at = _put32(at, BLOCK_ENHANCED_PACKET)
        at = _put32(at, 0)
        at = _put32(at, interface)
        at = _put32(at, <uint32_t> (<uint64_t> packet.time_ns >> 32))
        at = _put32(at, <uint32_t> packet.time_ns)
        at = _put32(at, packet.captured)
        at = _put32(at, packet.original)
        memcpy(at, packet.data, packet.captured)
        memset(at + packet.captured, 0, padded - packet.captured)
        at += padded
        at = _put_option(at, OPTION_FLAGS, 4)
        at = _put32(at, flags)
        if sender.state == END_NAMED:
            at = self._put_comment(at, sender, 0)
        if receiver.state == END_NAMED:
            at = self._put_comment(at, receiver, 1)
        if process >= 0:
            at = _put_option(at, OPTION_PROCESS_THREAD, 8)
            at = _put32(at, self.texts[process].pid)
            at = _put32(at, main.tid)
            if self.texts[process].apple_index >= 0:
                at = _put_option(at, OPTION_APPLE_PROCESS, 4)
                at = _put32(at, self.texts[process].apple_index)
        at = _put32(at, 0)
        length = <uint32_t> (at - start) + 4
        at = _put32(at, length)
        _put32(start + 4, length)
        self.used += length

    cdef uint8_t *_put_comment(self, uint8_t *at, const End *end, int direction) noexcept nogil:
        cdef ProcessText *text = &self.texts[end.process]
        cdef uint32_t length = (text.head_length + DIRECTION_LENGTH[direction] + EVIDENCE_LENGTH[end.evidence]
                                + ROLE_LENGTH[end.role] + text.tail_length)
        at = _put_option(at, OPTION_COMMENT, <uint16_t> length)
        memcpy(at, text.head, text.head_length)
        at += text.head_length
        memcpy(at, DIRECTION_TEXT[direction], DIRECTION_LENGTH[direction])
        at += DIRECTION_LENGTH[direction]
        memcpy(at, EVIDENCE_TEXT[end.evidence], EVIDENCE_LENGTH[end.evidence])
        at += EVIDENCE_LENGTH[end.evidence]
        memcpy(at, ROLE_TEXT[end.role], ROLE_LENGTH[end.role])
        at += ROLE_LENGTH[end.role]
        memcpy(at, text.tail, text.tail_length)
        at += text.tail_length
        while length & 3:
            at[0] = 0
            at += 1
            length += 1
        return at

    cdef bint _make_room(self, size_t size) noexcept nogil:
        cdef uint8_t *grown
        cdef size_t room = self.room
        if self.used + size <= room:
            return True
        while room < self.used + size:
            room = 2 * room if room else ROOM_AT_FIRST
        grown = <uint8_t *> PyMem_RawRealloc(self.output, room)
        if grown == NULL:
            self.no_memory = True
            return False
        self.output = grown
        self.room = room
        return True


cdef inline uint8_t *_put32(uint8_t *at, uint32_t value) noexcept nogil:
    memcpy(at, &value, 4)
    return at + 4


cdef inline uint8_t *_put_option(uint8_t *at, uint16_t code, uint16_t length) noexcept nogil:
    memcpy(at, &code, 2)
    memcpy(at + 2, &length, 2)
    return at + 4

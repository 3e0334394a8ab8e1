"""Whose a packet is by what other programs wrote: options that are not pcapdig's, each kind read by Python once.

Many packets of a file carry the same options, so answers are kept by the options' bytes, in as many slots as memory may take; a new
one takes the place of what was in its slot. An answer may depend on the packet's time, and on the process blocks before it.
"""

from libc.stdint cimport INT64_MAX, INT64_MIN, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy

from pcapdig.trace._bytes cimport get16, get32, padded
from pcapdig.trace._seeded cimport hash_of

cdef enum:
    OPTION_END = 0
    OPTION_COMMENT = 1
    OPTION_PROCESS_AND_THREAD = 8
    OPTION_APPLE_PROCESS = 0x8001
    OPTION_APPLE_EFFECTIVE_PROCESS = 0x8003

cdef enum:
    SLOTS = 2048
    MOST_ASKED = 16384  # bytes of options looked at; the longest that ptcpdump writes of a process and its parent are some 9200


cdef inline bint may_name(const uint8_t *comment, uint16_t size) noexcept nogil:
    """Does a comment begin like one of those that pcapdig/pcapng/foreign.py knows? By its first letter: cheap, and most do not."""
    cdef uint8_t first
    if size < 5:
        return False
    first = comment[0]
    return first == 80 or first == 114 or first == 84 or first == 85 or first == 67 or first == 65 or first <= 32  # PrTUCA, blank


cdef class Foreign:
    """Answers to whose packets with certain options are."""

    def __cinit__(self, processes not None):
        self.processes = processes
        self.answers = <Answer *> calloc(SLOTS, sizeof(Answer))
        self.asked = <uint8_t *> malloc(MOST_ASKED)
        if self.answers == NULL or self.asked == NULL:
            raise MemoryError

    def __dealloc__(self):
        cdef int i
        if self.answers != NULL:
            for i in range(SLOTS):
                free(self.answers[i].options)
        free(self.answers)
        free(self.asked)

    cdef int begin_section(self) except -1:
        """Process blocks and their numbers begin anew."""
        self.processes.blocks.begin_section()
        self.round += 1
        return 0

    cdef int add_block(self, uint32_t kind, bytes body, str order) except -1:
        """The section's next process block."""
        self.processes.blocks.add(kind, body, order)
        self.round += 1
        return 0

    cdef const Answer *answer(
        self, const uint8_t *options, uint32_t size, bint swapped, int64_t time_ns
    ) except NULL nogil:
        """Whose a packet is, by its options, whose lengths have been checked."""
        cdef Answer *answer
        cdef uint64_t hash_
        self.gather(options, size, swapped)
        hash_ = hash_of(self.asked, self.asked_size, 0)  # a slot holds one answer, so nothing can pile up in it
        answer = self.answers + (hash_ & (SLOTS - 1))
        if (answer.options == NULL or answer.hash_ != hash_ or answer.round != self.round or answer.size != self.asked_size
                or not answer.from_ns <= time_ns < answer.until_ns
                or memcmp(answer.options, self.asked, self.asked_size) != 0):
            self.ask(answer, hash_, time_ns)
        return answer

    cdef bint put(self, uint16_t code, uint16_t size, const uint8_t *value) noexcept nogil:
        """Add an option to those asked about. False: there is no room."""
        cdef uint8_t *to = self.asked + self.asked_size
        if self.asked_size + 4 + size > MOST_ASKED:
            return False
        to[0], to[1] = code & 0xFF, code >> 8
        to[2], to[3] = size & 0xFF, size >> 8
        memcpy(to + 4, value, size)
        self.asked_size += 4 + <uint32_t> size
        return True

    cdef void gather(self, const uint8_t *options, uint32_t size, bint swapped) noexcept nogil:
        """The options that may name a process, in one byte order, into `asked`. What finds no room is passed over."""
        cdef uint32_t at = 0, number
        cdef uint16_t code, length
        cdef uint8_t value[4]
        cdef int i
        self.asked_size = 0
        while at + 4 <= size:
            code = get16(options + at, swapped)
            length = get16(options + at + 2, swapped)
            at += 4
            if code == OPTION_END or length > size - at:
                break
            if code == OPTION_COMMENT:
                if may_name(options + at, length):
                    self.put(code, length, options + at)
            elif ((code == OPTION_PROCESS_AND_THREAD and length == 8)
                    or ((code == OPTION_APPLE_PROCESS or code == OPTION_APPLE_EFFECTIVE_PROCESS) and length == 4)):
                number = get32(options + at, swapped)
                for i in range(4):
                    value[i] = <uint8_t> (number >> 8 * i)
                self.put(code, 4, value)
            at += padded(length)

    cdef int ask(self, Answer *answer, uint64_t hash_, int64_t time_ns) except -1 nogil:
        """Have Python read the options in `asked`."""
        cdef uint8_t *kept = <uint8_t *> malloc(self.asked_size + 1)
        if kept == NULL:
            with gil:
                raise MemoryError("no memory for more options")
        memcpy(kept, self.asked, self.asked_size)
        free(answer.options)
        answer.options = kept
        answer.size = self.asked_size
        answer.hash_ = hash_
        answer.round = self.round
        answer.from_ns, answer.until_ns = INT64_MIN, INT64_MAX
        answer.process = -1
        answer.end = END_LOCAL
        if self.asked_size == 0:
            return 0
        with gil:
            said = self.processes.foreign((<const char *> kept)[: self.asked_size], time_ns)
            if said is not None:
                answer.process = said.process
                answer.end = said.end
                answer.from_ns = said.from_ns
                answer.until_ns = said.until_ns
        return 0

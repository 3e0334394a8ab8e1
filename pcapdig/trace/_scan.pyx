"""From the bytes of a capture file to packet columns: walks blocks and records, and asks flows and comments about each packet.

Every length in the file is checked before the bytes it covers are read. A block is taken whole or not at all: whatever can be
wrong with it is found before its packet leaves a trace in any table, so what stands before damage is complete.
Layouts: draft-ietf-opsawg-pcapng (4.3 EPB, 4.4 SPB, A.1 packet block), draft-ietf-opsawg-pcap (5, packet record).
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcmp

from pcapdig.trace._batch cimport MOST_CLAIMS, MOST_INTERFACES, Batch, Described, Stored
from pcapdig.trace._bytes cimport get16, get32, padded
from pcapdig.trace._clock cimport clock_ns, set_clock

from pcapdig.trace.blocks import (
    PCAP_MAGICS,
    DamageError,
    check_section,
    read_interface,
    read_names,
    read_pcap_header,
    read_statistics,
)

cdef enum:
    BLOCK_INTERFACE = 1
    BLOCK_PACKET = 2  # obsolete
    BLOCK_SIMPLE = 3
    BLOCK_NAMES = 4
    BLOCK_STATISTICS = 5
    BLOCK_ENHANCED = 6
    BLOCK_CUSTOM = 0x0BAD
    BLOCK_CUSTOM_NOT_COPIED = 0x40000BAD
    BLOCK_APPLE_PROCESS = 0x80000001
    BLOCK_SECTION = 0x0A0D0D0A

cdef enum:
    OPTION_END = 0
    OPTION_COMMENT = 1
    OPTION_FLAGS = 2
    OPTION_PROCESS_AND_THREAD = 8
    OPTION_APPLE = 0x8000  # and above: for local use, of which Apple's name processes

cdef enum:
    FIRST_ROOM = 16384  # packets of a batch of which nothing is known yet
    MEASURED_BYTES = 1 << 20  # fewer tell little of the packets to come
    LARGEST_BLOCK = 129 * 1024 * 1024  # Wireshark's largest packet (D-Bus, 128 MiB) with its options
    LARGEST_PACKET = 262144  # of a pcap whose snap length says less: MAXIMUM_SNAPLEN of libpcap, and Wireshark's limit

cdef enum:
    AHEAD_BYTES = 1024  # a packet with its comments is seldom longer where most of it is looked at

cdef enum:
    WIRESHARK_PEN = 32622

cdef const char *CLAIM_MARK = b"proc.name="  # how a comment of pcapdig's begins
cdef enum:
    CLAIM_MARK_SIZE = 10


cdef extern from *:
    """
    #define ask_for(address) __builtin_prefetch(address)
    """
    void ask_for(const void *address) noexcept nogil


cdef inline void ask_ahead(const uint8_t *next_block, const uint8_t *end) noexcept nogil:
    """Have the processor fetch the block after this one, so that it comes while this one is looked at. Only a hint."""
    cdef int i
    if end - next_block >= AHEAD_BYTES:
        for i in range(AHEAD_BYTES // 64):
            ask_for(next_block + i * 64)


cdef int damage(const char *what) except -1 nogil:
    """The block at hand cannot be what it claims."""
    with gil:
        raise DamageError(what.decode())


cdef class Scanner:
    """Reads one capture after another into batches of columns; flows, comments and interface rows go on from file to file."""

    cdef Batch batch
    cdef list interfaces
    cdef dict names
    cdef Described *described
    cdef Py_ssize_t at
    cdef uint32_t described_count
    cdef uint32_t described_room
    cdef double density  # packets a byte, of a batch before
    cdef bint is_pcap
    cdef Py_ssize_t record_size  # of a pcap: bytes before a packet
    cdef bint begun
    cdef bint swapped
    cdef readonly Py_ssize_t needed
    """Bytes the block or record at `position` takes, as far as is known yet."""

    def __cinit__(self, flows not None, processes not None, list interfaces not None, bint decap=False):
        self.batch = Batch(flows, processes, decap)
        self.interfaces = interfaces
        self.names = flows.names
        self.begin()

    def __dealloc__(self):
        free(self.described)

    def begin(self):
        """The next bytes are the first of a file."""
        self.begun = self.is_pcap = self.swapped = False
        self.described_count = 0
        self.needed = 4

    def scan(self, const uint8_t[::1] data not None, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t most_packets):
        """Read blocks from `start` until one begins at or after `stop`, one is not all there, or the batch is full.

        Args:
            data: part of a file; data[start] is the first byte of a block (or of the file).
            stop: at most len(data).
            most_packets: rows the batch may have.
        Returns: (columns by name, position of the first byte not read, what is wrong with the block there or None).
        """
        cdef Py_ssize_t end = data.shape[0]
        cdef str wrong = None
        if not 0 <= start <= stop <= end:
            raise ValueError("start and stop lie outside the data")
        # Room is made for as many packets as there will be, as those before let expect: pages touched for the first time are what
        # a batch costs most, and a batch that fills up early is merely shorter. No packet takes less than 16 bytes of a file.
        self.batch.renew(min(most_packets, (end - start) // 16 + 1, <Py_ssize_t> ((stop - start) * self.density * 1.1) + FIRST_ROOM))
        self.at = start
        if start < end:
            try:
                with nogil:
                    self.walk(&data[0], end, stop)
            except DamageError as error:
                wrong = str(error)
        if self.at - start > MEASURED_BYTES:
            self.density = self.batch.count / <double> (self.at - start)
        return self.batch.columns_so_far(), self.at, wrong

    cdef int walk(self, const uint8_t *data, Py_ssize_t end, Py_ssize_t stop) except -1 nogil:
        """Read what is whole; `at` and `needed` say where and why it ended."""
        if not self.begun:
            if not self.begin_file(data, end):
                return 0
        while self.at < stop and self.batch.count < self.batch.room:
            if self.is_pcap:
                if not self.record(data, end):
                    return 0
            elif not self.block(data, end):
                return 0
        return 0

    cdef bint has(self, Py_ssize_t size, Py_ssize_t end) noexcept nogil:
        """Are `size` bytes of the block at hand there?"""
        self.needed = size
        return size <= end - self.at

    cdef bint begin_file(self, const uint8_t *data, Py_ssize_t end) except -1 nogil:
        """Tell the format by its first bytes. False: more bytes are needed."""
        cdef bint is_pcapng
        if not self.has(4, end):
            return False
        is_pcapng = get32(data + self.at, False) == BLOCK_SECTION
        if not is_pcapng:
            with gil:
                if data[self.at : self.at + 4] not in PCAP_MAGICS:
                    raise DamageError("neither pcapng nor pcap begins like this")
            if not self.has(24, end):
                return False
            with gil:
                header = read_pcap_header(data[self.at : self.at + 24])
                self.swapped = data[self.at] == 0xA1
                self.describe(header.interface, header.resolution, 0)
                self.record_size = header.record_size
            self.at += 24
        self.is_pcap = not is_pcapng
        self.begun = True
        return True

    cdef int describe(self, interface, uint8_t resolution, int64_t offset_s) except -1:
        """The next interface of this section."""
        cdef uint32_t room
        cdef Described *grown
        if len(self.interfaces) == MOST_INTERFACES:
            raise DamageError(f"more than {MOST_INTERFACES} interfaces")
        if self.described_count == self.described_room:
            room = self.described_room * 2 if self.described_room else 4
            grown = <Described *> realloc(self.described, room * sizeof(Described))
            if grown == NULL:
                raise MemoryError
            self.described = grown
            self.described_room = room
        grown = self.described + self.described_count
        set_clock(&grown.clock, resolution, offset_s)
        grown.link_type = interface.link_type
        grown.snap_length = interface.snap_length
        grown.fcs_size = interface.fcs_size
        grown.row = <uint16_t> len(self.interfaces)
        self.interfaces.append(interface)
        self.batch.watch_copies = len(self.interfaces) > 1
        self.described_count += 1
        return 0

    cdef bint record(self, const uint8_t *data, Py_ssize_t end) except -1 nogil:
        """One packet of a classic pcap. False: more bytes are needed."""
        cdef Stored packet
        cdef uint64_t seconds, fraction
        cdef uint32_t largest
        if not self.has(self.record_size, end):
            return False
        packet.interface = self.described
        packet.captured = get32(data + self.at + 8, self.swapped)
        packet.original = get32(data + self.at + 12, self.swapped)
        largest = packet.interface.snap_length
        largest = LARGEST_PACKET if largest < LARGEST_PACKET else LARGEST_BLOCK if largest > LARGEST_BLOCK else largest
        if packet.captured > largest:
            damage(b"a packet longer than any capture has")
        if not self.has(self.record_size + <Py_ssize_t> packet.captured, end):
            return False
        seconds = get32(data + self.at, self.swapped)
        fraction = get32(data + self.at + 4, self.swapped)
        packet.time_ns = <int64_t> (seconds * 1000000000 + fraction * packet.interface.clock.factor)
        packet.data = data + self.at + self.record_size
        packet.offset = <uint64_t> (self.at + self.record_size)
        packet.direction = 0
        packet.fcs_size = <uint8_t> packet.interface.fcs_size
        packet.claim_count = 0
        packet.options = NULL
        if self.record_size > 22:  # a modified pcap: the packet's type as a cooked capture has it
            packet.direction = 2 if data[self.at + 22] == 4 else 1 if data[self.at + 22] < 4 else 0
        self.batch.take(&packet)
        self.at += self.record_size + <Py_ssize_t> packet.captured
        return True

    cdef bint block(self, const uint8_t *data, Py_ssize_t end) except -1 nogil:
        """One pcapng block. False: more bytes are needed."""
        cdef const uint8_t *block = data + self.at
        cdef uint32_t kind, length
        if not self.has(12, end):
            return False
        kind = get32(block, self.swapped)
        if kind == BLOCK_SECTION:
            # The first four bytes read the same in both orders; the four after the length say which it is.
            if get32(block + 8, False) == 0x1A2B3C4D:
                self.swapped = False
            elif get32(block + 8, True) == 0x1A2B3C4D:
                self.swapped = True
            else:
                damage(b"a section without byte-order magic")
        length = get32(block + 4, self.swapped)
        if length < 12 or length % 4 != 0:
            damage(b"a block length that is too small or no multiple of 4")
        if length > LARGEST_BLOCK:
            damage(b"a block length beyond 129 MiB")
        if not self.has(length, end):
            return False
        ask_ahead(block + length, data + end)
        if get32(block + length - 4, self.swapped) != length:
            damage(b"the lengths before and after a block differ")
        if kind == BLOCK_ENHANCED or kind == BLOCK_PACKET:
            self.packet_block(block, length, kind == BLOCK_PACKET)
        elif kind == BLOCK_SIMPLE:
            self.simple_block(block, length)
        elif kind == BLOCK_SECTION or kind == BLOCK_INTERFACE or kind == BLOCK_STATISTICS or kind == BLOCK_NAMES:
            self.describing_block(block, length, kind)
        elif kind == BLOCK_APPLE_PROCESS or kind == BLOCK_CUSTOM or kind == BLOCK_CUSTOM_NOT_COPIED:
            self.process_block(block, length, kind)
        self.at += length
        return True

    cdef int describing_block(self, const uint8_t *block, uint32_t length, uint32_t kind) except -1 nogil:
        """Section header, interface description, interface statistics, name resolution."""
        cdef uint32_t least = 28 if kind == BLOCK_SECTION else 20 if kind == BLOCK_INTERFACE else 24 if kind == BLOCK_STATISTICS else 12
        if length < least:
            damage(b"a block shorter than its kind can be")
        with gil:
            body = block[8 : length - 4]
            order = ">" if self.swapped else "<"
            if kind == BLOCK_SECTION:
                check_section(body, order)
                self.batch.foreign.begin_section()
                self.described_count = 0
            elif kind == BLOCK_INTERFACE:
                found = read_interface(body, order)
                self.describe(found.interface, found.resolution, found.offset_s)
            elif kind == BLOCK_NAMES:
                for name in read_names(body, order):
                    self.names.setdefault(name.address, name.text)
            else:
                self.note_statistics(read_statistics(body, order))
        return 0

    cdef int process_block(self, const uint8_t *block, uint32_t length, uint32_t kind) except -1 nogil:
        """A block that describes a process. Wireshark's is a custom block, all others of which are passed over."""
        if kind != BLOCK_APPLE_PROCESS and (length < 28 or get32(block + 8, self.swapped) != WIRESHARK_PEN):
            return 0
        with gil:
            self.batch.foreign.add_block(kind, block[8 : length - 4], ">" if self.swapped else "<")
        return 0

    cdef int note_statistics(self, statistics) except -1:
        """Counts of an interface: the last block that tells them holds, for they only grow."""
        cdef uint32_t number = statistics.interface
        cdef uint16_t row
        if number >= self.described_count:
            raise DamageError("statistics of an interface that was not described")
        row = self.described[number].row
        self.interfaces[row] = self.interfaces[row].with_counts(statistics.received, statistics.dropped)
        return 0

    cdef int simple_block(self, const uint8_t *block, uint32_t length) except -1 nogil:
        """A packet without time, interface and options: it came from the section's first interface."""
        cdef Stored packet
        if length < 16:
            damage(b"a block shorter than its kind can be")
        if self.described_count == 0:
            damage(b"a packet of an interface that was not described")
        packet.interface = self.described
        packet.original = get32(block + 8, self.swapped)
        packet.captured = packet.original
        if packet.interface.snap_length != 0 and packet.captured > packet.interface.snap_length:
            packet.captured = packet.interface.snap_length
        if packet.captured > length - 16:
            damage(b"a packet longer than its block")
        packet.data = block + 12
        packet.offset = <uint64_t> self.at + 12
        packet.time_ns = 0
        packet.direction = 0
        packet.fcs_size = <uint8_t> packet.interface.fcs_size
        packet.claim_count = 0
        packet.options = NULL
        return self.batch.take(&packet)

    cdef int packet_block(self, const uint8_t *block, uint32_t length, bint obsolete) except -1 nogil:
        """An enhanced packet block, or the packet block it replaced (which has a drop count in half of the interface number)."""
        cdef Stored packet
        cdef uint32_t number
        cdef uint64_t ticks
        if length < 32:
            damage(b"a block shorter than its kind can be")
        number = get16(block + 8, self.swapped) if obsolete else get32(block + 8, self.swapped)
        if number >= self.described_count:
            damage(b"a packet of an interface that was not described")
        packet.interface = self.described + number
        packet.captured = get32(block + 20, self.swapped)
        packet.original = get32(block + 24, self.swapped)
        if packet.captured > length - 32:
            damage(b"a packet longer than its block")
        ticks = <uint64_t> get32(block + 12, self.swapped) << 32 | get32(block + 16, self.swapped)
        packet.time_ns = clock_ns(&packet.interface.clock, ticks)
        packet.data = block + 28
        packet.offset = <uint64_t> self.at + 28
        self.options(block, 28 + padded(packet.captured), length - 4, &packet)
        return self.batch.take(&packet)

    cdef int options(self, const uint8_t *block, uint32_t at, uint32_t end, Stored *packet) except -1 nogil:
        """Direction and comments among a packet's options, which lie from `at` to `end`. The end mark may be missing."""
        cdef uint16_t code, size
        cdef uint32_t flags
        cdef const uint8_t *first = block + at
        packet.options_size = end - at if at < end else 0
        packet.swapped = self.swapped
        packet.direction = 0
        packet.fcs_size = <uint8_t> packet.interface.fcs_size
        packet.claim_count = 0
        packet.options = NULL
        while at + 4 <= end:
            code = get16(block + at, self.swapped)
            size = get16(block + at + 2, self.swapped)
            if code == OPTION_END:
                break
            at += 4
            if size > end - at:
                damage(b"an option runs past its block")
            if code == OPTION_COMMENT:
                if (size >= CLAIM_MARK_SIZE and packet.claim_count < MOST_CLAIMS
                        and memcmp(block + at, CLAIM_MARK, CLAIM_MARK_SIZE) == 0):
                    packet.claim_text[packet.claim_count] = block + at
                    packet.claim_size[packet.claim_count] = size
                    packet.claim_count += 1
                else:
                    packet.options = first
            elif code == OPTION_FLAGS and size == 4:
                flags = get32(block + at, self.swapped)
                packet.direction = flags & 3
                if flags >> 5 & 15:
                    packet.fcs_size = flags >> 5 & 15
                if packet.direction == 3:
                    packet.direction = 0  # not defined
            elif code == OPTION_PROCESS_AND_THREAD or code >= OPTION_APPLE:
                packet.options = first
            at += padded(size)
        return 0

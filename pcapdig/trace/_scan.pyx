"""Scans a capture: runs the walk over its bytes, reads the few blocks that describe, and puts packets into batches of columns, or sums."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

import os

cdef extern from "<stdlib.h>" nogil:
    int posix_memalign(void **to, size_t alignment, size_t size)

from pcapdig.packets._unread cimport KINDS
from pcapdig.trace._batch cimport MOST_INTERFACES, Batch
from pcapdig.trace._bytes cimport get32, padded
from pcapdig.trace._clock cimport set_clock
from pcapdig.trace._flows cimport FlowTable
from pcapdig.trace._framing cimport BLOCK_INTERFACE, BLOCK_NAMES, BLOCK_SECTION, MOST_DESCRIBED
from pcapdig.trace._renumbering cimport endings_of, renumber
from pcapdig.trace._reading cimport MOST_PLACES, PLACE_BYTES, Reading, begin_reading, help_reading
from pcapdig.trace._walk cimport (
    DAMAGED, DESCRIBING, FULL, NO_MEMORY, RING_PACKETS, TOO_SHORT,
    TURN_PACKETS, Described, Ring, Stored, Thread, Walk, acquired, acquired_flag, be_patient, begin_thread, end_thread,
    raise_flag, reach, walk, walk_alone,
)

from pcapdig.trace.blocks import (
    PCAP_MAGICS,
    UNALIGNED,
    DamageError,
    check_section,
    read_interface,
    read_names,
    read_pcap_header,
    read_statistics,
)

cdef enum:
    FIRST_ROOM = 16384  # packets of a batch of which nothing is known yet
    MEASURED_BYTES = 1 << 20  # fewer tell little of the packets to come
    LINES_BYTES = 128  # two lines of a processor's cache, which it fetches together
    MOST_THREADS = 16  # begun in one call: describing blocks that end them come too often then
    WORTH_A_THREAD_BYTES = 1 << 20  # take longer to walk than a thread to begin


cdef void *zeroed_lines(size_t size) except NULL:
    """Memory that shares no line with any other: two threads write to it."""
    cdef void *memory
    if posix_memalign(&memory, LINES_BYTES, size):
        raise MemoryError
    memset(memory, 0, size)
    return memory


cdef class Scanner:
    """Reads one capture after another into batches of columns, or into sums; flows, comments and interface rows go on from file to file."""

    cdef Batch batch
    cdef list interfaces
    cdef dict equal_rows  # interfaces by what is known of them, once the table is full
    cdef readonly list remarks
    cdef dict names
    cdef dict sites  # numbers of interfaces, see site_of
    cdef dict described_names  # how many of a name this section described
    cdef Walk walk
    cdef Ring *ring
    cdef Reading *reading
    cdef uint32_t described_room
    cdef double density  # packets a byte, of a batch before
    cdef bint begun
    cdef bint may_run_aside

    def __cinit__(self, flows not None, processes not None, list interfaces not None, bint decap=False):
        self.batch = Batch(flows, processes)
        self.batch.decap = decap
        self.interfaces = interfaces
        self.remarks = []
        self.names = flows.names
        self.sites = {}
        self.may_run_aside = len(os.sched_getaffinity(0)) > 1
        memset(&self.walk, 0, sizeof(Walk))
        self.ring = <Ring *> zeroed_lines(sizeof(Ring))
        self.reading = <Reading *> zeroed_lines(sizeof(Reading))
        self.ring.packets = <Stored *> zeroed_lines(RING_PACKETS * sizeof(Stored))
        self.reading.memory = <uint8_t *> malloc(MOST_PLACES * PLACE_BYTES)
        if self.reading.memory == NULL:
            raise MemoryError
        self.walk.ring = self.ring
        self.walk.reading = self.reading
        self.walk.decap = decap
        self.walk.claims = &self.batch.claims.table
        self.begin()

    def __dealloc__(self):
        free(self.walk.described)
        if self.reading != NULL:
            free(self.reading.memory)
        free(self.reading)
        if self.ring != NULL:
            free(self.ring.packets)
        free(self.ring)

    def begin(self):
        """The next bytes are the first of a file."""
        self.begun = self.walk.is_pcap = self.walk.swapped = self.walk.is_unaligned = False
        self.remarks = []
        self.walk.described_count = 0
        self.described_names = {}
        self.walk.needed = 4

    @property
    def needed(self):
        """Bytes the block or record at the first byte not read takes, as far as is known yet."""
        return self.walk.needed

    def scan(self, const uint8_t[::1] data not None, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t most_packets, int fd=-1):
        """Read blocks from `start` until one begins at or after `stop`, one is not all there, or the batch is full.

        Args:
            data: part of a file; data[start] is the first byte of a block (or of the file).
            stop: at most len(data).
            most_packets: rows the batch may have.
            fd: of the file that data maps as a whole, if it does: a faster way to the same bytes.
        Returns: (columns by name, position of the first byte not read, what is wrong with the block there or None).
        """
        # Room is made for as many packets as there will be, as those before let expect: pages touched for the first time are what
        # a batch costs most, and a batch that fills up early is merely shorter. No packet takes less than 16 bytes of a file.
        self.batch.renew(min(
            most_packets, (data.shape[0] - start) // 16 + 1, <Py_ssize_t> ((stop - start) * self.density * 1.1) + FIRST_ROOM
        ))
        wrong = self.read_part(data, start, stop, fd)
        if self.walk.at - start > MEASURED_BYTES:
            self.density = self.batch.count / <double> (self.walk.at - start)
        return self.batch.columns_so_far(), self.walk.at, wrong

    def sum_up(self, const uint8_t[::1] data not None, Py_ssize_t start, Py_ssize_t stop, int fd=-1):
        """The same without columns: packets go into `sums` and `fresh_bytes`. Needs no numpy.

        Returns: (packets, position of the first byte not read, what is wrong with the block there or None).
        """
        self.batch.begin_sums()
        wrong = self.read_part(data, start, stop, fd)
        self.batch.count_packets()
        return self.batch.count, self.walk.at, wrong

    @property
    def packets(self):
        """Packets of all batches so far."""
        return self.batch.packets

    def unread(self):
        """Packets by kind, as `packets/_unread.pxd` has them: those without a flow, and those in tunnels that were not opened."""
        cdef uint32_t kind
        if self.batch.unread_count == 0:
            return {}
        return {kind: self.batch.unread[kind] for kind in range(KINDS) if self.batch.unread[kind] != 0}

    @property
    def first_ns(self):
        """Time of the first packet of all, if `sum_up` read it."""
        return self.batch.first_ns

    @property
    def sums(self):
        """What `sum_up` added up by process, and by interface."""
        return self.batch.sums

    def fresh_bytes(self):
        """And by flow: first 0, for what has no flow, then one number a flow; as 64-bit integers of this machine."""
        cdef FlowTable flows = self.batch.flows
        cdef int32_t i
        sums = bytearray((<Py_ssize_t> flows.count + 1) * sizeof(uint64_t))
        cdef uint8_t[::1] view = sums
        cdef uint64_t *to = <uint64_t *> &view[0]
        for i in range(flows.count):
            to[i + 1] = flows.states[i].fresh
        return sums

    def endings(self):
        """How each flow stands, a byte a row: see `_renumbering.pyx`."""
        return endings_of(self.batch.flows)

    def renumber(self, const int32_t[::1] new not None):
        """Keep some flows, and not too many comments, between two batches. `new`, by row: its new number, -1 where it goes."""
        renumber(self.batch.flows, new)
        self.batch.claims.limit()

    cdef str read_part(self, const uint8_t[::1] data, Py_ssize_t start, Py_ssize_t stop, int fd):
        """Read as `scan` says into what the batch has made ready. What is wrong with the block that it ended at, or None."""
        cdef Py_ssize_t end = data.shape[0]
        cdef Walk *w = &self.walk
        if not 0 <= start <= stop <= end:
            raise ValueError("start and stop lie outside the data")
        w.at = start
        if start < end:
            w.data = &data[0]
            w.end = end
            w.stop = stop
            begin_reading(self.reading, fd, start, stop, MOST_PLACES if self.may_run_aside else 2)
            try:
                self.read_on()
            except DamageError as error:
                return str(error)
            finally:
                if w.is_unaligned and UNALIGNED not in self.remarks:
                    self.remarks.append(UNALIGNED)
        return None

    cdef int read_on(self) except -1:
        """Read what is whole; `at` and `needed` of the walk say where and why it ended."""
        cdef Walk *w = &self.walk
        cdef int threads = 0
        if not self.begun and not self.begin_file():
            return 0
        self.ring.made = self.ring.taken = self.ring.tagged = w.made = 0
        w.most = <uint64_t> self.batch.room
        while True:
            if self.may_run_aside and w.stop - w.at >= WORTH_A_THREAD_BYTES and threads < MOST_THREADS:
                threads += 1
                self.walk_aside()
            else:
                self.take_turns()
            if w.ended == DAMAGED:
                raise DamageError(w.what.decode())
            if w.ended == NO_MEMORY:
                raise MemoryError("no memory for another comment")
            if w.ended != DESCRIBING:
                return 0
            self.describing_block()

    cdef int take_turns(self) except -1:
        """Walk some packets, put them into the batch, and so on."""
        self.walk.waits = False
        self.walk.window = TURN_PACKETS
        with nogil:
            while True:
                walk(&self.walk)
                self.batch.take_made(self.ring, self.walk.data)
                if self.walk.ended != FULL:
                    return 0

    cdef int walk_aside(self) except -1:
        """Walk in a thread, and put what it makes into the batch in this one. The thread has ended when this returns."""
        cdef unsigned int tries = 0
        cdef bint over = False
        cdef Thread thread
        self.walk.waits = True
        self.walk.window = RING_PACKETS
        self.ring.unwanted = self.ring.over = False
        if not begin_thread(&thread, walk_alone, &self.walk):
            return self.take_turns()
        try:
            with nogil:
                while not over:
                    over = acquired_flag(&self.ring.over)  # asked first: then all it made is seen below
                    if acquired(&self.ring.made) == self.ring.taken:
                        if not help_reading(self.reading):
                            tries += 1
                            be_patient(tries)
                        continue
                    tries = 0
                    self.batch.take_made(self.ring, self.walk.data)
        finally:
            raise_flag(&self.ring.unwanted, True)
            with nogil:
                end_thread(thread)
        return 0

    cdef bint begin_file(self) except -1:
        """Tell the format by its first bytes. False: more bytes are needed."""
        cdef Walk *w = &self.walk
        cdef const uint8_t *head = reach(w, 4)
        if head == NULL:
            return False
        if get32(head, False) != BLOCK_SECTION:
            if head[:4] not in PCAP_MAGICS:
                raise DamageError("neither pcapng nor pcap begins like this")
            head = reach(w, 24)
            if head == NULL:
                return False
            header = read_pcap_header(head[:24])
            if header.remark:
                self.remarks.append(header.remark)
            w.swapped = head[0] == 0xA1
            self.describe(header.interface, header.resolution, 0)
            w.record_size = header.record_size
            w.lengths = header.lengths
            w.at += 24
            w.is_pcap = True
        self.begun = True
        return True

    cdef int describe(self, interface, uint8_t resolution, int64_t offset_s) except -1:
        """The next interface of this section."""
        cdef Walk *w = &self.walk
        cdef uint32_t room
        cdef Described *grown
        if w.described_count == MOST_DESCRIBED:
            raise DamageError(f"more than {MOST_DESCRIBED} interfaces in a section")
        if w.described_count == self.described_room:
            room = self.described_room * 2 if self.described_room else 4
            grown = <Described *> realloc(w.described, room * sizeof(Described))
            if grown == NULL:
                raise MemoryError
            w.described = grown
            self.described_room = room
        grown = w.described + w.described_count
        set_clock(&grown.clock, resolution, offset_s)
        grown.link_type = interface.link_type
        grown.snap_length = interface.snap_length
        grown.fcs_size = interface.fcs_size
        grown.is_loopback = interface.is_loopback
        grown.is_shared = len(self.interfaces) > MOST_INTERFACES
        grown.row = <uint16_t> len(self.interfaces) if not grown.is_shared else self.shared_row(interface)
        if not grown.is_shared:
            self.interfaces.append(interface)
        grown.site = self.site_of(interface)
        w.has_sites = len(self.sites) > 1
        w.described_count += 1
        return 0

    cdef uint16_t shared_row(self, interface) except? 0:
        """The row of an interface when the table is full: that of an equal one; else the last, which has no name of its own from then on."""
        if self.equal_rows is None:
            self.equal_rows = {}
            for row, other in enumerate(self.interfaces):
                self.equal_rows.setdefault(other.without_counts(), row)
        if interface not in self.equal_rows:
            if self.interfaces[MOST_INTERFACES].name is not None:
                self.remarks.append(f"more than {MOST_INTERFACES + 1} different interfaces: some share a row without a name")
                self.interfaces[MOST_INTERFACES] = self.interfaces[MOST_INTERFACES].without_name()
            self.equal_rows[interface] = MOST_INTERFACES
        return self.equal_rows[interface]

    cdef uint32_t site_of(self, interface) except? 0:
        """A number for an interface, the same where it goes on in another section or file: by its name, else its place among those without.

        Two of a section that have one name, as where captures of two machines were merged, are two.
        """
        known = (interface.name, interface.link_type)
        self.described_names[known] = number = self.described_names.get(known, 0) + 1
        return self.sites.setdefault((*known, number), (len(self.sites) + 1) * 0x85EBCA6B & 0xFFFFFFFF)

    cdef int describing_block(self) except -1:
        """Section header, interface description, interface statistics, name resolution: the walk has checked the lengths of the block."""
        cdef Walk *w = &self.walk
        cdef const uint8_t *block = w.data + w.at
        cdef uint32_t kind = get32(block, w.swapped)
        cdef uint32_t length = padded(get32(block + 4, w.swapped))
        cdef uint32_t least = 28 if kind == BLOCK_SECTION else 20 if kind == BLOCK_INTERFACE else 12 if kind == BLOCK_NAMES else 24
        if length < least:
            raise DamageError(TOO_SHORT.decode())
        body = block[8 : length - 4]
        order = ">" if w.swapped else "<"
        if kind == BLOCK_SECTION:
            check_section(body, order)
            self.batch.foreign.begin_section()
            w.described_count = 0
            self.described_names = {}
        elif kind == BLOCK_INTERFACE:
            found = read_interface(body, order)
            self.describe(found.interface, found.resolution, found.offset_s)
        elif kind == BLOCK_NAMES:
            for name in read_names(body, order):
                self.names.setdefault(name.address, name.text)
        else:
            self.note_statistics(read_statistics(body, order))
        w.at += length
        return 0

    cdef int note_statistics(self, statistics) except -1:
        """Counts of an interface: the last block that gives them holds, for they only grow. Counts of an interface that was not described are ignored."""
        cdef uint32_t number = statistics.interface
        cdef uint32_t row
        if number >= self.walk.described_count or self.walk.described[number].is_shared:
            return 0
        row = self.walk.described[number].row
        self.interfaces[row] = self.interfaces[row].with_counts(statistics.received, statistics.dropped)
        return 0

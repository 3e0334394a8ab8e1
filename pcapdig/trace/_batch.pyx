"""One packet after another into columns: headers, flow, fresh bytes, and the processes its comments name.

The scanner finds packets in a file and describes each as `Stored`, all of whose lengths it has checked; nothing can be wrong here.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free

import numpy as np

from pcapdig.packets._headers cimport PacketHeaders, read_headers
from pcapdig.packets._tunnels cimport read_inner_headers
from pcapdig.trace._bytes cimport get16, get32
from pcapdig.trace._claims cimport Claims, NativeClaim
from pcapdig.trace._copies cimport SIGHTING_SLOTS, Sighting, fingerprint, is_copy
from pcapdig.trace._foreign cimport END_CLIENT, END_LOCAL, Answer, Foreign
from pcapdig.trace._flows cimport FlowTable, Placed

cdef enum:
    LINK_SLL = 113
    LINK_SLL2 = 276

cdef enum:
    PROTOCOL_TCP = 6

COLUMNS = (
    ("number", "u8"), ("time_ns", "i8"), ("offset", "u8"), ("payload_offset", "u8"),
    ("captured", "u4"), ("original", "u4"), ("flow", "i4"), ("payload_captured", "u4"), ("payload_length", "u4"),
    ("fresh", "u4"), ("seq", "u4"), ("ack", "u4"), ("writer", "i4"), ("reader", "i4"),
    ("interface", "u2"),
    ("forward", "?"), ("tcp_flags", "u1"), ("direction", "u1"), ("writer_evidence", "u1"), ("reader_evidence", "u1"),
)
"""The columns of a batch in the order in which they lie in its one piece of memory, widest first so that all are aligned."""



cdef inline uint8_t direction_of_link(uint32_t link_type, const uint8_t *data, uint32_t captured) noexcept nogil:
    """Linux cooked captures say themselves which way a packet went (sll_pkttype): 4 is outgoing, 0 to 3 are received."""
    cdef uint16_t kind
    if link_type == LINK_SLL and captured >= 16:
        kind = get16(data, True)
    elif link_type == LINK_SLL2 and captured >= 20:
        kind = data[10]
    else:
        return 0
    return 2 if kind == 4 else 1 if kind < 4 else 0


cdef class Batch:
    """The batch at hand. Flows and comments go on from batch to batch."""

    def __cinit__(self, flows not None, processes not None, bint decap=False):
        self.decap = decap
        self.flows = FlowTable(flows)
        self.claims = Claims(processes)
        self.foreign = Foreign(processes)
        self.sightings = <Sighting *> calloc(SIGHTING_SLOTS, sizeof(Sighting))
        if self.sightings == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.sightings)

    cdef int renew(self, Py_ssize_t room) except -1:
        """Memory for `room` packets, as named arrays and as pointers. Pages never written to cost nothing."""
        cdef uintptr_t address
        cdef void **pointers = <void **> &self.columns
        cdef Py_ssize_t size, i, start = 0
        self.room = room
        self.count = 0
        room = (room + 7) & ~7
        memory = np.empty(room * sum(np.dtype(kind).itemsize for _, kind in COLUMNS), np.uint8)
        address = memory.ctypes.data
        self.arrays = {}
        for i, (name, kind) in enumerate(COLUMNS):
            size = room * np.dtype(kind).itemsize
            self.arrays[name] = memory[start : start + size].view(kind)
            pointers[i] = <void *> (address + <uintptr_t> start)
            start += size
        return 0

    cdef dict columns_so_far(self):
        """What was taken since `renew`, by column."""
        cdef Py_ssize_t i
        for i in range(self.count):
            self.columns.number[i] = self.packets + 1 + <uint64_t> i
        self.packets += <uint64_t> self.count
        self.flows.show()
        return {name: column[: self.count] for name, column in self.arrays.items()}

    cdef int take(self, const Stored *packet) except -1 nogil:
        """Add one packet to the batch."""
        cdef PacketHeaders h
        cdef Placed placed
        cdef Py_ssize_t i = self.count
        cdef Columns *to = &self.columns
        cdef uint32_t captured = packet.captured, original = packet.original, before = 0
        cdef bint found
        if packet.fcs_size != 0 and original > packet.fcs_size:
            original -= packet.fcs_size
            captured = original if captured > original else captured
        placed.flow = -1
        placed.forward = True
        if self.decap:
            found = read_inner_headers(packet.data, captured, original, packet.interface.link_type, &h)
        else:
            found = read_headers(packet.data, captured, original, packet.interface.link_type, &h)
        if found:
            self.flows.place(&h, packet.time_ns, packet.interface.row, &placed)
        before = h.payload_offset if h.payload_offset < captured else captured
        to.time_ns[i] = packet.time_ns
        to.offset[i] = packet.offset
        to.payload_offset[i] = packet.offset + before
        to.captured[i] = packet.captured
        to.original[i] = packet.original
        to.flow[i] = placed.flow
        to.payload_captured[i] = h.payload_length if h.payload_length < captured - before else captured - before
        to.payload_length[i] = h.payload_length
        to.fresh[i] = self.fresh(packet, &h, &placed, to.payload_captured[i])
        to.seq[i] = h.seq
        to.ack[i] = h.ack
        to.interface[i] = packet.interface.row
        to.forward[i] = placed.forward
        to.tcp_flags[i] = h.tcp_flags
        to.direction[i] = packet.direction
        if packet.direction == 0:
            to.direction[i] = direction_of_link(packet.interface.link_type, packet.data, captured)
        to.writer[i] = to.reader[i] = -1
        to.writer_evidence[i] = to.reader_evidence[i] = 0
        if packet.claim_count != 0:
            self.name_ends(packet, &placed, i)
        if packet.options != NULL and to.writer[i] < 0 and to.reader[i] < 0:
            self.name_foreign(packet, &placed, i)
        self.count = i + 1
        return 0

    cdef uint32_t fresh(
        self, const Stored *packet, const PacketHeaders *h, const Placed *placed, uint32_t stored
    ) noexcept nogil:
        """Payload bytes not seen before: by sequence numbers, else unless this is a copy from another interface."""
        cdef uint64_t about
        cdef uint32_t seen_at = packet.interface.row
        if placed.flow >= 0 and h.protocol == PROTOCOL_TCP:
            return self.flows.fresh(h, placed)  # without payload too: SYN and FIN move the sequence
        if placed.flow < 0 or h.payload_length == 0:
            return h.payload_length
        if packet.interface.link_type == LINK_SLL2 and packet.captured >= 20:
            seen_at = MOST_INTERFACES + 1 + get32(packet.data + 4, True)  # one interface in the file, yet each packet has its own
        elif not self.watch_copies:
            return h.payload_length
        about = (<uint64_t> placed.flow << 33) ^ (<uint64_t> h.payload_length << 1) ^ placed.forward
        about += <uint64_t> h.ip_id * <uint64_t> 0xD6E8FEB86659FD93ULL
        if is_copy(self.sightings, fingerprint(packet.data + h.payload_offset, stored, about), seen_at, packet.time_ns):
            return 0
        return h.payload_length

    cdef int name_ends(self, const Stored *packet, const Placed *placed, Py_ssize_t i) except -1 nogil:
        """Writer and reader of packet `i` from its comments; the first claim of an end holds."""
        cdef Columns *to = &self.columns
        cdef const NativeClaim *claim
        cdef uint32_t *last = NULL
        cdef uint32_t guess, number
        cdef int c
        if placed.flow >= 0:
            last = self.flows.states[placed.flow].claim[0 if placed.forward else 1]
        for c in range(packet.claim_count):
            guess = last[c] if last != NULL and c < 2 else 0
            number = self.claims.number_of(packet.claim_text[c], packet.claim_size[c], guess)
            if last != NULL and c < 2:
                last[c] = number
            claim = self.claims.claims + number - 1
            if claim.process < 0:
                continue
            if claim.is_write and to.writer[i] < 0:
                to.writer[i] = claim.process
                to.writer_evidence[i] = claim.evidence
            elif not claim.is_write and to.reader[i] < 0:
                to.reader[i] = claim.process
                to.reader_evidence[i] = claim.evidence
        return 0

    cdef int name_foreign(self, const Stored *packet, const Placed *placed, Py_ssize_t i) except -1 nogil:
        """Writer or reader of packet `i` from what another program wrote. How it knew is not said."""
        cdef Columns *to = &self.columns
        cdef bint writes
        cdef const Answer *answer = self.foreign.answer(packet.options, packet.options_size, packet.swapped, packet.time_ns)
        if answer.process < 0:
            return 0
        if answer.end == END_LOCAL:
            writes = self.foreign_writes(answer.process, placed, to.direction[i])
        else:
            writes = (answer.end == END_CLIENT) == placed.forward
        if writes:
            to.writer[i] = answer.process
        else:
            to.reader[i] = answer.process
        return 0

    cdef bint foreign_writes(self, int32_t process, const Placed *placed, uint8_t direction) noexcept nogil:
        """Did the process send the packet? As the packet's direction says; else it sent the flow's first packet that names it, as the
        draft says of option 8, and stays at that end.
        """
        cdef int32_t *seen
        cdef int end = 0 if placed.forward else 1  # the sender's
        if direction != 0:
            return direction == 2
        if placed.flow < 0:
            return True
        seen = self.flows.states[placed.flow].foreign
        if seen[end] == process + 1:
            return True
        if seen[1 - end] == process + 1:
            return False
        if seen[end] == 0:
            seen[end] = process + 1
        return True

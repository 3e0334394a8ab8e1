"""One packet after another into columns, or into sums: flow, fresh bytes, and the processes its comments name.

The walk finds packets in a file and describes each as `Stored`, all of whose lengths it has checked; nothing can be wrong here. Packets
wait in a ring, so that what one of them will look up in the flow table can be fetched while those before it are taken.
"""

from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from pcapdig.packets._headers cimport PacketHeaders
from pcapdig.packets._tunnels cimport may_be_tunnel, tunnel_kind
from pcapdig.packets._unread cimport FRAGMENT, KINDS, unread_kind
from pcapdig.trace._client_rule cimport BY_LISTENER
from pcapdig.trace._copies cimport is_copy
from pcapdig.trace._flow_hash cimport flow_tag
from pcapdig.trace._flow_state cimport Ends, FlowState
from pcapdig.trace._flows cimport Placed
from pcapdig.trace._fragments cimport ANYWHERE
from pcapdig.trace._local cimport BOTH_LOCAL
from pcapdig.trace._naming cimport Naming
from pcapdig.trace._sums cimport Sums
from pcapdig.trace._walk cimport PUBLISHED_PACKETS, RING_PACKETS, Ring, Stored, acquired, ask_for, release_to

cdef enum:
    PROTOCOL_TCP = 6
    SYN_ACK = 2 | 16

cdef enum:
    WAITING_PACKETS = 256  # fragments that came before their datagram's first one; beyond that the oldest stays without a flow
    ANSWERS_LOOKED_AT = 4096  # rows before the client's choice in which SYN+ACKs are looked for
    DOUBTED_PACKETS = 1024  # segments outside the windows; beyond that the oldest stays there, whatever is learnt

cdef enum:
    PACKET_AHEAD = 40  # packets before its turn that a packet is asked for: another processor may have it
    SLOT_AHEAD = 16  # packets before its turn that a packet's slot is asked for
    FLOW_AHEAD = 8  # and its flow, when the slot is there

COLUMNS = (
    ("number", "u8"), ("time_ns", "i8"), ("offset", "u8"), ("payload_offset", "u8"),
    ("captured", "u4"), ("original", "u4"), ("flow", "i4"), ("payload_captured", "u4"), ("payload_length", "u4"),
    ("fresh", "u4"), ("seq", "u4"), ("ack", "u4"), ("writer", "i4"), ("reader", "i4"),
    ("interface", "u2"),
    ("forward", "?"), ("tcp_flags", "u1"), ("direction", "u1"), ("writer_evidence", "u1"), ("reader_evidence", "u1"),
    ("out_of_window", "?"),
)
"""The columns of a batch in the order in which they lie in its one piece of memory, widest first so that all are aligned."""



cdef class Batch(Naming):
    """The batch at hand. Flows and comments go on from batch to batch."""

    def __cinit__(self, flows not None, processes not None):
        self.sums = Sums()
        self.waiting = <Waiting *> calloc(WAITING_PACKETS, sizeof(Waiting))
        self.unread = <uint64_t *> calloc(KINDS, sizeof(uint64_t))  # pages never written to cost nothing
        self.doubts = <Doubt *> calloc(DOUBTED_PACKETS, sizeof(Doubt))
        self.doubted = <int32_t *> calloc(DOUBTED_PACKETS, sizeof(int32_t))
        if self.waiting == NULL or self.unread == NULL or self.doubts == NULL or self.doubted == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.waiting)
        free(self.unread)
        free(self.doubts)
        free(self.doubted)

    cdef int renew(self, Py_ssize_t room) except -1:
        """Memory for `room` packets, as named arrays and as pointers. Pages never written to cost nothing."""
        import numpy as np  # sums do without
        cdef uintptr_t address
        cdef void **pointers = <void **> &self.columns
        cdef Py_ssize_t size, i, start = 0
        self.is_summing = False
        self.room = room
        self.count = 0
        self.wait_count = self.doubt_count = 0
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

    cdef int begin_sums(self) except -1:
        """What is taken next goes into sums, that go on from those made before."""
        self.is_summing = True
        self.room = INT64_MAX
        self.count = 0
        self.wait_count = self.doubt_count = 0
        return 0

    cdef void count_packets(self):
        """The batch is full: packets after it go on from its numbers, and who is the client of its flows stays."""
        self.flows.end_batch()
        self.turn_round()
        self.flows.first_of_batch = self.flows.count
        self.packets += <uint64_t> self.count
        self.flows.show()

    cdef void turn_round(self) noexcept:
        """Rows say which way they go as their flows began; of those turned round since then all go the other way."""
        cdef FlowState *states = self.flows.states
        cdef int32_t flow, first = self.flows.first_of_batch
        cdef bint any_flipped = False
        cdef Py_ssize_t i
        for flow in range(first, self.flows.count):
            any_flipped |= states[flow].flipped
        if not any_flipped:
            return
        if not self.is_summing:
            for i in range(self.count):
                flow = self.columns.flow[i]
                if flow >= first:
                    self.columns.forward[i] ^= states[flow].flipped
        for flow in range(first, self.flows.count):
            states[flow].flipped = 0

    cdef dict columns_so_far(self):
        """What was taken since `renew`, by column."""
        cdef Py_ssize_t i
        for i in range(self.count):
            self.columns.number[i] = self.packets + 1 + <uint64_t> i
        self.count_packets()
        return {name: column[: self.count] for name, column in self.arrays.items()}

    cdef int take_made(self, Ring *ring, const uint8_t *data) except -1 nogil:
        """Add the packets that wait in the ring to the batch; `data` is the chunk they lie in."""
        cdef uint64_t made = acquired(&ring.made)
        cdef uint64_t at = ring.taken
        cdef uint64_t mask = RING_PACKETS - 1
        cdef uint64_t tagged = ring.tagged
        cdef Stored *packet
        while at < made:
            if at + PACKET_AHEAD < made:
                packet = ring.packets + ((at + PACKET_AHEAD) & mask)
                ask_for(packet)
                ask_for(<uint8_t *> packet + 64)
                ask_for(<uint8_t *> packet + 128)
            while tagged < made and tagged <= at + SLOT_AHEAD:
                packet = ring.packets + (tagged & mask)
                packet.tag = flow_tag(&packet.h, self.flows.seed) if packet.found else 0
                self.flows.ask_for_slot(packet.tag)
                tagged += 1
            if at + FLOW_AHEAD < tagged:
                self.flows.ask_for_flow(ring.packets[(at + FLOW_AHEAD) & mask].tag)
            packet = ring.packets + (at & mask)
            if packet.is_process:
                self.add_process_block(packet, data + packet.offset)
            else:
                self.take(packet, data)
            at += 1
            if at % PUBLISHED_PACKETS == 0:
                release_to(&ring.taken, at)
        ring.tagged = tagged
        release_to(&ring.taken, at)
        return 0

    cdef int take(self, Stored *packet, const uint8_t *data) except -1 nogil:
        """Add one packet to the batch."""
        cdef PacketHeaders *h = &packet.h
        cdef Placed placed
        cdef Ends ends
        cdef uint32_t fresh
        memset(&placed, 0, sizeof(Placed))
        placed.flow = -1
        placed.forward = True
        ends.writer = ends.reader = -1
        ends.writer_evidence = ends.reader_evidence = 0
        if packet.claim_count != 0:
            self.name_ends(packet, data + packet.offset, &ends)
        if packet.found:
            self.flows.place(packet, data + packet.offset, &ends, &placed)
        if placed.flow < 0 or may_be_tunnel(h):
            self.count_unread(packet, data + packet.offset, placed.flow)
        fresh = self.look_at(packet, data, &placed, &ends, self.count)
        if self.is_summing:
            self.sums.add(fresh, ends.writer, ends.reader, packet.row, packet.time_ns)
            if packet.direction & BOTH_LOCAL:
                self.sums.add_local_end(fresh, ends.writer, ends.reader)
            if self.packets == 0 and self.count == 0:
                self.first_ns = packet.time_ns
        if h.is_fragment and placed.flow < 0 and packet.found:
            self.wait_for_first(packet, fresh, &ends)
        if placed.is_outside:
            self.doubt(packet, placed.flow, &ends)
        self.count += 1
        if h.is_first_fragment and self.wait_count != 0 and placed.flow >= 0:
            self.place_waiting(self.flows.fragment_key(h, ANYWHERE), data)
        if placed.is_elsewhere:
            self.place_doubted(placed.doubted, data)
        if placed.is_choice and not self.is_summing:
            self.refuse_answers(placed.flow)
        return 0

    cdef void refuse_answers(self, int32_t flow) noexcept nogil:
        """The client took one of several SYN+ACKs: the others, not far before this packet, were not accepted."""
        cdef uint32_t number = self.flows.states[flow].isn[1]
        cdef Py_ssize_t i, first = self.count - ANSWERS_LOOKED_AT if self.count > ANSWERS_LOOKED_AT else 0
        for i in range(first, self.count):
            if self.columns.flow[i] == flow and self.columns.tcp_flags[i] & SYN_ACK == SYN_ACK and self.columns.seq[i] != number:
                self.columns.out_of_window[i] = True

    cdef void count_unread(self, const Stored *packet, const uint8_t *data, int32_t flow) noexcept nogil:
        """Count a packet by what it is, that has no flow or is in a tunnel that is not opened."""
        cdef uint32_t kind = 0
        if flow < 0:
            kind = unread_kind(data, packet.usable, packet.original, packet.link_type, &packet.h)
        elif not self.decap:
            kind = tunnel_kind(data, packet.usable, &packet.h)
        if flow < 0 or kind != 0:
            self.unread[kind] += 1
            self.unread_count += 1

    cdef void wait_for_first(self, const Stored *packet, uint32_t fresh, const Ends *ends) noexcept nogil:
        """Remember a fragment whose datagram's first one did not come yet; it may, in this batch."""
        cdef Waiting *w = self.waiting + self.wait_count % WAITING_PACKETS
        w.key = self.flows.fragment_key(&packet.h, ANYWHERE)
        w.row = self.count
        w.counted = fresh
        w.ends = ends[0]
        w.packet = packet[0]
        self.wait_count += 1

    cdef int place_waiting(self, uint64_t key, const uint8_t *data) except -1 nogil:
        """The first fragment of a datagram was placed: now those can be that came before it."""
        cdef uint64_t i
        cdef uint64_t first = self.wait_count - WAITING_PACKETS if self.wait_count > WAITING_PACKETS else 0
        cdef uint32_t fresh
        cdef Waiting *w
        cdef Stored *packet
        cdef Placed placed
        cdef Ends ends
        for i in range(first, self.wait_count):
            w = self.waiting + i % WAITING_PACKETS
            if w.key != key:
                continue
            packet = &w.packet
            memset(&placed, 0, sizeof(Placed))
            ends = w.ends
            self.flows.place(packet, data + packet.offset, &ends, &placed)
            if placed.flow < 0:
                continue  # a twin's, whose first one is still to come
            w.key = 0
            self.unread[FRAGMENT] -= 1
            self.unread_count -= 1
            fresh = self.look_at(packet, data, &placed, &ends, w.row)
            if self.is_summing:
                self.sums.move(w.counted, w.ends.writer, w.ends.reader, fresh, ends.writer, ends.reader)
                if packet.direction & BOTH_LOCAL:
                    self.sums.add_local_end(0 - <uint64_t> w.counted, w.ends.writer, w.ends.reader)
                    self.sums.add_local_end(fresh, ends.writer, ends.reader)
        return 0

    cdef void doubt(self, const Stored *packet, int32_t flow, const Ends *ends) noexcept nogil:
        """Remember a packet that is outside the windows of its flow: the capture may have lost what came before it."""
        cdef uint64_t i = self.doubt_count % DOUBTED_PACKETS
        cdef Doubt *d = self.doubts + i
        self.doubted[i] = flow
        d.row = self.count
        d.ends = ends[0]
        d.packet = packet[0]
        self.doubt_count += 1

    cdef int place_doubted(self, int32_t flow, const uint8_t *data) except -1 nogil:
        """A flow goes on elsewhere: now those can be placed that were there before."""
        cdef uint64_t i
        cdef uint64_t first = self.doubt_count - DOUBTED_PACKETS if self.doubt_count > DOUBTED_PACKETS else 0
        cdef uint32_t fresh
        cdef Doubt *d
        cdef Placed placed
        cdef Ends ends
        for i in range(first, self.doubt_count):
            if self.doubted[i % DOUBTED_PACKETS] != flow:
                continue
            d = self.doubts + i % DOUBTED_PACKETS
            memset(&placed, 0, sizeof(Placed))
            ends = d.ends
            self.flows.place(&d.packet, data + d.packet.offset, &ends, &placed)
            if placed.is_outside:
                continue
            self.doubted[i % DOUBTED_PACKETS] = -1
            fresh = self.look_at(&d.packet, data, &placed, &ends, d.row)
            if self.is_summing:
                self.sums.move(0, d.ends.writer, d.ends.reader, fresh, ends.writer, ends.reader)
        return 0

    cdef uint32_t look_at(
        self, const Stored *packet, const uint8_t *data, Placed *placed, Ends *ends, Py_ssize_t row
    ) except? 0xFFFFFFFF nogil:
        """What a placed packet says: into a row of the columns, where these are wanted, else its fresh bytes to its flow."""
        cdef const PacketHeaders *h = &packet.h
        cdef FlowState *flow
        cdef uint32_t captured = packet.usable, before, stored, fresh
        before = h.payload_offset if h.payload_offset < captured else captured
        stored = h.payload_length if h.payload_length < captured - before else captured - before
        fresh = self.fresh(packet, data + packet.offset, placed, ends)
        if placed.flow >= self.flows.first_of_batch and self.flows.states[placed.flow].role > BY_LISTENER:
            self.learn_role(packet, data + packet.offset + before, stored if fresh != 0 else 0, placed)
        if packet.may_be_foreign and ends.writer < 0 and ends.reader < 0:
            self.name_foreign(packet, data + packet.offset, placed, ends)
        if not self.is_summing:
            self.write(packet, placed, ends, packet.offset + before, stored, fresh, row)
        elif placed.flow >= 0:
            flow = self.flows.states + placed.flow
            flow.fresh += fresh
        return fresh

    cdef void write(
        self, const Stored *packet, const Placed *placed, const Ends *ends, uint64_t payload_offset, uint32_t stored,
        uint32_t fresh, Py_ssize_t i
    ) noexcept nogil:
        """Fill row `i` of the columns."""
        cdef Columns *to = &self.columns
        to.time_ns[i] = packet.time_ns
        to.offset[i] = packet.offset
        to.payload_offset[i] = payload_offset
        to.captured[i] = packet.captured
        to.original[i] = packet.original
        to.flow[i] = placed.flow
        to.payload_captured[i] = stored
        to.payload_length[i] = packet.h.payload_length
        to.fresh[i] = fresh
        to.seq[i] = packet.h.seq
        to.ack[i] = packet.h.ack
        to.interface[i] = packet.row
        to.forward[i] = placed.forward ^ (self.flows.states[placed.flow].flipped if placed.flow >= 0 else 0)
        to.tcp_flags[i] = packet.h.tcp_flags
        to.direction[i] = packet.direction
        to.writer[i] = ends.writer
        to.reader[i] = ends.reader
        to.writer_evidence[i] = ends.writer_evidence
        to.reader_evidence[i] = ends.reader_evidence
        to.out_of_window[i] = placed.is_outside

    cdef uint32_t fresh(self, const Stored *packet, const uint8_t *data, const Placed *placed, const Ends *ends) noexcept nogil:
        """Payload bytes not seen before: by sequence numbers, else unless this is a copy from another place."""
        cdef const PacketHeaders *h = &packet.h
        if placed.flow >= 0 and h.protocol == PROTOCOL_TCP:
            return self.flows.fresh(h, placed)  # without payload too: SYN and FIN move the sequence
        if placed.flow < 0 or h.payload_length == 0 or not packet.may_be_copy:
            return h.payload_length
        if is_copy(
            self.flows.sightings, self.flows.fingerprint(packet, data, placed.flow, placed.forward), packet.place, packet.time_ns,
            h.ip_id != 0, ends.writer, ends.reader,
        ):
            return 0
        return h.payload_length

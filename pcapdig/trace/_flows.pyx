"""Which flow a packet belongs to, in which direction, and how much of its payload is new.

Slots hold 32 bits of a seeded hash and a row number; the key itself is the flow's record, which numpy shares. The hash is the same
for both directions, so one look-up finds a flow whoever sends. Client and server are decided by a flow's first packet and
stay, since batches that say so have already been handed out:

    SYN: its sender is the client. SYN+ACK: its sender is the server. Else an end that ever sent SYN+ACK, so
    that listened, is the server. Else who sends to a group of hosts (multicast) is the client. Else the lower port is the server.
    Else the first sender is the client.

A SYN with another initial sequence number than the flow's, or after its end, begins a new flow; packets after it belong to that. One that
was refused and is sent again with its number is the same attempt.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcmp, memcpy, memset

import os

from pcapdig.packets._headers cimport PacketHeaders
from pcapdig.trace._clock cimport within
from pcapdig.trace._flow_hash cimport end_hash, mixed
from pcapdig.trace._fragments cimport FRAGMENT_SLOTS, Fragment, place_later, remember_first
from pcapdig.trace._sequence cimport account, forget
from pcapdig.trace._walk cimport ask_for

from pcapdig.trace.flows import RECORD_BYTES, Flows

cdef enum:
    PROTOCOL_TCP = 6
    PROTOCOL_UDP = 17
    FIN = 1
    SYN = 2
    RST = 4
    ACK = 16

cdef enum:  # FlowState.flags
    CLIENT_ISN_KNOWN = 1
    SERVER_ISN_KNOWN = 2
    CLIENT_FIN = 4
    SERVER_FIN = 8
    CARRIED_DATA = 16
    IS_OPEN = 32  # carried data after the SYNs: both ends know each other's number

cdef uint64_t COPY_WINDOW_NS = 1000000
"""A SYN with the flow's own number this soon after the flow's end is a copy seen on another interface, not a new attempt. One from
before the end is a copy too: several interfaces are not always written in the order of time."""

cdef uint64_t FRAGMENT_LIFETIME_NS = 30 * <uint64_t> 1000000000
"""How long fragments wait for each other: net.ipv4.ipfrag_time's default."""


cdef class FlowTable:
    """The native side of `Flows`: finds and adds rows. One table serves a whole trace, over several files."""

    def __cinit__(self, flows not None):
        self.flows = flows
        if sizeof(FlowRecord) != RECORD_BYTES:
            raise SystemError("FlowRecord and flows.RECORD_BYTES differ")
        self.seed = int.from_bytes(os.urandom(8), "little")
        self.slot_mask = 1023
        self.slots = <Slot *> calloc(self.slot_mask + 1, sizeof(Slot))
        self.listener_mask = 63
        self.listeners = <Listener *> calloc(self.listener_mask + 1, sizeof(Listener))
        self.fragments = <Fragment *> calloc(FRAGMENT_SLOTS, sizeof(Fragment))
        if self.slots == NULL or self.listeners == NULL or self.fragments == NULL:
            raise MemoryError
        memset(self.slots, 0xFF, (self.slot_mask + 1) * sizeof(Slot))
        self.count = self.room = 0
        if len(flows):
            raise ValueError("a flow table begins with no flows")
        self.grow_flows()

    def __dealloc__(self):
        cdef int32_t i
        if self.states != NULL:
            for i in range(self.count):
                forget(&self.states[i].stream[0])
                forget(&self.states[i].stream[1])
        free(self.states)
        free(self.slots)
        free(self.listeners)
        free(self.fragments)

    cdef int show(self) except -1:
        """Let `Flows` see the rows made so far."""
        self.flows.resize(self.count)
        return 0

    cdef void ask_for_slot(self, uint32_t tag) noexcept nogil:
        """A packet with this tag comes soon: have the processor fetch its slot."""
        ask_for(self.slots + (tag & self.slot_mask))

    cdef void ask_for_flow(self, uint32_t tag) noexcept nogil:
        """A packet with this tag comes next: have the processor fetch its flow."""
        cdef int32_t flow = self.slots[tag & self.slot_mask].flow
        if flow >= 0:
            ask_for(self.records + flow)
            ask_for(self.states + flow)
            ask_for(<uint8_t *> (self.states + flow) + 64)

    cdef int place(
        self, PacketHeaders *h, const uint8_t *data, uint32_t captured, uint32_t tag, int64_t time_ns, uint16_t interface, Placed *out
    ) except -1 nogil:
        """Say which flow a packet with a network header belongs to; make it where there is none.

        `tag` is its flow_tag. A fragment's headers are made those of a segment, see `_fragments.pxd`.
        """
        if h.is_fragment:
            self.place_fragment(h, data, captured, time_ns, out)
            if out.flow >= 0 and h.protocol == PROTOCOL_TCP:
                self.follow(h, out.flow, out.forward, time_ns)
            return 0
        if not h.has_ports and h.protocol in (0, PROTOCOL_TCP, PROTOCOL_UDP):
            out.flow = -1  # cut off before its ports: whose it is cannot be known
            out.forward = True
            return 0
        out.flow = self.find(h, tag, &out.forward)
        if out.flow < 0 or (h.protocol == PROTOCOL_TCP and self.starts_anew(h, out.flow, out.forward, time_ns)):
            out.flow = self.begin_flow(h, tag, time_ns, interface, &out.forward)
        if h.is_first_fragment:
            remember_first(self.fragment(h), self.fragment_key(h), h, time_ns, out.flow, out.forward)
        if h.protocol == PROTOCOL_TCP:
            self.follow(h, out.flow, out.forward, time_ns)
        return 0

    cdef uint32_t fresh(self, const PacketHeaders *h, const Placed *placed) noexcept nogil:
        """Payload bytes of a placed TCP segment that were not seen before. For other protocols: all."""
        if h.protocol != PROTOCOL_TCP or not (h.has_ports or h.is_fragment):
            return h.payload_length
        if h.tcp_flags & RST and h.payload_length == 0:
            return 0  # its number may be any
        return account(
            &self.states[placed.flow].stream[0 if placed.forward else 1],
            h.seq, h.payload_length, h.tcp_flags & SYN, h.tcp_flags & FIN,
        )

    cdef int32_t find(self, const PacketHeaders *h, uint32_t tag, bint *forward) noexcept nogil:
        """The newest flow between these two ends; -1: none."""
        cdef uint32_t at = tag & self.slot_mask
        cdef FlowRecord *r
        while self.slots[at].flow >= 0:
            if self.slots[at].tag == tag:
                r = self.records + self.slots[at].flow
                if r.protocol == h.protocol and r.family == h.family:
                    if (r.client_port == h.source_port and r.server_port == h.destination_port
                            and memcmp(r.client, h.source, 16) == 0 and memcmp(r.server, h.destination, 16) == 0):
                        forward[0] = True
                        return self.slots[at].flow
                    if (r.client_port == h.destination_port and r.server_port == h.source_port
                            and memcmp(r.client, h.destination, 16) == 0 and memcmp(r.server, h.source, 16) == 0):
                        forward[0] = False
                        return self.slots[at].flow
            at = (at + 1) & self.slot_mask
        return -1

    cdef bint starts_anew(self, const PacketHeaders *h, int32_t flow, bint forward, int64_t time_ns) noexcept nogil:
        """Does this segment begin another connection between the same ends than `flow`?"""
        cdef FlowState *s = self.states + flow
        cdef int side = 0 if forward else 1
        cdef bint ended = s.ended_ns != 0
        cdef uint32_t sent
        if not h.tcp_flags & SYN or h.tcp_flags & RST:
            return False
        if h.tcp_flags & ACK:
            # The peer's number decides: a server may answer a repeated SYN with another number of its own (SYN cookies).
            if s.flags & (CLIENT_ISN_KNOWN << (1 - side)):
                # Data on the SYN is taken with it or left for later (TCP Fast Open, RFC 7413 section 4.2.2).
                sent = <uint32_t> s.stream[1 - side].next - s.isn[1 - side] if s.stream[1 - side].next != 0 else 1
                return <uint32_t> (h.ack - s.isn[1 - side] - 1) >= sent
            return ended or (s.flags & CARRIED_DATA) != 0
        if s.flags & (CLIENT_ISN_KNOWN << side):
            if <uint32_t> (s.isn[side] - h.seq) > h.payload_length:  # known from the SYN+ACK alone, it may count the SYN's data
                return True
            if not s.flags & (CLIENT_ISN_KNOWN << (1 - side)):
                return False  # it was refused and is tried again, as Windows does for one connect()
            return ended and time_ns > s.ended_ns and not within(time_ns, s.ended_ns, COPY_WINDOW_NS)
        # The other end sent a SYN and nothing else happened: both opened at once (RFC 9293 section 3.5). Else a new one.
        return ended or not (s.flags & (CLIENT_ISN_KNOWN << (1 - side))) or (s.flags & IS_OPEN) != 0

    cdef bint is_stale(self, const FlowState *s, const PacketHeaders *h, int side) noexcept nogil:
        """Is a SYN+ACK with another number than the flow's too late to be taken? Once data flows nobody does: a second one of a middlebox."""
        return s.flags & IS_OPEN and s.flags & (CLIENT_ISN_KNOWN << side) and s.isn[side] != h.seq

    cdef int follow(self, const PacketHeaders *h, int32_t flow, bint forward, int64_t time_ns) except -1 nogil:
        """Keep what the next SYN will be judged by."""
        cdef FlowState *s = self.states + flow
        cdef int side = 0 if forward else 1
        if h.tcp_flags & (SYN | FIN | RST):
            if h.tcp_flags & SYN and not h.tcp_flags & RST and not self.is_stale(s, h, side):
                if h.tcp_flags & ACK and s.flags & (CLIENT_ISN_KNOWN << side) and s.isn[side] != h.seq:
                    forget(&s.stream[side])  # SYN+ACK with another number: what was counted before was never accepted
                if not s.flags & (CLIENT_ISN_KNOWN << (1 - side)):
                    s.ended_ns = 0  # refused before, and tried again
                s.isn[side] = h.seq
                s.flags |= CLIENT_ISN_KNOWN << side
                if h.tcp_flags & ACK:
                    self.add_listener(h.source, h.source_port)
                    if not s.flags & (CLIENT_ISN_KNOWN << (1 - side)):
                        s.isn[1 - side] = h.ack - 1
                        s.flags |= CLIENT_ISN_KNOWN << (1 - side)
            if h.tcp_flags & FIN:
                s.flags |= CLIENT_FIN << side
            if s.ended_ns == 0 and (h.tcp_flags & RST or s.flags & (CLIENT_FIN | SERVER_FIN) == (CLIENT_FIN | SERVER_FIN)):
                s.ended_ns = time_ns if time_ns != 0 else 1
        if h.payload_length != 0:
            s.flags |= CARRIED_DATA if h.tcp_flags & SYN else CARRIED_DATA | IS_OPEN
        return 0

    cdef int32_t begin_flow(
        self, const PacketHeaders *h, uint32_t tag, int64_t time_ns, uint16_t interface, bint *forward
    ) except -1 nogil:
        """A new row for these two ends; an older one between them is not found any more."""
        cdef int32_t row = self.count
        cdef FlowRecord *r
        cdef uint32_t at
        if row == self.room:
            self.grow_flows()
        if <uint32_t> row * 2 > self.slot_mask:
            self.grow_slots()
        r = self.records + row
        r.protocol = h.protocol
        r.family = h.family
        r.interface = interface
        r.first_ns = time_ns
        memset(self.states + row, 0, sizeof(FlowState))
        forward[0] = self.source_is_client(h)
        if forward[0]:
            memcpy(r.client, h.source, 16)
            memcpy(r.server, h.destination, 16)
            r.client_port, r.server_port = h.source_port, h.destination_port
        else:
            memcpy(r.client, h.destination, 16)
            memcpy(r.server, h.source, 16)
            r.client_port, r.server_port = h.destination_port, h.source_port
        self.count += 1
        at = tag & self.slot_mask
        while self.slots[at].flow >= 0:
            if self.slots[at].tag == tag and self.same_ends(self.slots[at].flow, row):
                break
            at = (at + 1) & self.slot_mask
        self.slots[at].tag = tag
        self.slots[at].flow = row
        return row

    cdef bint same_ends(self, int32_t a, int32_t b) noexcept nogil:
        """Do two rows have the same protocol and ends, whoever is the client?"""
        cdef FlowRecord *x = self.records + a
        cdef FlowRecord *y = self.records + b
        if x.protocol != y.protocol or x.family != y.family:
            return False
        if x.client_port == y.client_port and x.server_port == y.server_port:
            if memcmp(x.client, y.client, 32) == 0:
                return True
        return (x.client_port == y.server_port and x.server_port == y.client_port
                and memcmp(x.client, y.server, 16) == 0 and memcmp(x.server, y.client, 16) == 0)

    cdef bint source_is_client(self, const PacketHeaders *h) noexcept nogil:
        """The rule at the head of this file, for the first packet of a flow."""
        cdef bint source_listens, destination_listens
        if h.protocol == PROTOCOL_TCP:
            if h.tcp_flags & SYN and not h.tcp_flags & RST:
                return not h.tcp_flags & ACK
            source_listens = self.is_listening(h.source, h.source_port)
            destination_listens = self.is_listening(h.destination, h.destination_port)
            if source_listens != destination_listens:
                return destination_listens
        elif h.destination[0] == 0xFF if h.family == 6 else h.destination[12] >> 4 == 14:
            return True  # a group never sends (RFC 1112, RFC 4291), so it can be no client
        return h.source_port >= h.destination_port

    cdef void place_fragment(self, PacketHeaders *h, const uint8_t *data, uint32_t captured, int64_t time_ns, Placed *out) noexcept nogil:
        """A later fragment has no ports: it goes where the first one of that datagram went, if that was seen."""
        cdef Fragment *f = self.fragment(h)
        out.flow = -1
        out.forward = True
        if place_later(f, self.fragment_key(h), h, data, captured, time_ns, FRAGMENT_LIFETIME_NS):
            out.flow = f.flow
            out.forward = f.forward
            if time_ns < self.records[f.flow].first_ns:
                self.records[f.flow].first_ns = time_ns  # it came before the first one

    cdef Fragment *fragment(self, const PacketHeaders *h) noexcept nogil:
        """Where a datagram's first fragment is remembered."""
        return self.fragments + (self.fragment_key(h) & (FRAGMENT_SLOTS - 1))

    cdef uint64_t fragment_key(self, const PacketHeaders *h) noexcept nogil:
        """What the fragments of one datagram share (RFC 791 section 3.2, RFC 8200 section 4.5). Never 0."""
        cdef uint64_t a = end_hash(h.source, h.protocol, self.seed)
        cdef uint64_t b = end_hash(h.destination, h.protocol, self.seed)
        return mixed(a + h.ip_id, b) | 1

    cdef bint is_listening(self, const uint8_t *address, uint16_t port) noexcept nogil:
        """Did a SYN ever go to this end, or a SYN+ACK come from it?"""
        cdef uint64_t half[2]
        cdef uint32_t at = <uint32_t> end_hash(address, port, self.seed) & self.listener_mask
        memcpy(half, address, 16)
        while self.listeners[at].used:
            if (self.listeners[at].port == port and self.listeners[at].address[0] == half[0]
                    and self.listeners[at].address[1] == half[1]):
                return True
            at = (at + 1) & self.listener_mask
        return False

    cdef int add_listener(self, const uint8_t *address, uint16_t port) except -1 nogil:
        """Remember an end that listens."""
        cdef uint32_t at
        if self.is_listening(address, port):
            return 0
        if self.listener_count * 2 > self.listener_mask:
            self.grow_listeners()
        at = <uint32_t> end_hash(address, port, self.seed) & self.listener_mask
        while self.listeners[at].used:
            at = (at + 1) & self.listener_mask
        memcpy(self.listeners[at].address, address, 16)
        self.listeners[at].port = port
        self.listeners[at].used = 1
        self.listener_count += 1
        return 0

    cdef int grow_flows(self) except -1 nogil:
        """Room for more rows, in memory that numpy shares and in ours."""
        cdef int32_t room = self.room * 2 if self.room else 64
        cdef FlowState *states = NULL
        cdef uint8_t[::1] records
        if room > self.room:  # False when it wrapped: two thousand million flows
            states = <FlowState *> realloc(self.states, <size_t> room * sizeof(FlowState))
        with gil:
            if states == NULL:
                raise MemoryError("no memory for more flows")
            self.states = states
            self.show()
            records = self.flows.reserve(room)
            self.records = <FlowRecord *> &records[0]
            self.room = room
        return 0

    cdef int grow_slots(self) except -1 nogil:
        """Twice the slots. Flows that a newer one replaced are left behind."""
        cdef uint32_t mask = self.slot_mask * 2 + 1
        cdef Slot *old = self.slots
        cdef Slot *slots = <Slot *> calloc(<size_t> mask + 1, sizeof(Slot))
        cdef uint32_t i, at
        if slots == NULL:
            with gil:
                raise MemoryError("no memory for more flows")
        memset(slots, 0xFF, (<size_t> mask + 1) * sizeof(Slot))
        for i in range(self.slot_mask + 1):
            if old[i].flow >= 0:
                at = old[i].tag & mask
                while slots[at].flow >= 0:
                    at = (at + 1) & mask
                slots[at] = old[i]
        self.slots = slots
        self.slot_mask = mask
        free(old)
        return 0

    cdef int grow_listeners(self) except -1 nogil:
        """Twice the room for listening ends."""
        cdef uint32_t mask = self.listener_mask * 2 + 1
        cdef Listener *old = self.listeners
        cdef Listener *listeners = <Listener *> calloc(<size_t> mask + 1, sizeof(Listener))
        cdef uint32_t i, at
        if listeners == NULL:
            with gil:
                raise MemoryError("no memory for more listening ends")
        for i in range(self.listener_mask + 1):
            if old[i].used:
                at = <uint32_t> end_hash(<const uint8_t *> old[i].address, old[i].port, self.seed) & mask
                while listeners[at].used:
                    at = (at + 1) & mask
                listeners[at] = old[i]
        self.listeners = listeners
        self.listener_mask = mask
        free(old)
        return 0

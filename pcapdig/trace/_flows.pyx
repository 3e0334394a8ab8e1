"""Which flow a packet belongs to, in which direction, and how much of its payload is new.

Between two ends there may be several flows: their ports are used again while packets of the old connection still come, and twins run side
by side in two networks. The rows (`_flow_rows.pyx`) keep the newest few. How a packet finds its own (docs/decisions/0010):

    SYN and SYN+ACK: by the initial numbers. Equal ones are one connection, however often and wherever they are seen.
    Other segments: by the windows of both directions (`_windows.pxd`), then by the place (interface and VLANs), then the newest.
    Datagrams: by the place (`_places.pxd`), since they have no numbers; copies of one on several interfaces are one.

Client and server: `_client_rule.pyx`.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from pcapdig.packets._headers cimport PacketHeaders
from pcapdig.trace._claimed cimport CLAIM_SLOTS, Claimed, claim
from pcapdig.trace._clock cimport within
from pcapdig.trace._copies cimport SIGHTING_SLOTS, Sighting, fingerprint, is_known
from pcapdig.trace._flow_hash cimport end_hash, mixed
from pcapdig.trace._flow_rows cimport FlowRows
from pcapdig.trace._flow_state cimport (
    ACK, ANSWERED, CARRIED_DATA, FIN, HAS_CLAIM, HAS_ENDED, HAS_FIN, HAS_MORE, HAS_OTHER, HAS_RST, IS_JUDGED, IS_OPEN, IS_SETTLED, ISN_KNOWN,
    MOST_PLACES, RST, SYN, Ends, FlowState, flip, is_from_client,
)
from pcapdig.trace._fragments cimport ANYWHERE, FRAGMENT_SLOTS, Fragment, place_later, remember_first
from pcapdig.trace._places cimport ONE_WAY, SEEN, SHARED, add_place, lies_at, place_index
from pcapdig.trace._client_rule cimport BY_SYN, Roles
from pcapdig.trace._sequence cimport account, forget
from pcapdig.trace._walk cimport Stored
from pcapdig.trace._windows cimport (
    EXACT, OUTSIDE, QUEUES_NS, UNJUDGED, begin_windows, fit, is_keep_alive, is_late, learn, note_end, note_going_on, note_offer, note_scale,
    precedes,
)

cdef enum:
    PROTOCOL_TCP = 6
    PROTOCOL_UDP = 17

cdef enum:
    MOST_CANDIDATES = 8  # flows between the same ends that a packet may belong to

cdef uint64_t COPY_WINDOW_NS = 200 * <uint64_t> 1000000
"""A SYN with the flow's own number this soon after the flow's end is a copy that another tap saw, whose clock may be some 50 ms off, not a
new attempt. One from before the end is a copy too: several interfaces are not always written in the order of time."""

cdef uint64_t FRAGMENT_LIFETIME_NS = 30 * <uint64_t> 1000000000
"""How long fragments wait for each other: net.ipv4.ipfrag_time's default."""


cdef class FlowTable(FlowRows):
    """Puts packets into flows. One table serves a whole trace, over several files."""

    def __cinit__(self, flows not None):
        self.roles = Roles(self.seed)
        self.fragments = <Fragment *> calloc(FRAGMENT_SLOTS, sizeof(Fragment))
        self.sightings = <Sighting *> calloc(SIGHTING_SLOTS, sizeof(Sighting))
        self.claims = <Claimed *> calloc(CLAIM_SLOTS, sizeof(Claimed))
        if self.fragments == NULL or self.sightings == NULL or self.claims == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.fragments)
        free(self.sightings)
        free(self.claims)

    cdef int place(self, Stored *packet, const uint8_t *data, const Ends *ends, Placed *out) except -1 nogil:
        """Say which flow a packet with a network header belongs to; make it where there is none.

        `data` is the packet's. A fragment's headers are made those of a segment, see `_fragments.pxd`.
        """
        cdef PacketHeaders *h = &packet.h
        if h.is_fragment:
            self.place_fragment(packet, data, out)
            if out.flow >= 0 and h.protocol == PROTOCOL_TCP and not out.is_outside:
                self.accept(packet, out)
            return 0
        if not h.has_ports and h.protocol in (0, PROTOCOL_TCP, PROTOCOL_UDP):
            out.flow = -1  # cut off before its ports: whose it is cannot be known
            return 0
        out.flow = self.find(h, packet.tag, &out.forward)
        if h.protocol == PROTOCOL_TCP:
            self.place_segment(packet, out)
        else:
            self.place_datagram(packet, data, ends, out)
        if h.is_first_fragment:
            self.remember_fragment(packet, out)
        return 0

    cdef int place_segment(self, Stored *packet, Placed *out) except -1 nogil:
        """Where a TCP segment belongs; `out` has the newest flow between its ends."""
        cdef PacketHeaders *h = &packet.h
        cdef FlowState *s
        cdef int side, other
        if out.flow >= 0:
            s = self.states + out.flow
            side = 0 if out.forward else 1
            other = 1 - side
            # Most segments are the very next one of a flow whose numbers are known, and acknowledge what was seen.
            if (s.flags & (IS_JUDGED | HAS_CLAIM | (HAS_FIN | HAS_RST) << side) == IS_JUDGED
                    and h.tcp_flags & (SYN | FIN | RST | ACK) == ACK and h.seq == <uint32_t> s.stream[side].next
                    and <int32_t> (h.ack - s.acked[other]) >= 0 and <int32_t> (<uint32_t> s.stream[other].next - h.ack) >= 0):
                note_offer(s, h, side)
                if h.payload_length != 0:
                    s.flags |= CARRIED_DATA | IS_OPEN
                return 0
            if h.tcp_flags & SYN and not h.tcp_flags & RST:
                self.choose_by_number(packet, out)
            elif not self.choose_by_windows(packet, out):
                self.hear_claim(packet, out)
        if out.flow < 0:
            self.begin_flow(packet, out)
        if not out.is_outside:
            self.accept(packet, out)
            if h.tcp_flags & (SYN | ACK | RST) == SYN and self.states[out.flow].role != BY_SYN:
                out.forward = self.turn(out.flow, not out.forward, BY_SYN) ^ out.forward
        return 0

    cdef void choose_by_number(self, const Stored *packet, Placed *out) noexcept nogil:
        """The flow that a SYN or SYN+ACK belongs to, -1: none of those between its ends."""
        cdef int32_t flow = out.flow
        cdef FlowState *s
        cdef int side
        out.flow = -1
        while flow >= 0:
            s = self.states + flow
            side = 0 if is_from_client(self.records + flow, &packet.h) else 1
            if not self.starts_anew(&packet.h, flow, side, packet.time_ns):
                out.flow = flow
                out.forward = side == 0
                out.is_outside = (
                    s.flags & IS_SETTLED and s.flags & (ISN_KNOWN << side) and s.isn[side] != packet.h.seq
                )  # a second answer, with a number that the client did not take
                return
            flow = s.older

    cdef bint choose_by_windows(self, const Stored *packet, Placed *out) noexcept nogil:
        """The flow that another segment fits best. False: none; then `out` has the one whose packet it will be all the same."""
        cdef int32_t flow = out.flow
        cdef FlowState *s
        cdef int side, found, best = OUTSIDE
        cdef bint here, is_running = False, is_newer_here = False, is_replaced = False
        while flow >= 0:
            s = self.states + flow
            side = 0 if is_from_client(self.records + flow, &packet.h) else 1
            found = fit(s, &packet.h, side)
            here = place_index(s, packet.place) >= 0
            if here and found > UNJUDGED:
                found += EXACT  # a twin elsewhere may fit by chance
            if found > best:
                best, is_replaced = found, is_newer_here
                out.flow, out.forward = flow, side == 0
            elif best == OUTSIDE and here and not s.flags & HAS_ENDED and not is_running:
                is_running = True  # a segment that fits nowhere is a packet of the newest one that runs here
                out.flow, out.forward = flow, side == 0
            is_newer_here |= here
            flow = s.older
        out.is_outside = best == OUTSIDE or (
            is_replaced and is_late(self.states + out.flow, &packet.h, 0 if out.forward else 1, packet.time_ns, COPY_WINDOW_NS)
        )
        return best != OUTSIDE

    cdef void hear_claim(self, const Stored *packet, Placed *out) noexcept nogil:
        """A segment fits into no flow: does the connection go on elsewhere, or has another one begun without its SYN?"""
        cdef FlowState *s = self.states + out.flow
        if packet.h.tcp_flags & (SYN | RST):
            return
        if not claim(self.claims + (out.flow & (CLAIM_SLOTS - 1)), s, out.flow, &packet.h, 0 if out.forward else 1):
            return
        out.is_outside = False
        out.is_elsewhere = True
        out.doubted = out.flow
        if s.flags & HAS_ENDED:
            out.flow = -1

    cdef int place_datagram(self, const Stored *packet, const uint8_t *data, const Ends *ends, Placed *out) except -1 nogil:
        """Where a packet without numbers belongs; `out` has the newest flow between its ends."""
        cdef const PacketHeaders *h = &packet.h
        cdef int32_t flow = out.flow, free_way = -1
        cdef FlowState *s
        cdef int side, i
        cdef bint is_copy = False
        while flow >= 0:
            s = self.states + flow
            side = 0 if is_from_client(self.records + flow, h) else 1
            if lies_at(s, packet.place, side):
                break
            if free_way < 0 and not s.flags & (SEEN << side):
                free_way = flow
            flow = s.older
        if flow < 0 and out.flow >= 0:
            flow = self.flow_of_copy(packet, data, ends, out.flow)
            is_copy = flow >= 0
            if flow < 0:
                flow = free_way
        if flow < 0:
            self.begin_flow(packet, out)
            s = self.states + out.flow
            s.flags |= SEEN << (0 if out.forward else 1)
            return 0
        s = self.states + flow
        side = 0 if is_from_client(self.records + flow, h) else 1
        i = place_index(s, packet.place)
        if i < 0:
            add_place(s, packet.place, <uint8_t> (SHARED if is_copy else ONE_WAY + side))
        elif is_copy or s.how[i] != ONE_WAY + side:
            s.how[i] = SHARED
        s.flags |= SEEN << side
        out.flow = flow
        out.forward = side == 0
        return 0

    cdef int32_t flow_of_copy(self, const Stored *packet, const uint8_t *data, const Ends *ends, int32_t flow) noexcept nogil:
        """The flow of which the same datagram was just seen at another place, -1: none."""
        if not packet.may_be_copy:
            return -1
        while flow >= 0:
            if is_known(
                self.sightings, self.fingerprint(packet, data, flow, is_from_client(self.records + flow, &packet.h)), packet.place,
                packet.time_ns, packet.h.ip_id != 0, ends.writer, ends.reader,
            ):
                return flow
            flow = self.states[flow].older
        return -1

    cdef uint64_t fingerprint(self, const Stored *packet, const uint8_t *data, int32_t flow, bint forward) noexcept nogil:
        """What copies of a datagram of a flow share."""
        cdef const PacketHeaders *h = &packet.h
        cdef uint32_t before = h.payload_offset if h.payload_offset < packet.usable else packet.usable
        cdef uint32_t stored = h.payload_length if h.payload_length < packet.usable - before else packet.usable - before
        cdef uint64_t about = (<uint64_t> self.states[flow].serial << 33) ^ (<uint64_t> h.payload_length << 1) ^ forward
        return fingerprint(data + before, stored, about + <uint64_t> h.ip_id * <uint64_t> 0xD6E8FEB86659FD93ULL)

    cdef uint32_t fresh(self, const PacketHeaders *h, const Placed *placed) noexcept nogil:
        """Payload bytes of a placed TCP segment that were not seen before. For other protocols: all."""
        if placed.is_outside:
            return 0
        if h.protocol != PROTOCOL_TCP or not (h.has_ports or h.is_fragment):
            return h.payload_length
        if h.tcp_flags & RST and h.payload_length == 0:
            return 0  # its number may be any
        return account(
            &self.states[placed.flow].stream[0 if placed.forward else 1],
            h.seq, h.payload_length, h.tcp_flags & SYN, h.tcp_flags & FIN,
        )

    cdef bint starts_anew(self, const PacketHeaders *h, int32_t flow, int side, int64_t time_ns) noexcept nogil:
        """Does a SYN or SYN+ACK of that end begin another connection between the same ends than `flow`?"""
        cdef FlowState *s = self.states + flow
        cdef bint ended = s.flags & HAS_ENDED, is_soon = within(time_ns, self.records[flow].first_ns, QUEUES_NS)
        cdef uint32_t sent
        if h.tcp_flags & ACK:
            # The peer's number decides: a server may answer a repeated SYN with another number of its own (SYN cookies).
            if s.flags & (ISN_KNOWN << (1 - side)):
                # Data on the SYN is taken with it or left for later (TCP Fast Open, RFC 7413 section 4.2.2).
                sent = <uint32_t> s.stream[1 - side].next - s.isn[1 - side] if s.stream[1 - side].next != 0 else 1
                return <uint32_t> (h.ack - s.isn[1 - side] - 1) >= sent
            return (ended or (s.flags & CARRIED_DATA) != 0) and not precedes(s, side, h.seq, is_soon)
        if s.flags & (ISN_KNOWN << side):
            if <uint32_t> (s.isn[side] - h.seq) > h.payload_length:  # known from the SYN+ACK alone, it may count the SYN's data
                return True
            if not s.flags & (ISN_KNOWN << (1 - side)):
                return False  # it was refused and is tried again, as Windows does for one connect()
            return ended and time_ns > s.ended_ns and not within(time_ns, s.ended_ns, COPY_WINDOW_NS)
        if precedes(s, side, h.seq, is_soon):
            return False
        # The other end sent a SYN and nothing else happened: both opened at once (RFC 9293 section 3.5). Else a new one.
        return ended or not (s.flags & (ISN_KNOWN << (1 - side))) or (s.flags & IS_OPEN) != 0

    cdef int accept(self, Stored *packet, Placed *placed) except -1 nogil:
        """Keep what later segments of a flow will be judged by."""
        cdef PacketHeaders *h = &packet.h
        cdef FlowState *s = self.states + placed.flow
        cdef int side = 0 if placed.forward else 1
        if s.place_count < MOST_PLACES and place_index(s, packet.place) < 0:
            add_place(s, packet.place, SHARED)
        if h.tcp_flags & SYN and not h.tcp_flags & RST:
            self.note_syn(h, s, side)
        elif h.tcp_flags & RST == 0:
            if s.flags & ((HAS_FIN | HAS_RST) << side):
                note_going_on(s, h, side, packet.time_ns)
            if is_keep_alive(s, h, side):
                h.payload_length = 0
        if s.flags & HAS_CLAIM and self.claims[placed.flow & (CLAIM_SLOTS - 1)].side == side:
            s.flags &= ~<uint32_t> HAS_CLAIM
        if h.tcp_flags & (ACK | RST) == ACK:
            note_offer(s, h, side)
        if not s.flags & IS_JUDGED:
            learn(s, h, side)
            placed.is_choice = s.flags & (HAS_OTHER | IS_SETTLED) == (HAS_OTHER | IS_SETTLED)
        if h.tcp_flags & (FIN | RST):
            note_end(s, h, side, packet.time_ns)
        if h.payload_length != 0:
            s.flags |= CARRIED_DATA if h.tcp_flags & SYN else CARRIED_DATA | IS_OPEN
        return 0

    cdef int note_syn(self, const PacketHeaders *h, FlowState *s, int side) except -1 nogil:
        """A SYN or SYN+ACK of a connection: its initial number, and what it says of windows."""
        cdef int other = 1 - side
        if h.tcp_flags & ACK and s.flags & (ISN_KNOWN << side) and s.isn[side] != h.seq:
            forget(&s.stream[side])  # another number: what was counted before was never accepted
            s.flags |= HAS_OTHER | (HAS_MORE if s.flags & HAS_OTHER and s.other_isn != h.seq else 0)
            s.other_isn = s.isn[side]
        if not s.flags & (ISN_KNOWN << other):
            s.flags &= ~<uint32_t> (HAS_ENDED | HAS_RST | HAS_RST << 1)  # refused before, and tried again
        if not s.flags & IS_JUDGED:
            note_scale(s, h, side)
        s.isn[side] = h.seq
        s.flags |= ISN_KNOWN << side
        if h.tcp_flags & ACK:
            s.flags |= ANSWERED
            self.roles.add_listener(h.source, h.source_port, h.protocol)
            if not s.flags & (ISN_KNOWN << other):
                s.isn[other] = h.ack - 1
                s.flags |= ISN_KNOWN << other
        return 0

    cdef int begin_flow(self, const Stored *packet, Placed *out) except -1 nogil:
        """A new row for the ends of a packet, before which older ones between them stand."""
        cdef const PacketHeaders *h = &packet.h
        cdef uint8_t role = 0
        cdef FlowState *s
        out.forward = self.roles.source_is_client(h, &role)
        out.flow = self.add_row(h, packet.tag, out.forward)
        self.records[out.flow].interface = packet.row
        self.records[out.flow].first_ns = packet.time_ns
        s = self.states + out.flow
        s.role = role
        begin_windows(s, h.tcp_flags & SYN)
        add_place(s, packet.place, SHARED)
        self.leave_behind(out.flow)
        return 0

    cdef void leave_behind(self, int32_t newest) noexcept nogil:
        """Evict one of too many flows between the same ends: the oldest one that is not open, else the oldest."""
        cdef int32_t before = newest, victim = newest
        cdef FlowState *s
        cdef int count = 1
        while self.states[before].older >= 0:
            s = self.states + self.states[before].older
            count += 1
            if s.flags & (HAS_ENDED | IS_JUDGED) != IS_JUDGED or s.older < 0 and victim == newest:
                victim = before
            before = self.states[before].older
        if count > MOST_CANDIDATES:
            self.states[victim].older = self.states[self.states[victim].older].older

    cdef bint turn(self, int32_t flow, bint client_serves, uint8_t role) noexcept nogil:
        """Something says whether the client of a flow serves. True: client and server change places, as the flow was not handed out yet."""
        if flow < self.first_of_batch or not self.roles.prove(self.records + flow, self.states + flow, client_serves, role):
            return False
        flip(self.records + flow, self.states + flow)
        return True

    cdef void end_batch(self) noexcept nogil:
        """All flows of the batch are known: turn those round that listeners say are reversed."""
        cdef int32_t flow
        for flow in range(self.first_of_batch, self.count):
            if self.roles.is_reversed(self.records + flow, self.states + flow):
                flip(self.records + flow, self.states + flow)

    cdef void remember_fragment(self, Stored *packet, const Placed *placed) noexcept nogil:
        """Keep where a datagram's first fragment went: for those that come at the same place, and for those that come elsewhere."""
        cdef PacketHeaders *h = &packet.h
        cdef uint64_t key = self.fragment_key(h, packet.place)
        cdef uint64_t anywhere = self.fragment_key(h, ANYWHERE)
        cdef bint forward
        cdef int32_t newest = self.find(h, packet.tag, &forward)
        cdef Fragment *f = self.fragments + (key & (FRAGMENT_SLOTS - 1))
        remember_first(f, key, h, packet.time_ns, placed.flow, newest, placed.forward ^ self.states[placed.flow].flipped, placed.is_outside)
        self.fragments[anywhere & (FRAGMENT_SLOTS - 1)] = f[0]
        self.fragments[anywhere & (FRAGMENT_SLOTS - 1)].key = anywhere

    cdef void place_fragment(self, Stored *packet, const uint8_t *data, Placed *out) noexcept nogil:
        """A later fragment has no ports: it goes where the first one of that datagram went, if that was seen, here or else at another place."""
        cdef uint64_t key = self.fragment_key(&packet.h, packet.place)
        cdef Fragment *f = self.fragments + (key & (FRAGMENT_SLOTS - 1))
        out.flow = -1
        if f.key != key or not within(packet.time_ns, f.time_ns, FRAGMENT_LIFETIME_NS):
            key = self.fragment_key(&packet.h, ANYWHERE)
            f = self.fragments + (key & (FRAGMENT_SLOTS - 1))
            if f.key != key or self.has_twin_at(f.newest, f.flow, packet.place):
                return
        if place_later(f, key, &packet.h, data, packet.usable, packet.time_ns, FRAGMENT_LIFETIME_NS):
            out.flow = f.flow
            out.forward = f.forward ^ self.states[f.flow].flipped
            out.is_outside = f.is_outside
            if packet.time_ns < self.records[f.flow].first_ns:
                self.records[f.flow].first_ns = packet.time_ns  # it came before the first one

    cdef uint64_t fragment_key(self, const PacketHeaders *h, uint32_t place) noexcept nogil:
        """What the fragments of one datagram share (RFC 791 section 3.2, RFC 8200 section 4.5), and their place. Never 0."""
        cdef uint64_t a = end_hash(h.source, h.protocol, self.seed)
        cdef uint64_t b = end_hash(h.destination, h.protocol, self.seed)
        return mixed(a + h.ip_id, b ^ (<uint64_t> place << 32)) | 1

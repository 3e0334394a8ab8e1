"""The rows of the flow table: the hash that finds the newest flow between two ends, and the memory that grows.

Slots hold 32 bits of a seeded hash and a row number; the key itself is the flow's record, which numpy shares. The hash is the same
for both directions, so one look-up finds a flow, whoever sends. `FlowState.older` leads from it to those before it between the same ends.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcmp, memcpy, memset

import os

from pcapdig.packets._headers cimport PacketHeaders
from pcapdig.trace._flow_state cimport FlowRecord, FlowState
from pcapdig.trace._places cimport place_index
from pcapdig.trace._sequence cimport forget
from pcapdig.trace._walk cimport ask_for

from pcapdig.trace.flows import RECORD_BYTES, Flows


cdef class FlowRows:
    """The native side of `Flows`: finds and adds rows."""

    def __cinit__(self, flows not None):
        self.flows = flows
        if sizeof(FlowRecord) != RECORD_BYTES:
            raise SystemError("FlowRecord and flows.RECORD_BYTES differ")
        self.seed = int.from_bytes(os.urandom(8), "little")
        self.slot_mask = 1023
        self.slots = <Slot *> calloc(self.slot_mask + 1, sizeof(Slot))
        if self.slots == NULL:
            raise MemoryError
        memset(self.slots, 0xFF, (self.slot_mask + 1) * sizeof(Slot))
        self.count = self.room = self.first_of_batch = 0
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

    cdef int32_t add_row(self, const PacketHeaders *h, uint32_t tag, bint forward) except -1 nogil:
        """A row for the ends of a packet, whose sender is the client if it goes forward. What there was between them is older."""
        cdef int32_t row = self.count
        cdef FlowRecord *r
        cdef FlowState *s
        cdef uint32_t at
        if row == self.room:
            self.grow_flows()
        if <uint32_t> row * 2 > self.slot_mask:
            self.grow_slots()
        r = self.records + row
        s = self.states + row
        memset(s, 0, sizeof(FlowState))
        r.protocol = h.protocol
        r.family = h.family
        if forward:
            memcpy(r.client, h.source, 16)
            memcpy(r.server, h.destination, 16)
        else:
            memcpy(r.client, h.destination, 16)
            memcpy(r.server, h.source, 16)
        r.client_port = h.source_port if forward else h.destination_port
        r.server_port = h.destination_port if forward else h.source_port
        self.count += 1
        self.made += 1
        s.serial = self.made
        s.older = -1
        at = tag & self.slot_mask
        while self.slots[at].flow >= 0:
            if self.slots[at].tag == tag and self.same_ends(self.slots[at].flow, row):
                s.older = self.slots[at].flow
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

    cdef bint has_twin_at(self, int32_t newest, int32_t flow, uint32_t place) noexcept nogil:
        """Does a place show another flow between the same ends, from the newest one on back?"""
        while newest >= 0:
            if newest != flow and place_index(self.states + newest, place) >= 0:
                return True
            newest = self.states[newest].older
        return False

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

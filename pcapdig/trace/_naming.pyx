"""Whose a packet is, and who serves: what its comments, other programs' options and its payload say of the ends."""

from libc.stdint cimport int32_t, uint8_t, uint32_t

from pcapdig.packets._headers cimport PacketHeaders
from pcapdig.trace._claims cimport SERVES, Claims, Meaning
from pcapdig.trace._client_rule cimport BY_BYTES, BY_FIRST, BY_LISTENER, BY_PACKET, MOST_LOOKS
from pcapdig.trace._flow_state cimport Ends, FlowState
from pcapdig.trace._flows cimport FlowTable, Placed
from pcapdig.trace._foreign cimport END_CLIENT, END_LOCAL, Answer, Foreign
from pcapdig.trace._openings cimport ANSWERS, ANYONE, sender_of
from pcapdig.trace._walk cimport Stored


cdef class Naming:
    """Names the ends of packets; comments and process blocks go on from batch to batch."""

    def __cinit__(self, flows not None, processes not None):
        self.flows = FlowTable(flows)
        self.claims = Claims(processes)
        self.foreign = Foreign(processes)

    cdef void learn_role(self, const Stored *packet, const uint8_t *payload, uint32_t size, Placed *placed) noexcept nogil:
        """Who is the client of a flow that began in this batch, as the packet's comments or its payload say. The flow may turn round."""
        cdef const PacketHeaders *h = &packet.h
        cdef FlowState *s = self.flows.states + placed.flow
        cdef uint8_t flipped = s.flipped
        cdef const Meaning *claim
        cdef int c, found
        for c in range(packet.claim_count):
            claim = self.claims.meanings + packet.claim[c] - 1
            if claim.serves != 0:
                self.flows.turn(placed.flow, (claim.serves == SERVES) == (claim.is_write == placed.forward), BY_LISTENER)
                break
        if size != 0 and s.role > BY_BYTES and s.looked < MOST_LOOKS and h.has_ports:
            s.looked += 1
            found = sender_of(payload, size, h.protocol, h.source_port, h.destination_port)
            if found != ANYONE:
                self.flows.turn(placed.flow, (found == ANSWERS) == placed.forward, BY_BYTES)
            elif s.role == BY_PACKET:
                self.flows.turn(placed.flow, not placed.forward, BY_FIRST)
        placed.forward ^= s.flipped ^ flipped

    cdef int name_ends(self, const Stored *packet, const uint8_t *data, Ends *ends) except -1 nogil:
        """Writer and reader of a packet from its comments; the first claim of an end holds."""
        cdef const Meaning *claim
        cdef uint32_t number
        cdef int c
        for c in range(packet.claim_count):
            number = packet.claim[c]
            if number > self.claims.room or not self.claims.meanings[number - 1].is_read:
                self.claims.understand(number, data + packet.claim_at[c], packet.claim_size[c])
            claim = self.claims.meanings + number - 1
            if claim.process < 0:
                continue
            if claim.is_write and ends.writer < 0:
                ends.writer = claim.process
                ends.writer_evidence = claim.evidence
            elif not claim.is_write and ends.reader < 0:
                ends.reader = claim.process
                ends.reader_evidence = claim.evidence
        return 0

    cdef int name_foreign(
        self, const Stored *packet, const uint8_t *data, const Placed *placed, Ends *ends
    ) except -1 nogil:
        """Writer or reader of a packet from what another program wrote. How it knew is not said."""
        cdef bint writes
        cdef const Answer *answer = self.foreign.answer(
            data + packet.options_at, packet.options_size, packet.swapped, packet.time_ns
        )
        if answer.process < 0:
            return 0
        if answer.end == END_LOCAL:
            writes = self.foreign_writes(answer.process, placed, packet.direction & 3)
        else:
            writes = (answer.end == END_CLIENT) == placed.forward
        if writes:
            ends.writer = answer.process
        else:
            ends.reader = answer.process
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

    cdef int add_process_block(self, const Stored *described, const uint8_t *data) except -1 nogil:
        """The section's next process block, whose body is at `data`."""
        with gil:
            order = ">" if described.swapped else "<"
            self.foreign.add_block(described.kind, data[: described.options_size], order)
        return 0

"""The flow table with fewer rows: those that nobody needs any more go, the others move together in their order.

Only live digs do this, between two batches. Everything that names a row follows: slots, the chains of flows between the same ends, fragments
and claims. See docs/decisions/0018.
"""

from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from pcapdig.trace._claimed cimport CLAIM_SLOTS, Claimed
from pcapdig.trace._client_rule cimport Roles
from pcapdig.trace._flow_rows cimport Slot
from pcapdig.trace._flow_state cimport ANSWERED, HAS_CLAIM, HAS_ENDED, HAS_FIN, IS_OPEN, FlowRecord, FlowState
from pcapdig.trace._flows cimport FlowTable
from pcapdig.trace._fragments cimport FRAGMENT_SLOTS, Fragment
from pcapdig.trace._sequence cimport forget

cdef enum:
    PROTOCOL_TCP = 6
    FEWEST_SLOTS = 1024
    MOST_LISTENERS = 1 << 16  # ends that are remembered as listening; beyond it only those of flows that stay


cdef bytes endings_of(FlowTable table):
    """By row: 0 for TCP that is open, 1 for TCP that both ends or a RST have ended, 2 for all others: without answer, half closed, datagrams."""
    cdef int32_t row
    cdef uint32_t flags
    found = bytearray(table.count)
    cdef uint8_t[::1] view = found
    for row in range(table.count):
        flags = table.states[row].flags
        if table.records[row].protocol != PROTOCOL_TCP:
            view[row] = 2
        elif flags & HAS_ENDED:
            view[row] = 1
        else:
            view[row] = 0 if flags & (ANSWERED | IS_OPEN) and not flags & (HAS_FIN | HAS_FIN << 1) else 2
    return bytes(found)


cdef int renumber(FlowTable table, const int32_t[::1] new) except -1:
    """Keep some rows. `new`, by row: its new number, ascending without holes from 0, or -1 where it goes."""
    cdef int32_t row, older, kept = 0
    cdef FlowState *s
    if new.shape[0] != table.count:
        raise ValueError(f"{new.shape[0]} numbers for {table.count} flows")
    for row in range(table.count):
        if new[row] >= 0:
            if new[row] != kept:
                raise ValueError(f"flow {row} gets number {new[row]}, not {kept}")
            kept += 1
    move_slots(table, new, kept)
    move_claims(table, new)
    move_fragments(table, new)
    for row in range(table.count):  # chains pass over what goes, while old numbers still hold
        older = table.states[row].older
        while older >= 0 and new[older] < 0:
            older = table.states[older].older
        table.states[row].older = older
    for row in range(table.count):
        s = table.states + row
        if new[row] < 0:
            forget(&s.stream[0])
            forget(&s.stream[1])
            continue
        if s.older >= 0:
            s.older = new[s.older]
        if new[row] != row:
            table.states[new[row]] = s[0]
            table.records[new[row]] = table.records[row]
    table.count = table.first_of_batch = kept
    table.show()
    limit_listeners(table)
    return 0


cdef int move_slots(FlowTable table, const int32_t[::1] new, int32_t kept) except -1:
    """Slots lead to the newest flow that stays between two ends."""
    cdef uint32_t mask = FEWEST_SLOTS - 1, i, at
    cdef int32_t flow
    cdef Slot *slots
    while <uint32_t> kept * 2 > mask:
        mask = mask * 2 + 1
    slots = <Slot *> calloc(<size_t> mask + 1, sizeof(Slot))
    if slots == NULL:
        raise MemoryError("no memory for fewer flows")
    memset(slots, 0xFF, (<size_t> mask + 1) * sizeof(Slot))
    for i in range(table.slot_mask + 1):
        flow = table.slots[i].flow
        while flow >= 0 and new[flow] < 0:
            flow = table.states[flow].older
        if flow < 0:
            continue
        at = table.slots[i].tag & mask
        while slots[at].flow >= 0:
            at = (at + 1) & mask
        slots[at].tag = table.slots[i].tag
        slots[at].flow = new[flow]
    free(table.slots)
    table.slots = slots
    table.slot_mask = mask
    return 0


cdef int move_claims(FlowTable table, const int32_t[::1] new) except -1:
    """Claims lie where the number of their flow says. A flow whose claim finds its place taken has none any more."""
    cdef Claimed *claims = <Claimed *> calloc(CLAIM_SLOTS, sizeof(Claimed))
    cdef Claimed *claim
    cdef Claimed *to
    cdef uint8_t taken[CLAIM_SLOTS]
    cdef int32_t flow
    cdef int i
    if claims == NULL:
        raise MemoryError("no memory for claims")
    memset(taken, 0, CLAIM_SLOTS)
    for i in range(CLAIM_SLOTS):
        claim = table.claims + i
        flow = claim.flow
        if not 0 <= flow < table.count or new[flow] < 0 or not table.states[flow].flags & HAS_CLAIM:
            continue
        to = claims + (new[flow] & (CLAIM_SLOTS - 1))
        if taken[new[flow] & (CLAIM_SLOTS - 1)]:
            table.states[flow].flags &= ~<uint32_t> HAS_CLAIM
            continue
        taken[new[flow] & (CLAIM_SLOTS - 1)] = True
        to[0] = claim[0]
        to.flow = new[flow]
    free(table.claims)
    table.claims = claims
    return 0


cdef void move_fragments(FlowTable table, const int32_t[::1] new) noexcept:
    """Fragments of what goes are not waited for."""
    cdef Fragment *f
    cdef int i
    for i in range(FRAGMENT_SLOTS):
        f = table.fragments + i
        if f.key == 0 or f.flow < 0 or f.flow >= table.count:
            continue
        if new[f.flow] < 0:
            f.key = 0
        else:
            f.flow = new[f.flow]
            f.newest = new[f.newest] if 0 <= f.newest < table.count and new[f.newest] >= 0 else f.flow


cdef int limit_listeners(FlowTable table) except -1:
    """Where too many ends listen, only those that are an end of a flow are remembered."""
    cdef Roles fewer
    cdef FlowRecord *r
    cdef int32_t row
    if table.roles.count <= MOST_LISTENERS:
        return 0
    fewer = Roles(table.seed)
    for row in range(table.count):
        r = table.records + row
        if table.roles.is_listening(r.server, r.server_port, r.protocol):
            fewer.add_listener(r.server, r.server_port, r.protocol)
        if table.roles.is_listening(r.client, r.client_port, r.protocol):
            fewer.add_listener(r.client, r.client_port, r.protocol)
    table.roles = fewer
    return 0

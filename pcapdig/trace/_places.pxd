"""Where packets of a flow are seen: a place is an interface with a stack of VLANs (an interface that the packet itself names included).

TCP distinguishes twins, connections with equal ends, by their numbers; a place only decides between two that fit. Datagrams have no numbers, so
there the place distinguishes twins: a conversation lies at one place, and at others where copies of its datagrams were seen. Its other direction
may be seen at another place alone, as behind two taps, until that place shows the first direction too, and no copies of it.
"""

from libc.stdint cimport uint8_t, uint32_t

from pcapdig.trace._flow_state cimport MOST_PLACES, FlowState

cdef enum:  # FlowState.how of a place
    SHARED = 0  # the conversation lies here
    ONE_WAY = 1  # only packets of one direction came, and no copies: 1 of the client, 2 of the server

cdef enum:  # FlowState.flags of datagrams
    SEEN = 1 << 0  # a packet of the client; shifted by 1: of the server


cdef inline int place_index(const FlowState *s, uint32_t place) noexcept nogil:
    """The number of a place of a flow, -1: nothing of it was seen there."""
    cdef int i
    for i in range(s.place_count):
        if s.places[i] == place:
            return i
    return -1


cdef inline void add_place(FlowState *s, uint32_t place, uint8_t how) noexcept nogil:
    """Another place of a flow. With too many the newest is given up."""
    cdef int i = place_index(s, place)
    if i < 0:
        i = s.place_count if s.place_count < MOST_PLACES else MOST_PLACES - 1
        s.place_count = <uint8_t> (i + 1)
        s.places[i] = place
    s.how[i] = how


cdef inline bint lies_at(const FlowState *s, uint32_t place, int side) noexcept nogil:
    """Does the conversation lie at a place, for a packet of that end?"""
    cdef int i = place_index(s, place)
    return i >= 0 and (s.how[i] == SHARED or s.how[i] == ONE_WAY + side or not s.flags & (SEEN << side))

"""What is kept of a flow: the record that numpy shares, and the state that only the scanner needs. See `_flows.pyx`."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from pcapdig.packets._headers cimport PacketHeaders
from pcapdig.trace._sequence cimport Stream

cdef enum:
    MOST_PLACES = 6  # a pod's packet is seen on its veth twice, the bridge, the tunnel, the bond and the NIC

cdef enum:
    FIN = 1
    SYN = 2
    RST = 4
    ACK = 16

cdef enum:  # FlowState.flags; those of a direction are the client's, shifted by 1 for the server's
    ISN_KNOWN = 1 << 0  # from its SYN, or from what a SYN+ACK acknowledges
    HAS_FIN = 1 << 2
    HAS_RST = 1 << 4
    HAS_ACKED = 1 << 6  # the other end acknowledged something of this direction
    CARRIED_DATA = 1 << 8
    IS_OPEN = 1 << 9  # carried data after the SYNs: both ends know each other's number
    IS_SETTLED = 1 << 10  # the client acknowledged a number of the server's: no other one counts any more
    IS_JUDGED = 1 << 11  # the numbers of both directions agree, so that those far from them can be recognised
    HAS_OTHER = 1 << 12  # SYN+ACKs with two numbers were seen
    HAS_MORE = 1 << 13  # or with more than two
    HAS_ENDED = 1 << 14  # by a FIN of each end, or a RST
    ANSWERED = 1 << 15  # a SYN+ACK was seen
    HAS_CLAIM = 1 << 16  # segments elsewhere wait for what confirms them, see `_claimed.pxd`

cdef struct Ends:  # whose a packet is
    int32_t writer  # row of the process, -1: not known
    int32_t reader
    uint8_t writer_evidence
    uint8_t reader_evidence

cdef struct FlowRecord:  # one record of Flows, see RECORD in flows.py; the size is checked when a table is made
    uint8_t client[16]
    uint8_t server[16]
    uint16_t client_port
    uint16_t server_port
    uint8_t protocol
    uint8_t family
    uint16_t interface
    int64_t first_ns

cdef struct FlowState:
    # Index 0 of pairs is the client's direction, 1 the server's. What the next segment of a running connection needs stands in the first 112
    # bytes: rows are 192 bytes from 16 behind the beginning of a page, so those lie in two lines of the cache, both fetched ahead.
    Stream stream[2]
    uint32_t window[2]  # most that the other end offered: bytes beyond what it had acknowledged
    uint32_t acked[2]  # the highest number of this direction that the other end acknowledged
    uint64_t fresh  # bytes of the flow's packets, where sums are wanted
    uint32_t flags
    uint8_t scale[2]  # of the windows that this end offers
    uint8_t role  # how client and server are known, see `_client_rule.pyx`
    uint8_t flipped  # client and server changed places within the batch at hand
    uint8_t place_count
    uint8_t looked  # payloads looked at for the role
    uint8_t how[MOST_PLACES]  # of datagrams, see `_places.pxd`
    uint32_t places[MOST_PLACES]
    int32_t older  # flow between the same ends, -1: none
    uint32_t isn[2]
    uint32_t fin[2]  # the number behind its FIN
    uint32_t reset[2]  # the number of its RST
    uint32_t other_isn  # of the server, where the client has not said yet which one it took
    int32_t foreign[2]  # 1 + process first seen at the client's, the server's end where its packets did not say which; 0: none
    uint32_t serial  # of this flow alone, also when rows are numbered anew; after 2**32 flows again. Rows take 192 bytes
    int64_t ended_ns  # if HAS_ENDED
    int64_t rst_ns  # if HAS_RST


cdef inline bint is_from_client(const FlowRecord *r, const PacketHeaders *h) noexcept nogil:
    """Was a packet between a flow's ends sent by its client?"""
    return (r.client_port == h.source_port and r.server_port == h.destination_port
            and memcmp(r.client, h.source, 16) == 0 and memcmp(r.server, h.destination, 16) == 0)


cdef inline uint32_t swapped(uint32_t flags) noexcept nogil:
    """The flags of a flow whose client and server change places."""
    return flags & ~<uint32_t> 0xFF | (flags & 0x55) << 1 | (flags & 0xAA) >> 1


cdef inline void flip(FlowRecord *r, FlowState *s) noexcept nogil:
    """Client and server change places."""
    cdef FlowRecord before = r[0]
    cdef FlowState was = s[0]
    cdef int i
    memcpy(r.client, before.server, 16)
    memcpy(r.server, before.client, 16)
    r.client_port, r.server_port = before.server_port, before.client_port
    for i in range(2):
        s.stream[i] = was.stream[1 - i]
        s.window[i], s.acked[i], s.isn[i] = was.window[1 - i], was.acked[1 - i], was.isn[1 - i]
        s.fin[i], s.reset[i] = was.fin[1 - i], was.reset[1 - i]
        s.scale[i], s.foreign[i] = was.scale[1 - i], was.foreign[1 - i]
    for i in range(MOST_PLACES):
        if s.how[i] != 0:
            s.how[i] = 3 - s.how[i]
    s.flags = swapped(was.flags)
    s.flipped ^= 1

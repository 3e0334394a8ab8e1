"""Which ends of a packet are on the machine that captured it, as far as the packet itself says.

Layouts: tcpdump.org's link-type pages for LINUX_SLL and LINUX_SLL2.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp

from pcapdig.packets._headers cimport PacketHeaders
from pcapdig.trace._bytes cimport get16

cdef enum:
    BOTH_LOCAL = 4  # beside the direction of a packet: both of its ends are on the machine that captured it

cdef enum:
    LINK_SLL = 113
    LINK_SLL2 = 276

cdef enum:
    ARPHRD_LOOPBACK = 772


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


cdef inline bint is_loopback_link(uint32_t link_type, const uint8_t *data, uint32_t captured) noexcept nogil:
    """Linux cooked captures say what kind of interface a packet passed (ARPHRD_ numbers): of all, one may be the loopback."""
    if link_type == LINK_SLL2:
        return captured >= 20 and get16(data + 8, True) == ARPHRD_LOOPBACK
    return link_type == LINK_SLL and captured >= 16 and get16(data + 2, True) == ARPHRD_LOOPBACK


cdef inline bint is_local_way(const PacketHeaders *h) noexcept nogil:
    """Do the addresses say that a packet never left its machine: a loopback address (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3), or
    the same one at both ends?
    """
    cdef uint8_t source = h.source[12], destination = h.destination[12]
    if h.family == 4:
        if source == 127 or destination == 127:
            return True
    elif h.source[15] == 1 and memcmp(h.source, b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16) == 0:
        return True
    elif h.destination[15] == 1 and memcmp(h.destination, b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16) == 0:
        return True
    return h.source[15] == h.destination[15] and memcmp(h.source, h.destination, 16) == 0

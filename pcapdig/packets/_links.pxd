"""The link header of a packet: where its network header begins, and which IP version is promised.

Sources: tcpdump.org's link-type pages for SLL, SLL2, NULL and LOOP; IEEE 802.1Q and 802.3, RFC 1042 (SNAP), RFC 2516 (PPPoE),
RFC 3032 (MPLS), RFC 1661 (PPP), RFC 8300 (NSH). What is seldom met: _rare_links.pxd. Each read is preceded by a test against `end`.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp

from pcapdig.packets._headers cimport ANY_VERSION, NOT_IP, TAGS

cdef enum:
    LINK_NULL = 0
    LINK_ETHERNET = 1
    LINK_RAW_DLT = 12  # what pcap_datalink() calls RAW on Linux; in files it is 101
    LINK_RAW_OPENBSD = 14
    LINK_RAW = 101
    LINK_LOOP = 108
    LINK_SLL = 113
    LINK_IPV4 = 228
    LINK_IPV6 = 229
    LINK_SLL2 = 276

cdef enum:
    ETHERTYPE_IPV4 = 0x0800
    ETHERTYPE_VLAN = 0x8100
    ETHERTYPE_IPV6 = 0x86DD
    ETHERTYPE_QINQ = 0x88A8
    ETHERTYPE_MPLS = 0x8847
    ETHERTYPE_MPLS_MULTICAST = 0x8848
    ETHERTYPE_PPPOE = 0x8864  # its sessions
    ETHERTYPE_NSH = 0x894F
    ETHERTYPE_QINQ_OLD = 0x9100  # before 802.1ad, still sent by switches

cdef enum:
    LONGEST_802_3 = 1500
    PPP_IPV4 = 0x0021
    PPP_IPV6 = 0x0057
    PPP_MPLS = 0x0281

cdef enum:  # what follows a service header
    NSH_IPV4 = 1
    NSH_IPV6 = 2
    NSH_ETHERNET = 3


cdef inline uint16_t get16(const uint8_t *p) noexcept nogil:
    """Two bytes in network order."""
    return <uint16_t> (<uint16_t> p[0] << 8 | p[1])


cdef inline uint32_t get32(const uint8_t *p) noexcept nogil:
    """Four bytes in network order."""
    return <uint32_t> p[0] << 24 | <uint32_t> p[1] << 16 | <uint32_t> p[2] << 8 | p[3]


cdef inline uint8_t version_of_label(const uint8_t *data, uint64_t end, uint16_t kind, uint64_t *network) noexcept nogil:
    """Step over MPLS labels or a PPPoE header at `network`. Says which IP version follows."""
    if kind == ETHERTYPE_PPPOE:
        # Version, code, session, length; then PPP's two bytes of protocol (RFC 2516 section 4).
        network[0] += 8
        if end < network[0]:
            return NOT_IP
        kind = get16(data + network[0] - 2)
        return 4 if kind == PPP_IPV4 else 6 if kind == PPP_IPV6 else NOT_IP
    if kind != ETHERTYPE_MPLS and kind != ETHERTYPE_MPLS_MULTICAST:
        return NOT_IP
    # The last of the labels has the bottom-of-stack bit; nothing says what follows but its own first byte (RFC 3032).
    while end > network[0] + 4:
        network[0] += 4
        if data[network[0] - 2] & 1:
            return 4 if data[network[0]] >> 4 == 4 else 6 if data[network[0]] >> 4 == 6 else NOT_IP
    return NOT_IP


cdef inline void pass_tag(uint64_t *network, uint32_t number) noexcept nogil:
    """Note the number of a VLAN, or of another network within the network, that was stepped over: `network[TAGS]` tells stacks apart."""
    network[TAGS] = ((network[TAGS] + number + 1) * <uint64_t> 0x9E3779B97F4A7C15ULL) >> 32


cdef inline uint8_t version_of_ethertype(const uint8_t *data, uint64_t end, uint64_t at, uint64_t *network) noexcept nogil:
    """Step over VLAN tags from the type field at `at`, when `network[0]` is where its payload begins. Says which IP version it is."""
    cdef uint16_t kind
    if end < at + 2:
        return NOT_IP
    kind = get16(data + at)
    while True:
        if kind == ETHERTYPE_IPV4:
            return 4
        if kind == ETHERTYPE_IPV6:
            return 6
        if kind == ETHERTYPE_VLAN or kind == ETHERTYPE_QINQ or kind == ETHERTYPE_QINQ_OLD:
            # A tag is two bytes of control and the next type.
            if end < network[0] + 4:
                return NOT_IP
            kind = get16(data + network[0] + 2)
            pass_tag(network, get16(data + network[0]) & 0x0FFF)  # the rest is its priority
            network[0] += 4
        elif kind == ETHERTYPE_NSH:
            # Its length in 4 bytes in the second byte, what follows in the fourth (RFC 8300 section 2.2).
            if end < network[0] + 4:
                return NOT_IP
            kind = data[network[0] + 3]
            network[0] += <uint64_t> (data[network[0] + 1] & 63) * 4
            if kind == NSH_IPV4 or kind == NSH_IPV6:
                return 4 if kind == NSH_IPV4 else 6
            if kind != NSH_ETHERNET or end < network[0] + 14:
                return NOT_IP
            network[0] += 14
            kind = get16(data + network[0] - 2)
        elif kind <= LONGEST_802_3:
            # Not a type but a length (or SLL's number for 802.2): a type follows in SNAP, RFC 1042.
            if end < network[0] + 8 or memcmp(data + network[0], b"\xaa\xaa\x03\0\0\0", 6) != 0:
                return NOT_IP
            kind = get16(data + network[0] + 6)
            network[0] += 8
        else:
            return version_of_label(data, end, kind, network)


cdef inline uint8_t version_of_ppp(const uint8_t *data, uint64_t end, uint64_t *network) noexcept nogil:
    """Step over a PPP header at `network`, with or without address and control bytes, its protocol number in one byte or two."""
    cdef uint16_t kind
    cdef uint64_t at = network[0]
    if at + 2 <= end and data[at] == 0xFF and data[at + 1] == 3:
        at += 2
    if at + 2 > end:
        return NOT_IP
    kind = data[at]
    at += 1
    if kind & 1 == 0:
        kind = <uint16_t> (kind << 8 | data[at])
        at += 1
    network[0] = at
    if kind == PPP_MPLS:
        return version_of_label(data, end, ETHERTYPE_MPLS, network)
    return 4 if kind == PPP_IPV4 else 6 if kind == PPP_IPV6 else NOT_IP


cdef inline uint8_t version_of_family(uint32_t family) noexcept nogil:
    """IP version of an address family word of NULL and LOOP: 2 everywhere; 10 Linux, 24, 28 and 30 the BSDs and macOS. Some write Ethernet types."""
    if family == 2 or family == ETHERTYPE_IPV4:
        return 4
    if family == 10 or family == 24 or family == 28 or family == 30 or family == ETHERTYPE_IPV6:
        return 6
    return NOT_IP


cdef inline uint8_t read_link(const uint8_t *data, uint64_t end, uint32_t link_type, uint64_t *network) noexcept nogil:
    """Which IP version the link header promises: 4, 6, ANY_VERSION or NOT_IP. `network`: where its header begins, and the tags before it."""
    cdef uint32_t family
    cdef uint8_t version
    if link_type == LINK_ETHERNET:
        network[0] = 14
        return version_of_ethertype(data, end, 12, network)
    if link_type == LINK_SLL:
        network[0] = 16
        return version_of_ethertype(data, end, 14, network)
    if link_type == LINK_SLL2:
        network[0] = 20
        return version_of_ethertype(data, end, 0, network)
    if link_type == LINK_NULL or link_type == LINK_LOOP:
        network[0] = 4
        if end < 4:
            return NOT_IP
        family = get32(data)
        version = version_of_family(family)
        if version == NOT_IP and link_type == LINK_NULL:
            # NULL is in the order of the host that captured, which nobody wrote down. No family reads as another one swapped.
            version = version_of_family(family >> 24 | (family >> 8 & 0xFF00) | (family << 8 & 0xFF0000) | family << 24)
        return version
    network[0] = 0
    if link_type == LINK_RAW or link_type == LINK_RAW_DLT or link_type == LINK_RAW_OPENBSD:
        return ANY_VERSION
    if link_type == LINK_IPV4:
        return 4
    if link_type == LINK_IPV6:
        return 6
    return NOT_IP



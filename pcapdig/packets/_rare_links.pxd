"""Link headers that are seldom met, and those that say themselves which link header follows.

Sources: tcpdump.org's link-type pages for NFLOG, PKTAP, PPP, C_HDLC, FRELAY, PPI, IEEE802_11 and ETHERNET_MPACKET; radiotap.org; IEEE 802.11
section 9.2 (frame format); RFC 1662 (PPP in HDLC-like framing), RFC 2427 (frame relay), RFC 1042 (SNAP). Each read is preceded by
a test against `end`. Frames whose payload is encrypted, in pieces or several in one have no IP header here.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp

from pcapdig.packets._headers cimport ANY_VERSION, NOT_IP
from pcapdig.packets._links cimport (
    get16, get32, read_link, version_of_ethertype, version_of_family, version_of_ppp,
)

cdef enum:
    LINK_PPP = 9
    LINK_FDDI = 10
    LINK_PPP_HDLC = 50
    LINK_PPP_ETHERNET = 51
    LINK_LLC = 100  # of ATM, RFC 2684
    LINK_HDLC = 104
    LINK_WIFI = 105
    LINK_FRAME_RELAY = 107
    LINK_RADIOTAP = 127
    LINK_PKTAP_OLD = 149  # macOS wrote PKTAP with a number for private use before it had its own
    LINK_PPI = 192
    LINK_NFLOG = 239
    LINK_PKTAP = 258
    LINK_MPACKET = 274
    LINK_UNKNOWN = 0xFFFFFFFF

cdef enum:
    PKTAP_LEAST = 108  # bytes of its header as macOS writes it
    PKTAP_PACKET = 1
    NFLOG_PAYLOAD = 9
    NLPID_SNAP = 0x80
    NLPID_IPV6 = 0x8E
    NLPID_IPV4 = 0xCC
    MPACKET_WHOLE = 0xD5  # start of a frame that is not in pieces

cdef enum:  # frame control of 802.11, its first byte and its second
    WIFI_DATA = 0x08
    WIFI_NO_DATA = 0x40
    WIFI_QOS = 0x80
    WIFI_FOUR_ADDRESSES = 0x03
    WIFI_MORE_PIECES = 0x04
    WIFI_ENCRYPTED = 0x40
    WIFI_ORDER = 0x80
    WIFI_SEVERAL = 0x80  # in the first byte of the QoS field: an A-MSDU

cdef enum:  # of radiotap
    RADIOTAP_TIME = 1
    RADIOTAP_FLAGS = 2
    RADIOTAP_PADDED = 0x20  # in its flags: the 802.11 header is padded to 4 bytes


cdef inline uint16_t get16_little(const uint8_t *p) noexcept nogil:
    """Two bytes, low one first."""
    return <uint16_t> (<uint16_t> p[1] << 8 | p[0])


cdef inline uint32_t get32_little(const uint8_t *p) noexcept nogil:
    """Four bytes, lowest first."""
    return <uint32_t> p[3] << 24 | <uint32_t> p[2] << 16 | <uint32_t> p[1] << 8 | p[0]


cdef inline uint8_t version_of_llc(const uint8_t *data, uint64_t end, uint64_t at, uint64_t *network) noexcept nogil:
    """An LLC header at `at` with SNAP behind it, of Ethernet types."""
    if end < at + 8 or memcmp(data + at, b"\xaa\xaa\x03\0\0\0", 6) != 0:
        return NOT_IP
    network[0] = at + 8
    return version_of_ethertype(data, end, at + 6, network)


cdef inline uint8_t version_of_wifi(const uint8_t *data, uint64_t end, uint64_t at, bint is_padded, uint64_t *network) noexcept nogil:
    """An 802.11 frame at `at`: a data frame in clear."""
    cdef uint64_t size = 24
    cdef uint8_t kind, flags
    if end < at + 24:
        return NOT_IP
    kind, flags = data[at], data[at + 1]
    if kind & 0x0F != WIFI_DATA or kind & WIFI_NO_DATA or flags & (WIFI_MORE_PIECES | WIFI_ENCRYPTED) or data[at + 22] & 0x0F:
        return NOT_IP
    if flags & WIFI_FOUR_ADDRESSES == WIFI_FOUR_ADDRESSES:
        size += 6
    if kind & WIFI_QOS:
        if end < at + size + 2 or data[at + size] & WIFI_SEVERAL:
            return NOT_IP
        size += 6 if flags & WIFI_ORDER else 2
    if is_padded:
        size = (size + 3) & ~<uint64_t> 3
    return version_of_llc(data, end, at + size, network)


cdef inline bint is_radiotap_padded(const uint8_t *data, uint64_t end, uint64_t at) noexcept nogil:
    """Do the flags of the radiotap header at `at`, of which `end` is the end, say that padding follows the 802.11 header?"""
    cdef uint32_t fields = get32_little(data + at + 4)
    cdef uint64_t place = 4
    if not fields & RADIOTAP_FLAGS:
        return False
    while place + 4 <= end - at and get32_little(data + at + place) >> 31:
        place += 4
    place += 4
    if fields & RADIOTAP_TIME:
        place = ((place + 7) & ~<uint64_t> 7) + 8
    return at + place < end and data[at + place] & RADIOTAP_PADDED != 0


cdef inline uint8_t version_of_frame_relay(const uint8_t *data, uint64_t end, uint64_t *network) noexcept nogil:
    """A frame relay address of 2 to 4 bytes, the last of them odd; then a protocol number (RFC 2427), or Cisco's Ethernet type."""
    cdef uint64_t at = 0
    while at < 4 and at < end and not data[at] & 1:
        at += 1
    at += 1
    if end < at + 3:
        return NOT_IP
    if data[at] != 3:
        network[0] = at + 2
        return version_of_ethertype(data, end, at, network)
    at += 2 if data[at + 1] == 0 else 1
    network[0] = at + 1
    if data[at] == NLPID_IPV4:
        return 4
    if data[at] == NLPID_IPV6:
        return 6
    if data[at] == NLPID_SNAP and end >= at + 6 and memcmp(data + at + 1, b"\0\0\0", 3) == 0:
        network[0] = at + 6
        return version_of_ethertype(data, end, at + 4, network)
    return NOT_IP


cdef inline uint8_t version_of_nflog(const uint8_t *data, uint64_t end, uint64_t *network) noexcept nogil:
    """What Linux' netfilter logged: family, version 0, group; then items of a length and a type in the host's order, padded to 4 bytes."""
    cdef uint64_t at = 4, size
    cdef uint16_t kind
    if end < 8 or data[1] != 0:
        return NOT_IP
    while end >= at + 4:
        # No type is beyond 255 and each item has a few bytes, so the zero tells which byte is the high one.
        if data[at + 3] == 0:
            size, kind = get16_little(data + at), data[at + 2]
        else:
            size, kind = get16(data + at), data[at + 3]
        if size < 4:
            return NOT_IP
        if kind == NFLOG_PAYLOAD:
            network[0] = at + 4
            return version_of_family(data[0]) if data[0] else ANY_VERSION
        at += (size + 3) & ~<uint64_t> 3
    return NOT_IP


cdef inline uint32_t unwrapped(const uint8_t *data, uint64_t end, uint32_t link_type, uint64_t *at, bint *is_padded) noexcept nogil:
    """Step over a header that says which link header follows, and where; LINK_UNKNOWN where it is not whole."""
    if link_type == LINK_RADIOTAP:
        if end < 8 or data[0] != 0 or get16_little(data + 2) > end or get16_little(data + 2) < 8:
            return LINK_UNKNOWN
        at[0] = get16_little(data + 2)
        is_padded[0] = is_radiotap_padded(data, at[0], 0)
        return LINK_WIFI
    if link_type == LINK_PPI:
        if end < 8 or data[0] != 0 or get16_little(data + 2) > end:
            return LINK_UNKNOWN
        at[0] = get16_little(data + 2)
        return get32_little(data + 4)
    if link_type == LINK_PKTAP or link_type == LINK_PKTAP_OLD:
        if end < PKTAP_LEAST or get32_little(data) < PKTAP_LEAST or get32_little(data) > end or get32_little(data + 4) != PKTAP_PACKET:
            return LINK_UNKNOWN
        at[0] = get32_little(data)
        return get32_little(data + 8)
    return link_type


cdef inline uint8_t read_rare_link(const uint8_t *data, uint64_t end, uint32_t link_type, uint64_t *network) noexcept nogil:
    """As `read_link`, of what that does not know."""
    cdef uint64_t at = 0
    cdef bint is_padded = False
    cdef uint8_t version
    link_type = unwrapped(data, end, link_type, &at, &is_padded)
    if link_type == LINK_WIFI:
        return version_of_wifi(data, end, at, is_padded, network)
    if link_type == LINK_MPACKET and end >= 8 and data[7] == MPACKET_WHOLE:
        at, link_type = 8, 1
    if at != 0:
        version = read_link(data + at, end - at, link_type, network)
        network[0] += at
        return version
    if link_type == LINK_PPP or (link_type == LINK_PPP_HDLC and end >= 1 and data[0] == 0xFF):
        return version_of_ppp(data, end, network)
    if link_type == LINK_PPP_ETHERNET:
        network[0] = 6
        return version_of_ppp(data, end, network)
    if link_type == LINK_HDLC or link_type == LINK_PPP_HDLC:
        network[0] = 4
        return version_of_ethertype(data, end, 2, network)
    if link_type == LINK_FRAME_RELAY:
        return version_of_frame_relay(data, end, network)
    if link_type == LINK_LLC or link_type == LINK_FDDI:
        return version_of_llc(data, end, 13 if link_type == LINK_FDDI else 0, network)
    if link_type == LINK_NFLOG:
        return version_of_nflog(data, end, network)
    return NOT_IP

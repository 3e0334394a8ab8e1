"""Link headers that are seldom met, and those that say themselves which link header follows.

Sources: tcpdump.org's link-type pages for NFLOG, PKTAP, PPP, C_HDLC, FRELAY, PPI, IEEE802_11, ETHERNET_MPACKET and the four of switch tags
(DSA_TAG_*); radiotap.org; IEEE 802.11 section 9.2 (frame format); RFC 1662 (PPP in HDLC-like framing), RFC 2427 (frame relay), RFC 1042 (SNAP).
Each read is preceded by a test against `end`. Frames whose payload is encrypted, in pieces or several in one have no IP header here; f.kind says which of these.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp

from pcapdig.packets._frame cimport ANY_VERSION, NOT_IP, Frame, get16, has, no_ip
from pcapdig.packets._links cimport (
    LINK_ETHERNET, into_ethernet, into_ethertype, into_link, into_ppp, into_pppoe, into_snap, version_of_family,
)
from pcapdig.packets._unread cimport CUT_LINK, OF_LINK, WIFI_ENCRYPTED, WIFI_NO_DATA, WIFI_PIECE

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
    LINK_BROADCOM = 281  # Ethernet with the 4 bytes of a switch chip behind the addresses
    LINK_BROADCOM_PREPENDED = 282  # or before them
    LINK_DSA = 284  # Marvell's: 4 bytes behind the addresses
    LINK_EDSA = 285  # 8 bytes, which begin like an Ethernet type
    LINK_UNKNOWN = 0xFFFFFFFF

cdef enum:
    ADDRESSES = 12  # bytes of the two that an Ethernet frame begins with
    PKTAP_LEAST = 108  # bytes of its header as macOS writes it
    PKTAP_PACKET = 1
    NFLOG_PAYLOAD = 9
    NLPID_SNAP = 0x80
    NLPID_IPV6 = 0x8E
    NLPID_IPV4 = 0xCC
    MPACKET_WHOLE = 0xD5  # start of a frame that is not in pieces

cdef enum:  # frame control of 802.11, its first byte and its second
    WIFI_DATA = 0x08
    WIFI_EMPTY = 0x40
    WIFI_QOS = 0x80
    WIFI_FOUR_ADDRESSES = 0x03
    WIFI_MORE_PIECES = 0x04
    WIFI_PROTECTED = 0x40
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


cdef inline uint8_t into_llc(Frame *f) noexcept nogil:
    """An LLC header with SNAP behind it, of Ethernet types."""
    return NOT_IP if into_snap(f) == NOT_IP else into_ethertype(f, <uint16_t> f.kind)


cdef inline uint8_t into_wifi_as(Frame *f, uint8_t kind, uint8_t flags, uint8_t piece, bint is_padded) noexcept nogil:
    """An 802.11 frame with these two bytes of frame control and this number of a piece: a data frame in clear."""
    cdef uint64_t size = 24
    if kind & 0x0F != WIFI_DATA or kind & WIFI_EMPTY:
        return no_ip(f, WIFI_NO_DATA)
    if not has(f, 24):
        return no_ip(f, CUT_LINK)
    if flags & WIFI_MORE_PIECES or piece != 0:
        return no_ip(f, WIFI_PIECE)
    if flags & WIFI_PROTECTED:
        return no_ip(f, WIFI_ENCRYPTED)
    if flags & WIFI_FOUR_ADDRESSES == WIFI_FOUR_ADDRESSES:
        size += 6
    if kind & WIFI_QOS:
        if not has(f, size + 2):
            return no_ip(f, CUT_LINK)
        if f.data[f.at + size] & WIFI_SEVERAL:
            return no_ip(f, WIFI_PIECE)
        size += 6 if flags & WIFI_ORDER else 2
    f.at += (size + 3) & ~<uint64_t> 3 if is_padded else size
    return into_llc(f)


cdef inline uint8_t into_wifi(Frame *f, bint is_padded) noexcept nogil:
    """An 802.11 frame."""
    if not has(f, 2):
        return no_ip(f, CUT_LINK)
    return into_wifi_as(f, f.data[f.at], f.data[f.at + 1], f.data[f.at + 22] & 0x0F if has(f, 24) else 0, is_padded)


cdef inline bint is_radiotap_padded(const uint8_t *data, uint64_t end) noexcept nogil:
    """Do the flags of the radiotap header at `data`, of `end` bytes, say that padding follows the 802.11 header?"""
    cdef uint32_t fields = get32_little(data + 4)
    cdef uint64_t place = 4
    if not fields & RADIOTAP_FLAGS:
        return False
    while place + 4 <= end and get32_little(data + place) >> 31:
        place += 4
    place += 4
    if fields & RADIOTAP_TIME:
        place = ((place + 7) & ~<uint64_t> 7) + 8
    return place < end and data[place] & RADIOTAP_PADDED != 0


cdef inline uint8_t into_radiotap(Frame *f) noexcept nogil:
    """A radiotap header: version 0, then its length; the 802.11 frame behind it."""
    cdef uint64_t size
    cdef bint is_padded
    if not has(f, 8) or f.data[f.at] != 0:
        return no_ip(f, CUT_LINK if not has(f, 8) else <uint32_t> (OF_LINK | LINK_RADIOTAP))
    size = get16_little(f.data + f.at + 2)
    if size < 8 or not has(f, size):
        return no_ip(f, CUT_LINK)
    is_padded = is_radiotap_padded(f.data + f.at, size)
    f.at += size
    return into_wifi(f, is_padded)


cdef inline uint8_t into_frame_relay(Frame *f) noexcept nogil:
    """A frame relay address of 2 to 4 bytes, the last of them odd; then a protocol number (RFC 2427), or Cisco's Ethernet type."""
    cdef int i
    cdef uint8_t kind
    for i in range(4):
        if not has(f, 1) or f.data[f.at] & 1:
            break
        f.at += 1
    f.at += 1
    if not has(f, 3):
        return no_ip(f, CUT_LINK)
    if f.data[f.at] != 3:
        f.at += 2
        return into_ethertype(f, get16(f.data + f.at - 2))
    f.at += 2 if f.data[f.at + 1] == 0 else 1
    kind = f.data[f.at]
    f.at += 1
    if kind == NLPID_IPV4:
        return 4
    if kind == NLPID_IPV6:
        return 6
    if kind == NLPID_SNAP and has(f, 5) and memcmp(f.data + f.at, b"\0\0\0", 3) == 0:
        f.at += 5
        return into_ethertype(f, get16(f.data + f.at - 2))
    return no_ip(f, OF_LINK | LINK_FRAME_RELAY)


cdef inline uint8_t into_nflog(Frame *f) noexcept nogil:
    """What Linux' netfilter logged: family, version 0, group; then items of a length and a type in the host's order, padded to 4 bytes."""
    cdef uint64_t size
    cdef uint16_t kind
    cdef uint8_t family, version
    if not has(f, 8):
        return no_ip(f, CUT_LINK)
    family = f.data[f.at]
    if f.data[f.at + 1] != 0:
        return no_ip(f, OF_LINK | LINK_NFLOG)
    f.at += 4
    while has(f, 4):
        # No type is beyond 255 and each item has a few bytes, so the zero tells which byte is the high one.
        if f.data[f.at + 3] == 0:
            size, kind = get16_little(f.data + f.at), f.data[f.at + 2]
        else:
            size, kind = get16(f.data + f.at), f.data[f.at + 3]
        if size < 4:
            return no_ip(f, OF_LINK | LINK_NFLOG)
        if kind == NFLOG_PAYLOAD:
            f.at += 4
            version = version_of_family(family) if family else <uint8_t> ANY_VERSION
            return version if version != NOT_IP else no_ip(f, OF_LINK | LINK_NFLOG)
        f.at += (size + 3) & ~<uint64_t> 3
    return no_ip(f, CUT_LINK)


cdef inline uint8_t into_switched(Frame *f, uint64_t size) noexcept nogil:
    """An Ethernet frame with `size` bytes of a switch chip before its type."""
    if not has(f, ADDRESSES + size + 2):
        return no_ip(f, CUT_LINK)
    f.at += ADDRESSES + size + 2
    return into_ethertype(f, get16(f.data + f.at - 2))


cdef inline uint32_t step_to_link(Frame *f, uint32_t link_type) noexcept nogil:
    """Step over a header that says which link header follows, and where; LINK_UNKNOWN where it is not whole."""
    cdef const uint8_t *data = f.data + f.at
    if link_type == LINK_PPI:
        if not has(f, 8) or data[0] != 0 or not has(f, get16_little(data + 2)):
            return LINK_UNKNOWN
        f.at += get16_little(data + 2)
        return get32_little(data + 4)
    if link_type == LINK_PKTAP or link_type == LINK_PKTAP_OLD:
        if not has(f, PKTAP_LEAST) or get32_little(data) < PKTAP_LEAST or not has(f, get32_little(data)):
            return LINK_UNKNOWN
        if get32_little(data + 4) != PKTAP_PACKET:
            return LINK_UNKNOWN
        f.at += get32_little(data)
        return get32_little(data + 8)
    if link_type == LINK_MPACKET and has(f, 8) and data[7] == MPACKET_WHOLE:
        f.at += 8
        return LINK_ETHERNET
    return link_type


cdef inline uint8_t into_rare_link(Frame *f, uint32_t link_type) noexcept nogil:
    """As `into_link`, of all types."""
    link_type = step_to_link(f, link_type)
    if link_type == LINK_UNKNOWN:
        return no_ip(f, CUT_LINK)
    if link_type == LINK_WIFI:
        return into_wifi(f, False)
    if link_type == LINK_RADIOTAP:
        return into_radiotap(f)
    if link_type == LINK_PPP or (link_type == LINK_PPP_HDLC and has(f, 1) and f.data[f.at] == 0xFF):
        return into_ppp(f)
    if link_type == LINK_PPP_ETHERNET:
        return into_pppoe(f)
    if link_type == LINK_HDLC or link_type == LINK_PPP_HDLC:
        if not has(f, 4):
            return no_ip(f, CUT_LINK)
        f.at += 4
        return into_ethertype(f, get16(f.data + f.at - 2))
    if link_type == LINK_FRAME_RELAY:
        return into_frame_relay(f)
    if link_type == LINK_LLC or link_type == LINK_FDDI:
        f.at += 13 if link_type == LINK_FDDI else 0
        return into_llc(f)
    if link_type == LINK_NFLOG:
        return into_nflog(f)
    if link_type == LINK_BROADCOM_PREPENDED:
        f.at += 4
        return into_ethernet(f)
    if link_type == LINK_BROADCOM or link_type == LINK_DSA:
        return into_switched(f, 4)
    if link_type == LINK_EDSA:
        return into_switched(f, 8)
    return into_link(f, link_type)

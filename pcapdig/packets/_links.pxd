"""The headers before IP: from a packet's first byte to its network header, and which IP version is promised there.

Sources: tcpdump.org's link-type pages for SLL, SLL2, NULL and LOOP; IEEE 802.1Q (VLANs, 802.1ah), 802.1BR (E-TAG), 802.1AE (MACsec) and 802.3,
RFC 1042 (SNAP), RFC 2516 (PPPoE), RFC 1661 (PPP), RFC 3032 (MPLS), RFC 8300 (NSH), IEC 62439-3 (HSR). What is seldom met: _rare_links.pxd.
Each read is preceded by a test against `end`.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp

from pcapdig.packets._frame cimport ANY_VERSION, NOT_IP, Frame, cut_at, get16, get32, has, no_ip, pass_tag
from pcapdig.packets._unread cimport CUT_LINK, OF_ETHERTYPE, OF_LINK, OF_LLC, OF_PPP, OF_SNAP, TOO_MANY_TAGS

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
    ETHERTYPE_BRIDGED = 0x6558
    ETHERTYPE_VLAN = 0x8100
    ETHERTYPE_IPV6 = 0x86DD
    ETHERTYPE_MPLS = 0x8847
    ETHERTYPE_MPLS_MULTICAST = 0x8848
    ETHERTYPE_PPP = 0x880B
    ETHERTYPE_PPPOE = 0x8864  # its sessions
    ETHERTYPE_QINQ = 0x88A8  # also the B-TAG of 802.1ah
    ETHERTYPE_MACSEC = 0x88E5
    ETHERTYPE_I_TAG = 0x88E7
    ETHERTYPE_CISCO_METADATA = 0x8909
    ETHERTYPE_VN_TAG = 0x8926
    ETHERTYPE_HSR = 0x892F
    ETHERTYPE_E_TAG = 0x893F
    ETHERTYPE_NSH = 0x894F
    ETHERTYPE_ARISTA = 0xD28B  # time stamps of its switches
    ETHERTYPE_QINQ_OLD = 0x9100  # before 802.1ad, still sent by switches

cdef enum:
    LEAST_802_3 = 28  # SNAP and an IP header
    LONGEST_802_3 = 1500
    MOST_TAGS = 64  # before one network header. Bounds the work of a packet that is nothing but tags
    PPP_IPV4 = 0x0021
    PPP_IPV6 = 0x0057
    PPP_MPLS = 0x0281

cdef enum:  # first byte of a MACsec tag
    MACSEC_CHANGED = 0x0C  # encrypted, or otherwise not as it was
    MACSEC_CHANNEL = 0x20  # 8 more bytes

cdef enum:  # what follows a service header
    NSH_IPV4 = 1
    NSH_IPV6 = 2
    NSH_ETHERNET = 3


# Each function below steps from f.at, where its header begins, to the IP header behind it. It returns the version that this must have: 4, 6 or
# ANY_VERSION; NOT_IP when there is none, and then f.kind says what there is.


cdef inline uint8_t into_mpls(Frame *f) noexcept nogil:
    """A stack of labels, the last one marked. Nothing says what follows but its own first half byte (RFC 3032, RFC 4928 section 3)."""
    while has(f, 5):
        f.at += 4
        if f.data[f.at - 2] & 1:
            if f.data[f.at] >> 4 == 4:
                return 4
            return 6 if f.data[f.at] >> 4 == 6 else no_ip(f, OF_ETHERTYPE | ETHERTYPE_MPLS)
    return no_ip(f, CUT_LINK)


cdef inline uint8_t into_ppp(Frame *f) noexcept nogil:
    """A PPP header: with address and control bytes or without (RFC 1661 section 6.6), its protocol number in two bytes or one (6.5)."""
    cdef uint16_t kind
    if has(f, 2) and f.data[f.at] == 0xFF and f.data[f.at + 1] == 3:
        f.at += 2
    if not has(f, 2):
        return no_ip(f, CUT_LINK)
    kind = f.data[f.at]
    f.at += 1
    if kind & 1 == 0:
        kind = <uint16_t> (kind << 8 | f.data[f.at])
        f.at += 1
    if kind == PPP_MPLS:
        return into_mpls(f)
    return 4 if kind == PPP_IPV4 else 6 if kind == PPP_IPV6 else no_ip(f, OF_PPP | kind)


cdef inline uint8_t into_pppoe(Frame *f) noexcept nogil:
    """A PPPoE session: version, code, session, length of what follows (RFC 2516 section 4); then PPP."""
    if not has(f, 6):
        return no_ip(f, CUT_LINK)
    f.at += 6
    cut_at(f, f.at + get16(f.data + f.at - 2))
    return into_ppp(f)


cdef inline uint64_t tag_size(const Frame *f, uint16_t kind) noexcept nogil:
    """Bytes of a tag that is followed by another type, this type included; 0: it is no tag."""
    if kind == ETHERTYPE_VLAN or kind == ETHERTYPE_QINQ or kind == ETHERTYPE_QINQ_OLD:
        return 4
    if kind == ETHERTYPE_VN_TAG or kind == ETHERTYPE_HSR:
        return 6
    if kind == ETHERTYPE_E_TAG:
        return 8
    if kind == ETHERTYPE_I_TAG:
        return 18  # its own 4 bytes, then the customer's addresses and type
    if kind == ETHERTYPE_CISCO_METADATA:
        # Version, length of what follows in 4 bytes, one option of a group tag as a rule.
        return 4 + <uint64_t> f.data[f.at + 1] * 4 if has(f, 2) else 8
    if kind == ETHERTYPE_ARISTA and has(f, 4):
        # Subtype, then a version, whose last byte says how long the time is: 64 bits or 48.
        return 14 if f.data[f.at + 3] == 0x10 else 12 if f.data[f.at + 3] == 0x20 else 0
    if kind == ETHERTYPE_MACSEC and has(f, 1) and f.data[f.at] & MACSEC_CHANGED == 0:
        return 16 if f.data[f.at] & MACSEC_CHANNEL else 8
    return 0


cdef inline uint8_t into_snap(Frame *f) noexcept nogil:
    """An 802.2 header: only SNAP with an Ethernet type, which stands in f.kind then, is followed by IP (RFC 1042). ANY_VERSION: it is that."""
    if not has(f, 8):
        return no_ip(f, CUT_LINK if not has(f, 3) or get16(f.data + f.at) == 0xAAAA else OF_LLC | get16(f.data + f.at))
    if memcmp(f.data + f.at, b"\xaa\xaa\x03", 3) != 0:
        return no_ip(f, OF_LLC | get16(f.data + f.at))
    if memcmp(f.data + f.at + 3, b"\0\0\0", 3) != 0:
        return no_ip(f, OF_SNAP | get16(f.data + f.at + 6))
    f.kind = get16(f.data + f.at + 6)
    f.at += 8
    return ANY_VERSION


cdef inline uint8_t into_ethertype(Frame *f, uint16_t kind) noexcept nogil:
    """What an Ethernet type announces, behind any number of tags."""
    cdef uint64_t size
    cdef int tags
    for tags in range(MOST_TAGS):
        if kind == ETHERTYPE_IPV4:
            return 4
        if kind == ETHERTYPE_IPV6:
            return 6
        size = tag_size(f, kind)
        if size != 0:
            if not has(f, size):
                return no_ip(f, CUT_LINK)
            if size == 4 and get16(f.data + f.at) & 0x0FFF:  # the rest is its priority; VLAN 0 is that and no more (802.1Q section 9.6)
                pass_tag(f, get16(f.data + f.at) & 0x0FFF)
            elif kind == ETHERTYPE_I_TAG:
                pass_tag(f, get32(f.data + f.at) & 0xFFFFFF)
            f.at += size
            kind = get16(f.data + f.at - 2)
        elif kind == ETHERTYPE_NSH:
            # Its length in 4 bytes in the second byte, what follows in the fourth (RFC 8300 section 2.2).
            if not has(f, 4):
                return no_ip(f, CUT_LINK)
            kind = f.data[f.at + 3]
            f.at += <uint64_t> (f.data[f.at + 1] & 63) * 4
            if kind == NSH_IPV4 or kind == NSH_IPV6:
                return 4 if kind == NSH_IPV4 else 6
            if kind != NSH_ETHERNET or not has(f, 14):
                return no_ip(f, OF_ETHERTYPE | ETHERTYPE_NSH)
            f.at += 14
            kind = get16(f.data + f.at - 2)
        elif kind <= LONGEST_802_3:
            # Not a type but a length: a type follows in SNAP. No IP packet is as short as SLL's numbers, of which one is 802.2.
            if kind >= LEAST_802_3:
                cut_at(f, f.at + kind)
            if into_snap(f) == NOT_IP:
                return NOT_IP
            kind = <uint16_t> f.kind
        elif kind == ETHERTYPE_PPPOE:
            return into_pppoe(f)
        elif kind == ETHERTYPE_MPLS or kind == ETHERTYPE_MPLS_MULTICAST:
            return into_mpls(f)
        else:
            return no_ip(f, OF_ETHERTYPE | kind)
    return no_ip(f, TOO_MANY_TAGS)


cdef inline uint8_t into_ethernet(Frame *f) noexcept nogil:
    """An Ethernet frame."""
    if not has(f, 14):
        return no_ip(f, CUT_LINK)
    f.at += 14
    return into_ethertype(f, get16(f.data + f.at - 2))


cdef inline uint8_t version_of_family(uint32_t family) noexcept nogil:
    """IP version of an address family word of NULL and LOOP: 2 everywhere; 10 Linux, 24, 28 and 30 the BSDs and macOS. Some write Ethernet types."""
    if family == 2 or family == ETHERTYPE_IPV4:
        return 4
    if family == 10 or family == 24 or family == 28 or family == 30 or family == ETHERTYPE_IPV6:
        return 6
    return NOT_IP


cdef inline uint8_t into_family(Frame *f, uint32_t link_type) noexcept nogil:
    """The four bytes before a packet of NULL and LOOP."""
    cdef uint32_t family
    cdef uint8_t version
    if not has(f, 4):
        return no_ip(f, CUT_LINK)
    family = get32(f.data + f.at)
    f.at += 4
    version = version_of_family(family)
    if version == NOT_IP and link_type == LINK_NULL:
        # NULL is in the order of the host that captured, which nobody wrote down. No family reads as another one swapped.
        version = version_of_family(family >> 24 | (family >> 8 & 0xFF00) | (family << 8 & 0xFF0000) | family << 24)
    return version if version != NOT_IP else no_ip(f, OF_LINK | (link_type & 0xFFFF))


cdef inline uint8_t into_link(Frame *f, uint32_t link_type) noexcept nogil:
    """The link header of a packet, of the types that are often met."""
    cdef uint16_t kind
    if link_type == LINK_ETHERNET:
        return into_ethernet(f)
    if link_type == LINK_SLL or link_type == LINK_SLL2:
        if not has(f, 16 if link_type == LINK_SLL else 20):
            return no_ip(f, CUT_LINK)
        kind = get16(f.data + f.at + (14 if link_type == LINK_SLL else 0))
        f.at += 16 if link_type == LINK_SLL else 20
        return into_ethertype(f, kind)
    if link_type == LINK_NULL or link_type == LINK_LOOP:
        return into_family(f, link_type)
    if link_type == LINK_RAW or link_type == LINK_RAW_DLT or link_type == LINK_RAW_OPENBSD:
        return ANY_VERSION
    return 4 if link_type == LINK_IPV4 else 6 if link_type == LINK_IPV6 else no_ip(f, OF_LINK | (link_type & 0xFFFF))

"""Tunnels in UDP, and L2TP: from the payload to the IP header inside.

VXLAN (RFC 7348; 8472 is the port Linux had before there was one), VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe), Geneve (RFC 8926), MPLS (RFC 7510), GTP-U
(3GPP TS 29.281 section 5; version 0: TS 09.60), L2TP versions 2 and 3 (RFC 2661 section 3.1, RFC 3931 section 4.1), Teredo (RFC 4380 section 5.1.1),
CAPWAP's data (RFC 5415 section 4.3) and Aruba's remote mirroring.

A tunnel is known by its destination port, as its standard says; GTP, L2TP, Teredo and CAPWAP, whose servers may answer from that port, by either. Where a header
does not say how long it is, IP is looked for behind each length it may have: it is taken only where its length and checksum are right too.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from pcapdig.packets._frame cimport NOT_IP, Frame, cut_at, get16, get32, has, no_ip, pass_tag
from pcapdig.packets._links cimport (
    ETHERTYPE_BRIDGED, ETHERTYPE_CISCO_METADATA, ETHERTYPE_MPLS, ETHERTYPE_NSH, ETHERTYPE_PPP, LONGEST_802_3, into_ethernet, into_ethertype,
    into_mpls, into_ppp,
)
from pcapdig.packets._rare_links cimport LINK_WIFI, get16_little, get32_little, into_radiotap, into_wifi, into_wifi_as
from pcapdig.packets._unread cimport OF_ETHERTYPE, OF_TUNNEL

cdef enum:
    PORT_L2TP = 1701
    PORT_GTP = 2152
    PORT_GTP_OLD = 3386
    PORT_TEREDO = 3544
    PORT_GRE = 4754
    PORT_VXLAN = 4789
    PORT_VXLAN_GPE = 4790
    PORT_CAPWAP = 5247
    PORT_ARUBA = 5555
    PORT_GENEVE = 6081
    PORT_MPLS = 6635
    PORT_VXLAN_OLD = 8472

cdef enum:  # first 16 bits of an L2TP header
    L2TP_CONTROL = 0x8000
    L2TP_LENGTH = 0x4000
    L2TP_SEQUENCE = 0x0800
    L2TP_OFFSET = 0x0200
    L2TP_VERSION = 0x000F

cdef enum:  # of GTP-U
    GTP_IS_GTP = 0x10  # else charging records
    GTP_MORE = 0x07  # any of the three that follow: then four bytes are there for all
    GTP_EXTENDED = 0x04
    GTP_DATA = 255  # the message that carries a packet

cdef enum:  # of CAPWAP's first 32 bits
    CAPWAP_WIFI = 0x100  # else Ethernet
    CAPWAP_NO_PACKET = 0x88  # a piece of one, or a keep-alive

cdef enum:  # next protocols of VXLAN-GPE
    VXLAN_NSH = 4
    VXLAN_MPLS = 5

cdef enum:
    PEEK_MAGIC = 0x00FFABCD
    PEEK_OLD_SIZE = 20


cdef inline uint8_t into_payload(Frame *f, uint16_t kind) noexcept nogil:
    """What an EtherType announces inside GRE or Geneve."""
    if kind == ETHERTYPE_BRIDGED:
        return into_ethernet(f)
    if kind == ETHERTYPE_PPP:
        return into_ppp(f)
    if kind == ETHERTYPE_CISCO_METADATA:
        # Not as in Ethernet: the next type comes first, then version and length in 4 bytes, then the options.
        if not has(f, 4):
            return NOT_IP
        kind = get16(f.data + f.at)
        f.at += 4 + <uint64_t> f.data[f.at + 3] * 4
    return into_ethertype(f, kind) if kind > LONGEST_802_3 else no_ip(f, OF_ETHERTYPE | kind)


cdef inline uint8_t into_vxlan(Frame *f, bint is_generic) noexcept nogil:
    """A VXLAN header; the generic one (VXLAN-GPE) says what follows."""
    cdef uint8_t flags, kind = 3
    if not has(f, 8):
        return NOT_IP
    flags = f.data[f.at]
    if is_generic and flags & 4:
        kind = f.data[f.at + 3]
    if not flags & 8:
        return NOT_IP  # without a network number it is none, RFC 7348 section 5
    pass_tag(f, get32(f.data + f.at + 4) >> 8)
    f.at += 8
    if kind == VXLAN_NSH or kind == VXLAN_MPLS:
        return into_ethertype(f, ETHERTYPE_NSH if kind == VXLAN_NSH else ETHERTYPE_MPLS)
    return 4 if kind == 1 else 6 if kind == 2 else into_ethernet(f) if kind == 3 else NOT_IP


cdef inline uint8_t into_geneve(Frame *f) noexcept nogil:
    """A Geneve header and its options, whose first byte gives the length in units of 4 bytes."""
    cdef uint16_t kind
    if not has(f, 8) or f.data[f.at] >> 6 != 0:
        return NOT_IP
    kind = get16(f.data + f.at + 2)
    pass_tag(f, get32(f.data + f.at + 4) >> 8)
    f.at += 8 + <uint64_t> (f.data[f.at] & 63) * 4
    return into_payload(f, kind)


cdef inline uint8_t into_user_data(Frame *f) noexcept nogil:
    """What a user's session of GTP carries, which was agreed on before: IP, else PPP, else Ethernet."""
    cdef uint8_t first = f.data[f.at] if has(f, 1) else 0
    if first >> 4 in (4, 6):
        return first >> 4
    return into_ppp(f) if first == 0xFF else into_ethernet(f)


cdef inline uint8_t into_gtp(Frame *f, uint8_t version) noexcept nogil:
    """GTP-U: flags, message, length of all behind the first 8 bytes; version 0 has 20 bytes in all, version 1 headers that announce each other."""
    cdef uint8_t flags, following = 0
    cdef uint64_t size = 8 if version == 1 else 20
    if not has(f, size):
        return NOT_IP
    flags = f.data[f.at]
    if flags >> 5 != version or not flags & GTP_IS_GTP or f.data[f.at + 1] != GTP_DATA:
        return NOT_IP
    cut_at(f, f.at + size + get16(f.data + f.at + 2))
    f.at += size
    if version == 1 and flags & GTP_MORE:
        if not has(f, 4):
            return NOT_IP
        following = f.data[f.at + 3] if flags & GTP_EXTENDED else 0
        f.at += 4
    while following != 0:
        # Its length in 4 bytes comes first, the type of the next one last.
        if not has(f, 4) or f.data[f.at] == 0 or not has(f, <uint64_t> f.data[f.at] * 4):
            return NOT_IP
        f.at += <uint64_t> f.data[f.at] * 4
        following = f.data[f.at - 1]
    return into_user_data(f)


cdef inline bint is_whole_ip(const Frame *f, uint8_t version) noexcept nogil:
    """Is this an IP header that says of itself what is so: its length fits, and the checksum that IPv4 has is right?"""
    cdef const uint8_t *data = f.data + f.at
    cdef uint64_t size, i
    cdef uint32_t total = 0
    if version == 6:
        return has(f, 40) and data[0] >> 4 == 6 and f.at + 40 + get16(data + 4) <= f.wire
    if version != 4 or not has(f, 20) or data[0] >> 4 != 4:
        return False
    size = <uint64_t> (data[0] & 15) * 4
    if size < 20 or not has(f, size) or get16(data + 2) < size or f.at + get16(data + 2) > f.wire:
        return False
    for i in range(0, size, 2):
        total += get16(data + i)
    total = (total >> 16) + (total & 0xFFFF)
    return (total >> 16) + (total & 0xFFFF) == 0xFFFF


cdef inline uint8_t into_pseudowire(Frame *f) noexcept nogil:
    """What L2TPv3 carries: behind a cookie of 0, 4 or 8 bytes and perhaps a sublayer of 4 comes Ethernet, HDLC or PPP. The ends agreed on which;
    the packet does not say.
    """
    cdef Frame start = f[0]
    cdef uint64_t before
    cdef uint8_t version
    cdef int form
    for before in range(0, 13, 4):
        for form in range(3):
            f[0] = start
            f.at += before
            if form == 0:
                version = into_ethernet(f)
            elif form == 1:
                version = into_ppp(f)
            else:
                version = NOT_IP
                if has(f, 4) and get16(f.data + f.at) in (0x0F00, 0x8F00):  # Cisco's HDLC, to one and to all
                    f.at += 4
                    version = into_ethertype(f, get16(f.data + f.at - 2))
            if is_whole_ip(f, version):
                return version
    return NOT_IP


cdef inline uint8_t into_l2tp(Frame *f) noexcept nogil:
    """L2TP in UDP: version 2 has PPP inside and says which of its fields are there."""
    cdef uint64_t start = f.at
    cdef uint16_t flags
    if not has(f, 8):
        return NOT_IP
    flags = get16(f.data + f.at)
    if flags & L2TP_CONTROL:
        return NOT_IP
    if flags & L2TP_VERSION == 3:
        f.at += 8
        return into_pseudowire(f)
    if flags & L2TP_VERSION != 2:
        return NOT_IP
    f.at += 2
    if flags & L2TP_LENGTH:
        cut_at(f, start + get16(f.data + f.at))
        f.at += 2
    f.at += 4  # tunnel and session
    if flags & L2TP_SEQUENCE:
        f.at += 4
    if flags & L2TP_OFFSET:
        if not has(f, 2):
            return NOT_IP
        f.at += 2 + <uint64_t> get16(f.data + f.at)
    return into_ppp(f)


cdef inline uint8_t into_l2tp_in_ip(Frame *f) noexcept nogil:
    """L2TPv3 right in IP: a session number, of which 0 is a control message."""
    if not has(f, 4) or get32(f.data + f.at) == 0:
        return NOT_IP
    f.at += 4
    return into_pseudowire(f)


cdef inline uint8_t into_teredo(Frame *f) noexcept nogil:
    """Teredo: perhaps an authentication header, perhaps an origin, then IPv6."""
    if has(f, 4) and get16(f.data + f.at) == 1:
        # Lengths of a name and a value, which follow; 8 bytes of nonce and 1 of confirmation.
        f.at += 13 + <uint64_t> f.data[f.at + 2] + f.data[f.at + 3]
    if has(f, 2) and get16(f.data + f.at) == 0:
        f.at += 8
    return 6 if has(f, 40) and f.data[f.at] >> 4 == 6 and f.at + 40 + get16(f.data + f.at + 4) <= f.wire else NOT_IP


cdef inline uint8_t into_wifi_of_any_order(Frame *f) noexcept nogil:
    """An 802.11 frame, whose two bytes of frame control, and of sequence control, some access points swap."""
    cdef Frame before = f[0]
    cdef uint64_t start = f.at
    cdef uint8_t version
    if not has(f, 2):
        return NOT_IP
    version = into_wifi(f, False)
    if version != NOT_IP:
        return version
    f[0] = before
    # Access points put pieces together before they pass a frame on, so the number of a piece is not looked for in either byte.
    return into_wifi_as(f, f.data[start + 1], f.data[start], 0, False)


cdef inline uint8_t into_capwap(Frame *f) noexcept nogil:
    """A CAPWAP header in clear, whose length in 4 bytes stands in its bits 8 to 12; Ethernet or 802.11 behind it."""
    cdef uint32_t head
    if not has(f, 8) or f.data[f.at] != 0:  # version 0; type 1 is DTLS
        return NOT_IP
    head = get32(f.data + f.at)
    if head & CAPWAP_NO_PACKET:
        return NOT_IP
    f.at += <uint64_t> (head >> 19 & 31) * 4
    return into_wifi_of_any_order(f) if head & CAPWAP_WIFI else into_ethernet(f)


cdef inline uint8_t into_mirrored(Frame *f) noexcept nogil:
    """Aruba's mirrored 802.11 frames. Which of six headers is before them is set up at both ends: the one is taken behind which there is IP."""
    cdef Frame start = f[0]
    cdef const uint8_t *data = f.data + f.at
    cdef uint64_t sizes[5]
    cdef uint8_t version
    cdef int i
    if not has(f, PEEK_OLD_SIZE):
        return NOT_IP
    sizes[0] = 16  # a pcap record's header
    sizes[1] = PEEK_OLD_SIZE  # the same and 4 bytes of radio; or Peek's old one
    sizes[2] = get16_little(data + 2) if get32_little(data + 4) == LINK_WIFI else 0  # PPI
    sizes[3] = get32(data + 5) if get32(data) == PEEK_MAGIC else 0  # Peek's new one, in either order
    sizes[4] = get32_little(data + 5) if get32(data) == PEEK_MAGIC else 0
    for i in range(5):
        f[0] = start
        f.at += sizes[i]
        if sizes[i] >= 8:
            version = into_wifi(f, False)
            if is_whole_ip(f, version):
                return version
    f[0] = start
    version = into_radiotap(f)
    return version if is_whole_ip(f, version) else <uint8_t> NOT_IP


cdef inline bint is_tunnel_port(uint16_t source, uint16_t destination) noexcept nogil:
    """May UDP between these ports be a tunnel?"""
    if destination >= PORT_GRE:
        if destination in (
            PORT_GRE, PORT_VXLAN, PORT_VXLAN_GPE, PORT_CAPWAP, PORT_ARUBA, PORT_GENEVE, PORT_MPLS, PORT_VXLAN_OLD
        ):
            return True
    elif destination in (PORT_L2TP, PORT_GTP, PORT_GTP_OLD, PORT_TEREDO):
        return True
    return source in (PORT_L2TP, PORT_GTP, PORT_GTP_OLD, PORT_TEREDO, PORT_CAPWAP)


cdef inline uint8_t into_datagram(Frame *f, uint16_t source, uint16_t destination) noexcept nogil:
    """UDP to or from a port that tunnels have."""
    if destination == PORT_VXLAN or destination == PORT_VXLAN_OLD:
        return into_vxlan(f, False)
    if destination == PORT_VXLAN_GPE:
        return into_vxlan(f, True)
    if destination == PORT_GENEVE:
        return into_geneve(f)
    if destination == PORT_MPLS:
        return into_mpls(f)
    if destination == PORT_ARUBA:
        return into_mirrored(f)
    if PORT_GTP in (source, destination):
        return into_gtp(f, 1)
    if PORT_GTP_OLD in (source, destination):
        return into_gtp(f, 0)
    if PORT_L2TP in (source, destination):
        return into_l2tp(f)
    if PORT_TEREDO in (source, destination):
        return into_teredo(f)
    if PORT_CAPWAP in (source, destination):
        return into_capwap(f)
    return NOT_IP

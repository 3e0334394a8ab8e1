"""The IP packet inside tunnels: what --decap looks at.

IP in IP of both versions either way (RFC 2003, 4213, 2473), GRE (RFC 2784, 2890, 1701; version 1 with PPP: RFC 2637; in UDP: RFC 8086), NVGRE
(RFC 7637), ERSPAN types I, II and III (draft-foschiano-erspan), WCCP (draft-mclaggan-wccp-v2rev1, section 4.12.1), Aruba's Wi-Fi in GRE, MPLS in
IP and GRE (RFC 4023), EtherIP (RFC 3378). Those in UDP, and L2TP: _datagrams.pxd.

What is inside must be IP, else the packet is taken as it is without looking inside. No part of a datagram that came in fragments is a whole
packet, so none is looked into.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from pcapdig.packets._datagrams cimport (
    PORT_GRE, into_datagram, into_l2tp_in_ip, into_payload, into_wifi_of_any_order, is_tunnel_port,
)
from pcapdig.packets._frame cimport ANY_VERSION, NOT_IP, Frame, get16, get32, has, pass_tag
from pcapdig.packets._headers cimport PacketHeaders, as_value, read_headers, read_network
from pcapdig.packets._links cimport ETHERTYPE_BRIDGED, into_ethernet, into_mpls
from pcapdig.packets._unread cimport OF_TUNNEL

cdef enum:
    MOST_TUNNELS = 8  # inside one another; real ones are two or three. Bounds the work that one hostile packet can ask for

cdef enum:
    PROTOCOL_IPV4 = 4
    PROTOCOL_UDP = 17
    PROTOCOL_IPV6 = 41
    PROTOCOL_GRE = 47
    PROTOCOL_ETHERIP = 97
    PROTOCOL_L2TP = 115
    PROTOCOL_MPLS = 137
    PROTOCOL_ETHERNET = 143  # in segment routing, RFC 8986

cdef enum:  # what GRE carries, besides Ethernet types
    ERSPAN_3 = 0x22EB
    WCCP = 0x883E
    ERSPAN = 0x88BE

cdef enum:  # first 16 bits of a GRE header
    GRE_CHECKSUM = 0x8000
    GRE_ROUTING = 0x4000
    GRE_KEY = 0x2000
    GRE_SEQUENCE = 0x1000
    GRE_ACKNOWLEDGED = 0x0080  # version 1 only
    GRE_VERSION = 0x0007


cdef uint8_t into_erspan(Frame *f, uint16_t kind, bint is_numbered) noexcept nogil:
    """A mirrored frame: type I has no header of its own (and GRE no sequence number), type II 8 bytes, type III 12 or 20."""
    if kind == ERSPAN_3:
        if not has(f, 12):
            return NOT_IP
        f.at += 20 if f.data[f.at + 11] & 1 else 12
    elif is_numbered:
        f.at += 8
    return into_ethernet(f)


cdef uint8_t into_wccp(Frame *f) noexcept nogil:
    """A redirected packet: right behind GRE in version 1 of the protocol, behind 4 bytes of service and buckets in version 2."""
    if has(f, 1) and f.data[f.at] >> 4 == 4 and f.data[f.at] & 15 >= 5:
        return 4
    f.at += 4
    return ANY_VERSION


cdef bint is_aruba(uint16_t kind) noexcept nogil:
    """One of the numbers that Aruba's access points have for 802.11 frames."""
    return kind >> 9 == 0x8200 >> 9 or kind >> 8 == 0x90


cdef uint8_t into_gre(Frame *f) noexcept nogil:
    """A GRE header, whose flags say which of its fields are there."""
    cdef uint16_t flags, kind
    cdef uint8_t size
    if not has(f, 4):
        return NOT_IP
    flags = get16(f.data + f.at)
    kind = get16(f.data + f.at + 2)
    if flags & GRE_VERSION > 1:
        return NOT_IP
    f.at += 4
    if flags & (GRE_CHECKSUM | GRE_ROUTING):
        f.at += 4
    if flags & GRE_KEY:
        f.at += 4
        if kind == ETHERTYPE_BRIDGED and has(f, 0):  # NVGRE: the last byte of its key numbers its streams
            pass_tag(f, get32(f.data + f.at - 4) >> 8)
    if flags & GRE_SEQUENCE:
        f.at += 4
    if flags & GRE_VERSION == 1 and flags & GRE_ACKNOWLEDGED:
        f.at += 4
    if flags & GRE_ROUTING:
        # Source route entries: family, offset, length; one of family and length 0 ends them.
        while True:
            if not has(f, 4):
                return NOT_IP
            size = f.data[f.at + 3]
            f.at += 4 + size
            if size == 0:
                break
    if kind == ERSPAN or kind == ERSPAN_3:
        return into_erspan(f, kind, flags & GRE_SEQUENCE)
    if kind == WCCP:
        return into_wccp(f)
    if is_aruba(kind):
        return into_wifi_of_any_order(f)
    return into_payload(f, kind)


cdef uint8_t step_in(Frame *f, const PacketHeaders *outer) noexcept nogil:
    """From the payload of an IP packet to the IP packet inside."""
    if outer.protocol == PROTOCOL_UDP:
        if not outer.has_ports:
            return NOT_IP
        if outer.destination_port == PORT_GRE:
            return into_gre(f)
        return into_datagram(f, outer.source_port, outer.destination_port)
    if outer.protocol == PROTOCOL_IPV4:
        return 4
    if outer.protocol == PROTOCOL_IPV6:
        return 6
    if outer.protocol == PROTOCOL_GRE:
        return into_gre(f)
    if outer.protocol == PROTOCOL_MPLS:
        return into_mpls(f)
    if outer.protocol == PROTOCOL_ETHERNET:
        return into_ethernet(f)
    if outer.protocol == PROTOCOL_L2TP:
        return into_l2tp_in_ip(f)
    if outer.protocol == PROTOCOL_ETHERIP and has(f, 2) and f.data[f.at] >> 4 == 3:
        f.at += 2
        return into_ethernet(f)
    return NOT_IP


cdef bint open_tunnel(const uint8_t *data, uint32_t captured, const PacketHeaders *outer, PacketHeaders *inner) noexcept nogil:
    """Read the headers of the IP packet right inside another one. False: there is none."""
    cdef Frame f
    cdef uint8_t version
    if outer.is_fragment or outer.is_first_fragment:
        return False
    f.data, f.at, f.tags, f.kind = data, outer.payload_offset, outer.tags, 0
    f.wire = f.at + outer.payload_length
    f.end = f.wire if f.wire < captured else captured
    version = step_in(&f, outer)
    if version == NOT_IP or not read_network(data, f.end, f.wire, version, f.at, inner):
        return False
    inner.tags = <uint32_t> f.tags
    return True


cdef bint read_inner_headers(
    const uint8_t *data, uint32_t captured, uint32_t original, uint32_t link_type, PacketHeaders *out
) noexcept nogil:
    """Read the headers of the innermost IP packet that is there: see `read_headers`. Offsets count from `data` all the same."""
    cdef PacketHeaders inner
    cdef int depth
    if not read_headers(data, captured, original, link_type, out):
        return False
    for depth in range(MOST_TUNNELS):
        if not open_tunnel(data, captured, out, &inner):
            break
        out[0] = inner
    return True


cdef uint32_t tunnel_kind(const uint8_t *data, uint32_t captured, const PacketHeaders *outer) noexcept nogil:
    """The protocol or the well-known port of a tunnel in which there is IP. 0: it is none."""
    cdef PacketHeaders inner
    cdef uint16_t port = outer.destination_port
    if not may_be_tunnel(outer) or not open_tunnel(data, captured, outer, &inner):
        return 0
    if outer.protocol != PROTOCOL_UDP:
        return <uint32_t> OF_TUNNEL | outer.protocol
    return <uint32_t> OF_TUNNEL | (port if is_tunnel_port(0, port) else outer.source_port)


def read(const uint8_t[::1] data not None, uint32_t original_length, uint32_t link_type):
    """The function above for Python, one packet at a time. Arguments as `_headers.read`."""
    cdef PacketHeaders out
    cdef uint8_t nothing = 0
    if data.shape[0] > 0xFFFFFFFF:
        raise ValueError("a packet is shorter than 4 GiB")
    read_inner_headers(&data[0] if data.shape[0] else &nothing, <uint32_t> data.shape[0], original_length, link_type, &out)
    return as_value(&out)

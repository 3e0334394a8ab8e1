"""The IP packet inside tunnels: what --decap looks at.

IP in IP of both versions either way (RFC 2003, 4213, 2473), GRE (RFC 2784, 2890, 1701; version 1 with PPP: RFC 2637), NVGRE
(RFC 7637), ERSPAN types I, II and III (draft-foschiano-erspan), MPLS in IP and GRE (RFC 4023), EtherIP (RFC 3378), VXLAN (RFC 7348;
8472 is the port Linux had before there was one), VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe) and Geneve (RFC 8926).

A UDP tunnel is known by its destination port, as its RFC says: the source port is a hash. What is inside must be IP, else the packet
is taken as it is without looking inside. Of a datagram that came in fragments no part is a whole packet, so none is looked into.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from pcapdig.packets._headers cimport (
    ANY_VERSION, NOT_IP, TAGS, PacketHeaders, as_value, read_ethertype, read_headers, read_network,
)
from pcapdig.packets._links cimport get16, get32, pass_tag, version_of_ppp

cdef enum:
    MOST_TUNNELS = 8  # inside one another; real ones are two or three. Bounds the work that one hostile packet can ask for

cdef enum:
    PROTOCOL_IPV4 = 4
    PROTOCOL_UDP = 17
    PROTOCOL_IPV6 = 41
    PROTOCOL_GRE = 47
    PROTOCOL_ETHERIP = 97
    PROTOCOL_MPLS = 137

cdef enum:
    PORT_VXLAN = 4789
    PORT_VXLAN_GPE = 4790
    PORT_GENEVE = 6081
    PORT_VXLAN_OLD = 8472

cdef enum:
    ETHERTYPE_IPV4 = 0x0800
    ETHERTYPE_ERSPAN_3 = 0x22EB
    ETHERTYPE_BRIDGED = 0x6558
    ETHERTYPE_IPV6 = 0x86DD
    ETHERTYPE_MPLS = 0x8847
    ETHERTYPE_PPP = 0x880B
    ETHERTYPE_ERSPAN = 0x88BE

cdef enum:  # first 16 bits of a GRE header
    GRE_CHECKSUM = 0x8000
    GRE_ROUTING = 0x4000
    GRE_KEY = 0x2000
    GRE_SEQUENCE = 0x1000
    GRE_ACKNOWLEDGED = 0x0080  # version 1 only
    GRE_VERSION = 0x0007


# Each function below steps from `at[0]` to where an IP header begins and says which version it is to be; NOT_IP when there is none.


cdef uint8_t into_ethernet(const uint8_t *data, uint64_t end, uint64_t *at) noexcept nogil:
    """An Ethernet frame."""
    cdef uint64_t kind = at[0] + 12
    at[0] += 14
    return read_ethertype(data, end, kind, at)


cdef uint8_t into_mpls(const uint8_t *data, uint64_t end, uint64_t *at) noexcept nogil:
    """A stack of labels, 4 bytes each, the last one marked. What follows tells by its first half byte (RFC 4928 section 3)."""
    while at[0] + 4 <= end:
        at[0] += 4
        if data[at[0] - 2] & 1:
            return ANY_VERSION
    return NOT_IP


cdef uint8_t into_payload(const uint8_t *data, uint64_t end, uint16_t kind, uint64_t *at) noexcept nogil:
    """What an EtherType announces inside GRE or Geneve."""
    if kind == ETHERTYPE_IPV4:
        return 4
    if kind == ETHERTYPE_IPV6:
        return 6
    if kind == ETHERTYPE_BRIDGED:
        return into_ethernet(data, end, at)
    if kind == ETHERTYPE_MPLS:
        return into_mpls(data, end, at)
    if kind == ETHERTYPE_PPP:
        return version_of_ppp(data, end, at)
    return NOT_IP


cdef uint8_t into_erspan(const uint8_t *data, uint64_t end, uint16_t kind, bint is_numbered, uint64_t *at) noexcept nogil:
    """A mirrored frame: type I has no header of its own (and GRE no sequence number), type II 8 bytes, type III 12 or 20."""
    if kind == ETHERTYPE_ERSPAN_3:
        if at[0] + 12 > end:
            return NOT_IP
        at[0] += 20 if data[at[0] + 11] & 1 else 12
    elif is_numbered:
        at[0] += 8
    return into_ethernet(data, end, at)


cdef uint8_t into_gre(const uint8_t *data, uint64_t end, uint64_t *at) noexcept nogil:
    """A GRE header, whose flags say which of its fields are there."""
    cdef uint16_t flags, kind
    cdef uint8_t size
    if at[0] + 4 > end:
        return NOT_IP
    flags = get16(data + at[0])
    kind = get16(data + at[0] + 2)
    if flags & GRE_VERSION > 1:
        return NOT_IP
    at[0] += 4
    if flags & (GRE_CHECKSUM | GRE_ROUTING):
        at[0] += 4
    if flags & GRE_KEY:
        at[0] += 4
    if flags & GRE_SEQUENCE:
        at[0] += 4
    if flags & GRE_VERSION == 1 and flags & GRE_ACKNOWLEDGED:
        at[0] += 4
    if flags & GRE_ROUTING:
        # Source route entries: family, offset, length; one of family and length 0 ends them.
        while True:
            if at[0] + 4 > end:
                return NOT_IP
            size = data[at[0] + 3]
            at[0] += 4 + size
            if size == 0:
                break
    if kind == ETHERTYPE_ERSPAN or kind == ETHERTYPE_ERSPAN_3:
        return into_erspan(data, end, kind, flags & GRE_SEQUENCE, at)
    return into_payload(data, end, kind, at)


cdef uint8_t into_vxlan(const uint8_t *data, uint64_t end, bint is_generic, uint64_t *at) noexcept nogil:
    """A VXLAN header; the generic one (VXLAN-GPE) says what follows."""
    cdef uint8_t flags, kind = 3
    if at[0] + 8 > end:
        return NOT_IP
    flags = data[at[0]]
    if is_generic and flags & 4:
        kind = data[at[0] + 3]
    if not flags & 8:
        return NOT_IP  # without a network number it is none, RFC 7348 section 5
    pass_tag(at, get32(data + at[0] + 4) >> 8)
    at[0] += 8
    return 4 if kind == 1 else 6 if kind == 2 else into_ethernet(data, end, at) if kind == 3 else NOT_IP


cdef uint8_t into_geneve(const uint8_t *data, uint64_t end, uint64_t *at) noexcept nogil:
    """A Geneve header and its options, of which the first byte tells the length in 4 bytes."""
    cdef uint16_t kind
    if at[0] + 8 > end or data[at[0]] >> 6 != 0:
        return NOT_IP
    kind = get16(data + at[0] + 2)
    pass_tag(at, get32(data + at[0] + 4) >> 8)
    at[0] += 8 + <uint64_t> (data[at[0]] & 63) * 4
    return into_payload(data, end, kind, at)


cdef uint8_t into_datagram(const uint8_t *data, uint64_t end, uint16_t port, uint64_t *at) noexcept nogil:
    """UDP to a port that tunnels have."""
    if port == PORT_VXLAN or port == PORT_VXLAN_OLD:
        return into_vxlan(data, end, False, at)
    if port == PORT_VXLAN_GPE:
        return into_vxlan(data, end, True, at)
    if port == PORT_GENEVE:
        return into_geneve(data, end, at)
    return NOT_IP


cdef uint8_t step_in(const uint8_t *data, uint64_t end, const PacketHeaders *outer, uint64_t *at) noexcept nogil:
    """From the payload of an IP packet to the IP packet inside."""
    if outer.protocol == PROTOCOL_UDP:
        return into_datagram(data, end, outer.destination_port, at) if outer.has_ports else NOT_IP
    if outer.protocol == PROTOCOL_IPV4:
        return 4
    if outer.protocol == PROTOCOL_IPV6:
        return 6
    if outer.protocol == PROTOCOL_GRE:
        return into_gre(data, end, at)
    if outer.protocol == PROTOCOL_MPLS:
        return into_mpls(data, end, at)
    if outer.protocol == PROTOCOL_ETHERIP and at[0] + 2 <= end and data[at[0]] >> 4 == 3:
        at[0] += 2
        return into_ethernet(data, end, at)
    return NOT_IP


cdef bint read_inner_headers(
    const uint8_t *data, uint32_t captured, uint32_t original, uint32_t link_type, PacketHeaders *out
) noexcept nogil:
    """Read the headers of the innermost IP packet that is there: see `read_headers`. Offsets count from `data` all the same."""
    cdef PacketHeaders inner
    cdef uint64_t at[2]
    cdef uint64_t end, wire
    cdef uint8_t version
    cdef int depth
    if not read_headers(data, captured, original, link_type, out):
        return False
    for depth in range(MOST_TUNNELS):
        if out.is_fragment or out.is_first_fragment:
            break
        at[0], at[TAGS] = out.payload_offset, out.tags
        wire = at[0] + out.payload_length
        end = wire if wire < captured else captured
        version = step_in(data, end, out, at)
        if version == NOT_IP or not read_network(data, end, wire, version, at[0], &inner):
            break
        out[0] = inner
        out.tags = <uint32_t> at[TAGS]
    return True


def read(const uint8_t[::1] data not None, uint32_t original_length, uint32_t link_type):
    """The function above for Python, one packet at a time. Arguments as `_headers.read`."""
    cdef PacketHeaders out
    cdef uint8_t nothing = 0
    if data.shape[0] > 0xFFFFFFFF:
        raise ValueError("a packet is shorter than 4 GiB")
    read_inner_headers(&data[0] if data.shape[0] else &nothing, <uint32_t> data.shape[0], original_length, link_type, &out)
    return as_value(&out)

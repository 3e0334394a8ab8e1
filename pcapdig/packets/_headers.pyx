"""The link, network and transport headers of one packet.

Offsets are 64 bits wide, so that no sum of lengths found in a packet can wrap; each read is preceded by a test against `end`.
Sources: RFC 791 (IPv4, source routes), RFC 8200 (IPv6), RFC 2675 (jumbo option), RFC 4302 (AH), RFC 5533 (Shim6), RFC 2460, 6275 and 8754
(routing headers). Before IP: _links.pxd, _rare_links.pxd; behind it: _transport.pxd.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from pcapdig.packets._frame cimport ANY_VERSION, NOT_IP, Frame, get16, get32
from pcapdig.packets._links cimport ETHERTYPE_IPV4, ETHERTYPE_IPV6, LINK_ETHERNET, LINK_SLL, LINK_SLL2
from pcapdig.packets._rare_links cimport into_rare_link
from pcapdig.packets._transport cimport read_transport, set_payload

# A pointer keeps this much code for few packets out of the function that reads all of them.
cdef uint8_t (*into_seldom_met)(Frame *, uint32_t) noexcept nogil
into_seldom_met = into_rare_link

cdef enum:
    PROTOCOL_HOP_BY_HOP = 0
    PROTOCOL_ROUTING = 43
    PROTOCOL_FRAGMENT = 44
    PROTOCOL_AH = 51
    PROTOCOL_NONE = 59
    PROTOCOL_DESTINATION = 60
    PROTOCOL_SHIM6 = 140

cdef enum:  # kinds of routing headers whose last address is read
    ROUTING_SOURCE = 0  # RFC 2460
    ROUTING_MOBILE = 2  # RFC 6275
    ROUTING_SEGMENTS = 4  # RFC 8754

cdef enum:  # options of IPv4
    OPTION_END = 0
    OPTION_NOTHING = 1
    OPTION_LOOSE_ROUTE = 131
    OPTION_STRICT_ROUTE = 137

cdef enum:
    OPTION_PAD1 = 0
    OPTION_JUMBO = 0xC2


cdef inline uint64_t step_over_ah(const uint8_t *data, uint64_t end, uint64_t at, PacketHeaders *out) noexcept nogil:
    """Where the header after the authentication header at `at` begins, its number in out.protocol; 0 when cut off."""
    if end < at + 2:
        out.protocol = 0
        return 0
    out.protocol = data[at]
    return at + (<uint64_t> data[at + 1] + 2) * 4


cdef inline void read_end_of_route(const uint8_t *data, uint64_t end, uint64_t at, uint64_t stop, PacketHeaders *out) noexcept nogil:
    """A source route under way among IPv4 options from `at` to `stop`: as in IPv6, the last address is where the packet goes."""
    cdef uint64_t size
    if stop > end:
        stop = end
    while at + 2 < stop and data[at] != OPTION_END:
        if data[at] == OPTION_NOTHING:
            at += 1
            continue
        size = data[at + 1]
        if data[at] == OPTION_LOOSE_ROUTE or data[at] == OPTION_STRICT_ROUTE:
            # Type, length, pointer (from 1) to the next hop, hops. Beyond the length: the end is reached.
            if size >= 7 and size % 4 == 3 and at + size <= stop and data[at + 2] >= 4 and data[at + 2] + 3 <= size:
                memcpy(out.destination + 12, data + at + size - 4, 4)
            return
        if size < 2:
            return
        at += size


cdef inline bint read_ipv4(const uint8_t *data, uint64_t end, uint64_t wire, uint64_t at, PacketHeaders *out) noexcept nogil:
    """An IPv4 header at `at` of a packet that was `wire` bytes long."""
    cdef uint64_t size, total, stop
    cdef uint16_t fragment
    if end < at + 20 or data[at] >> 4 != 4:
        return False
    size = <uint64_t> (data[at] & 15) * 4
    total = get16(data + at + 2)
    if size < 20 or (total != 0 and total < size):
        return False
    # Total length 0: segmentation was left to the card, or BIG TCP; then the capture's own length is the only one.
    stop = at + total if total != 0 and at + total < wire else wire
    out.has_network = True
    out.family = 4
    out.protocol = data[at + 9]
    out.ip_id = get16(data + at + 4)
    out.source[10] = out.source[11] = out.destination[10] = out.destination[11] = 0xFF
    memcpy(out.source + 12, data + at + 12, 4)
    memcpy(out.destination + 12, data + at + 16, 4)
    if size > 20:
        read_end_of_route(data, end, at + 20, at + size, out)
    fragment = get16(data + at + 6)
    at += size
    out.datagram_offset = <uint32_t> at
    out.is_followed = fragment & 0x2000 != 0
    if fragment & 0x1FFF:
        out.is_fragment = True
        out.fragment_offset = <uint32_t> (fragment & 0x1FFF) * 8
        set_payload(out, at, stop)
        return True
    out.is_first_fragment = out.is_followed
    while out.protocol == PROTOCOL_AH:
        at = step_over_ah(data, end, at, out)
        if at == 0:
            return True
    read_transport(data, end, at, stop, out)
    return True


cdef inline uint64_t find_jumbo_length(const uint8_t *data, uint64_t end, uint64_t at, uint64_t stop) noexcept nogil:
    """Payload length in the jumbo option among hop-by-hop options from `at` to `stop`; 0 when there is none."""
    if stop > end:
        stop = end
    while at + 1 < stop:
        if data[at] == OPTION_PAD1:
            at += 1
            continue
        if data[at] == OPTION_JUMBO and data[at + 1] == 4 and at + 6 <= stop:
            return get32(data + at + 2)
        at += 2 + <uint64_t> data[at + 1]
    return 0


cdef inline void read_final_destination(const uint8_t *data, uint64_t end, uint64_t at, PacketHeaders *out) noexcept nogil:
    """A routing header at `at`, of which 8 bytes were captured, under way: the IP header names the next hop, this the end of the way.

    The sockets at both ends, and the answers, have the end of the way.
    """
    cdef uint8_t kind = data[at + 2], left = data[at + 3]
    cdef uint64_t count = data[at + 1] // 2, place = 0
    if left == 0 or count == 0:
        return
    if kind == ROUTING_SOURCE and left <= count:
        place = count - 1
    elif kind != ROUTING_MOBILE and kind != ROUTING_SEGMENTS:  # segments are listed from the last to the first
        return
    if end >= at + 8 + 16 * (place + 1):
        memcpy(out.destination, data + at + 8 + 16 * place, 16)


cdef inline bint read_ipv6(const uint8_t *data, uint64_t end, uint64_t wire, uint64_t at, PacketHeaders *out) noexcept nogil:
    """An IPv6 header and its extension headers at `at` of a packet that was `wire` bytes long."""
    cdef uint64_t base, length, stop, size
    cdef uint8_t kind
    if end < at + 40 or data[at] >> 4 != 6:
        return False
    base = at + 40
    length = get16(data + at + 4)
    stop = base + length if length != 0 and base + length < wire else wire
    out.has_network = True
    out.family = 6
    memcpy(out.source, data + at + 8, 16)
    memcpy(out.destination, data + at + 24, 16)
    kind = data[at + 6]
    if length == 0 and kind == PROTOCOL_NONE:
        stop = base  # an empty packet, not a length that did not fit
    at = base
    while kind in (
        PROTOCOL_HOP_BY_HOP, PROTOCOL_ROUTING, PROTOCOL_FRAGMENT, PROTOCOL_AH, PROTOCOL_DESTINATION, PROTOCOL_SHIM6
    ):
        if end < at + 8:
            set_payload(out, at, 0)  # out.protocol stays 0: what follows is not known
            return True
        if kind == PROTOCOL_FRAGMENT:
            size = 8
            out.ip_id = get32(data + at + 4)
            out.datagram_offset = <uint32_t> (at + 8)
            out.is_followed = data[at + 3] & 1
            if get16(data + at + 2) & 0xFFF8:
                out.is_fragment = True
                out.fragment_offset = get16(data + at + 2) & 0xFFF8
                out.protocol = data[at]
                set_payload(out, at + 8, stop)
                return True
            out.is_first_fragment = out.is_followed
        elif kind == PROTOCOL_AH:
            size = (<uint64_t> data[at + 1] + 2) * 4
        elif kind == PROTOCOL_SHIM6 and not data[at + 2] & 0x80:
            break  # a control message, not a header before a payload
        else:
            size = (<uint64_t> data[at + 1] + 1) * 8
            if kind == PROTOCOL_HOP_BY_HOP and length == 0:
                length = find_jumbo_length(data, end, at + 2, at + size)
                if length != 0 and base + length < wire:
                    stop = base + length
            elif kind == PROTOCOL_ROUTING:
                read_final_destination(data, end, at, out)
        kind = data[at]
        at += size
    out.protocol = kind
    read_transport(data, end, at, stop, out)
    return True


cdef bint read_network(
    const uint8_t *data, uint64_t end, uint64_t wire, uint8_t version, uint64_t at, PacketHeaders *out
) noexcept nogil:
    """Read on from an IP header at `at`, of which `end` was captured and `wire` sent. `version`: 4, 6, ANY_VERSION or NOT_IP."""
    memset(out, 0, sizeof(PacketHeaders))
    out.window_scale = NO_SCALE
    if version == ANY_VERSION:
        version = data[at] >> 4 if at < end else <uint8_t> NOT_IP
    if version == 4:
        return read_ipv4(data, end, wire, at, out)
    if version == 6:
        return read_ipv6(data, end, wire, at, out)
    return False


cdef uint8_t find_network(const uint8_t *data, uint64_t end, uint64_t wire, uint32_t link_type, Frame *frame) noexcept nogil:
    """Step over the link header of a packet of any link type: frame.at is where an IP header of the version returned begins, or NOT_IP."""
    frame.data, frame.end, frame.wire, frame.at, frame.tags, frame.kind = data, end, wire, 0, 0, 0
    return into_seldom_met(frame, link_type)


cdef inline uint8_t plain_version(const uint8_t *data, uint64_t end, uint32_t link_type, uint64_t *network) noexcept nogil:
    """The IP version that the link header of most packets promises, and where the IP header begins; NOT_IP of all other packets."""
    cdef uint16_t kind
    cdef uint64_t place
    if link_type == LINK_ETHERNET:
        place, network[0] = 12, 14
    elif link_type == LINK_SLL2:
        place, network[0] = 0, 20
    elif link_type == LINK_SLL:
        place, network[0] = 14, 16
    else:
        return NOT_IP
    if end < network[0]:
        return NOT_IP
    kind = get16(data + place)
    return 4 if kind == ETHERTYPE_IPV4 else 6 if kind == ETHERTYPE_IPV6 else NOT_IP


cdef bint read_headers(
    const uint8_t *data, uint32_t captured, uint32_t original, uint32_t link_type, PacketHeaders *out
) noexcept nogil:
    """Read the headers in the `captured` bytes at `data` of a packet that was `original` bytes long on the wire.

    Any bytes are allowed; what a cut packet does not hold stays 0. Returns out.has_network.
    """
    cdef Frame frame
    cdef uint64_t network = 0
    cdef uint64_t end = captured
    # A file may claim that less was sent than it stores; at least what it stores was sent.
    cdef uint64_t wire = original if original > captured else captured
    cdef uint8_t version = plain_version(data, end, link_type, &network)
    cdef uint32_t tags = 0
    cdef bint found
    if version == NOT_IP:
        version = find_network(data, end, wire, link_type, &frame)
        network, end, wire, tags = frame.at, frame.end, frame.wire, <uint32_t> frame.tags
    found = read_network(data, end, wire, version, network, out)
    out.tags = tags
    return found


cdef object as_value(const PacketHeaders *out):
    """The same as a Python value."""
    from pcapdig.packets.headers import Headers  # whoever reads natively need not load it

    return Headers(
        has_network=bool(out.has_network),
        has_ports=bool(out.has_ports),
        is_fragment=bool(out.is_fragment),
        is_first_fragment=bool(out.is_first_fragment),
        is_followed=bool(out.is_followed),
        family=out.family,
        protocol=out.protocol,
        tcp_flags=out.tcp_flags,
        window=out.window,
        window_scale=out.window_scale if out.window_scale < CUT_SCALE else None,
        tags=out.tags,
        source=(<char *> out.source)[:16],
        destination=(<char *> out.destination)[:16],
        source_port=out.source_port,
        destination_port=out.destination_port,
        seq=out.seq,
        ack=out.ack,
        payload_offset=out.payload_offset,
        payload_length=out.payload_length,
        ip_id=out.ip_id,
        datagram_offset=out.datagram_offset,
        fragment_offset=out.fragment_offset,
    )


def read(const uint8_t[::1] data not None, uint32_t original_length, uint32_t link_type):
    """Read one packet's headers: the function above for Python, one packet at a time.

    Args:
        data: the captured bytes, any length.
        original_length: bytes on the wire, at least len(data); a smaller number is taken as len(data).
        link_type: as in a capture file (LINKTYPE_*).
    Returns: Headers; every field 0 or False where the packet does not say.
    """
    cdef PacketHeaders out
    cdef uint8_t nothing = 0
    if data.shape[0] > 0xFFFFFFFF:
        raise ValueError("a packet is shorter than 4 GiB")
    read_headers(&data[0] if data.shape[0] else &nothing, <uint32_t> data.shape[0], original_length, link_type, &out)
    return as_value(&out)

"""What a packet is that has no flow. It is looked at a second time for that: few packets are such, and those that are not cost nothing."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from pcapdig.packets._frame cimport ANY_VERSION, NOT_IP, Frame
from pcapdig.packets._headers cimport PacketHeaders, find_network, read_headers


cdef uint32_t unread_kind(
    const uint8_t *data, uint32_t captured, uint32_t original, uint32_t link_type, const PacketHeaders *h
) noexcept nogil:
    """The kind of a packet whose headers were read into `h` and that has no flow all the same. Other arguments as of `read_headers`."""
    cdef Frame frame
    cdef uint8_t version
    cdef uint64_t size
    if h.has_network:
        return <uint32_t> FRAGMENT if h.is_fragment else <uint32_t> OF_TRANSPORT | h.protocol
    version = find_network(data, captured, original if original > captured else captured, link_type, &frame)
    if version == NOT_IP:
        return frame.kind
    if version == ANY_VERSION and frame.at < frame.end:
        version = data[frame.at] >> 4
    size = 40 if version == 6 else 20
    return <uint32_t> CUT_LINK if frame.at + size > frame.end else <uint32_t> MALFORMED


def kind_of(const uint8_t[::1] data not None, uint32_t original_length, uint32_t link_type):
    """The function above for Python, of a packet that may have a flow or not. Arguments as `_headers.read`."""
    cdef PacketHeaders h
    cdef uint8_t nothing = 0
    cdef const uint8_t *first = &data[0] if data.shape[0] else &nothing
    if data.shape[0] > 0xFFFFFFFF:
        raise ValueError("a packet is shorter than 4 GiB")
    read_headers(first, <uint32_t> data.shape[0], original_length, link_type, &h)
    return unread_kind(first, <uint32_t> data.shape[0], original_length, link_type, &h)

"""What a packet is that has no flow: one number for each kind, counted and named by `trace/`."""

from libc.stdint cimport uint8_t, uint32_t

from pcapdig.packets._headers cimport PacketHeaders

cdef enum:  # a kind is one of these and, in its lower 16 bits, a number of that space
    OF_ETHERTYPE = 0
    OF_LLC = 1 << 16  # 802.2: destination and source
    OF_SNAP = 2 << 16  # 802.2's SNAP of any organisation: its protocol
    OF_PPP = 3 << 16  # its protocol
    OF_LINK = 4 << 16  # link type: of these packets nothing is read
    OF_TRANSPORT = 5 << 16  # IP protocol, cut or malformed before its ports
    OF_TUNNEL = 6 << 16  # a tunnel that was not opened, see below
    OF_REASON = 7 << 16  # why, see below
    KINDS = 8 << 16  # all kinds are less

cdef enum:  # of OF_REASON
    CUT_LINK = OF_REASON  # before the network header's end
    MALFORMED = OF_REASON + 1  # an IP header that says of itself what cannot be
    FRAGMENT = OF_REASON + 2  # whose datagram's first one was not there
    TOO_MANY_TAGS = OF_REASON + 3
    WIFI_ENCRYPTED = OF_REASON + 4
    WIFI_PIECE = OF_REASON + 5  # of a frame in pieces, or several frames in one
    WIFI_NO_DATA = OF_REASON + 6  # management, control, and frames without payload

# What a packet is that has no flow. `link_type` as in a capture file.
cdef uint32_t unread_kind(
    const uint8_t *data, uint32_t captured, uint32_t original, uint32_t link_type, const PacketHeaders *h
) noexcept nogil

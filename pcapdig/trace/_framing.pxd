"""Where the next block of a pcapng, or record of a pcap, ends, and which cannot be one: for the walk and for merging alike."""

from libc.stdint cimport uint8_t, uint32_t

from pcapdig.trace._bytes cimport get32, padded

cdef enum:  # block types
    BLOCK_INTERFACE = 1
    BLOCK_PACKET = 2  # obsolete
    BLOCK_SIMPLE = 3
    BLOCK_NAMES = 4
    BLOCK_STATISTICS = 5
    BLOCK_ENHANCED = 6
    BLOCK_CUSTOM = 0x0BAD
    BLOCK_CUSTOM_NOT_COPIED = 0x40000BAD
    BLOCK_APPLE_PROCESS = 0x80000001
    BLOCK_SECTION = 0x0A0D0D0A

cdef enum:
    LARGEST_BLOCK = 129 * 1024 * 1024  # Wireshark's largest packet (D-Bus, 128 MiB) with its options
    LARGEST_PACKET = 262144  # of a pcap whose snap length says less: MAXIMUM_SNAPLEN of libpcap, and Wireshark's limit


cdef enum:
    MOST_DESCRIBED = 1 << 20  # interfaces of one section, or of captures that are merged: some 80 MB


cdef inline const char *block_damage(const uint8_t *block, bint *swapped, uint32_t *kind, uint32_t *length) noexcept nogil:
    """Kind of the block whose first 12 bytes these are, and its length with padding to 4 bytes. Returns NULL, or what is wrong with it.

    A section header sets its section's byte order: its first four bytes read the same in both, the four after the length say which.
    """
    kind[0] = get32(block, swapped[0])
    if kind[0] == BLOCK_SECTION:
        if get32(block + 8, False) == 0x1A2B3C4D:
            swapped[0] = False
        elif get32(block + 8, True) == 0x1A2B3C4D:
            swapped[0] = True
        else:
            return b"a section without byte-order magic"
    length[0] = get32(block + 4, swapped[0])
    if length[0] > LARGEST_BLOCK:
        return b"a block length beyond 129 MiB"
    length[0] = padded(length[0])
    if length[0] < 12:
        return b"a block length that is too small"
    return NULL


cdef inline bint is_closed(const uint8_t *block, bint swapped, uint32_t length) noexcept nogil:
    """Does the length behind a block repeat that before it? Each may be written without the padding, as old ntar did."""
    return padded(get32(block + length - 4, swapped)) == length


cdef inline bint is_plain(const uint8_t *block, bint swapped, uint32_t length) noexcept nogil:
    """Are both lengths of a block that is closed written with the padding?"""
    return get32(block + 4, swapped) == length and get32(block + length - 4, swapped) == length


cdef inline void record_lengths(
    const uint8_t *record, bint swapped, int order, uint32_t *captured, uint32_t *original
) noexcept nogil:
    """The two lengths of a pcap's record, which stand in the order that the file's version has (IN_ORDER, SWAPPED or EITHER of blocks.py)."""
    captured[0] = get32(record + 8, swapped)
    original[0] = get32(record + 12, swapped)
    if order != 0 and (order == 1 or captured[0] > original[0]):
        captured[0], original[0] = original[0], captured[0]


cdef inline const char *record_damage(uint32_t captured, uint32_t snap_length) noexcept nogil:
    """What is wrong with the size of a pcap's packet, or NULL."""
    cdef uint32_t largest = max(<uint32_t> LARGEST_PACKET, min(<uint32_t> LARGEST_BLOCK, snap_length))
    if captured > largest:
        return b"a packet longer than any capture has"
    return NULL

"""One capture's blocks, looked at one by one, and its packets rewritten for a merged capture. What `_merge.pyx` is made of.

Every length is checked before the bytes it covers are read, and whatever the scanner would call damage is found here, where it can
still be said of which file it is. Layouts: draft-ietf-opsawg-pcapng, draft-ietf-opsawg-pcap.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport realloc
from libc.string cimport memcpy, memset

import sys

from pcapdig.trace._bytes cimport get16, get32, padded
from pcapdig.trace._clock cimport clock_ns
from pcapdig.trace._framing cimport BLOCK_ENHANCED, BLOCK_PACKET, BLOCK_SIMPLE, block_damage, is_closed, is_plain, record_damage, record_lengths

cdef enum:
    OPTION_END = 0
    OPTION_FLAGS = 2
    OPTION_DROP_COUNT = 4
    OPTION_PACKET_ID = 5
    OPTION_QUEUE = 6
    OPTION_PROCESS = 8
    OPTION_CUSTOM_TEXT = 2988
    OPTION_CUSTOM = 2989
    OPTION_PRIVATE_TEXT = 19372  # must not be copied into another file
    OPTION_PRIVATE = 19373
    OPTION_LOCAL = 0x8000  # and above
    OPTION_APPLE_PROCESS = 0x8001
    OPTION_APPLE_EFFECTIVE = 0x8003

cdef bint BIG_ENDIAN = sys.byteorder == "big"


cdef inline void put16(uint8_t *p, uint16_t value) noexcept nogil:
    memcpy(p, &value, 2)


cdef inline void put32(uint8_t *p, uint32_t value) noexcept nogil:
    memcpy(p, &value, 4)


cdef uint8_t *reserve(Output *out, int64_t size) noexcept nogil:
    """Room for `size` more bytes behind those there are; NULL: no memory."""
    cdef int64_t room = out.room
    cdef uint8_t *grown
    if out.size + size > room:
        while out.size + size > room:
            room = room * 2 if room else 1 << 16
        grown = <uint8_t *> realloc(out.data, <size_t> room)
        if grown == NULL:
            return NULL
        out.data = grown
        out.room = room
    return out.data + out.size


cdef inline bint has(Input *i, int64_t size) noexcept nogil:
    """Are `size` bytes of the block at hand there?"""
    i.needed = size
    return size <= i.end - i.at


cdef Status damaged(Input *i, const char *what) noexcept nogil:
    """The block at hand cannot be what it claims."""
    i.what = what
    return DAMAGED


cdef Status look(Input *i) noexcept nogil:
    """What is at hand."""
    if not i.begun:
        return DESCRIBING if has(i, 24) else MORE  # no capture is shorter
    return look_at_record(i) if i.is_pcap else look_at_block(i)


cdef Status look_at_record(Input *i) noexcept nogil:
    """A packet of a classic pcap."""
    cdef const uint8_t *record = i.data + i.at
    cdef uint64_t seconds, fraction
    cdef uint32_t captured, original
    cdef const char *wrong
    if not has(i, i.record_size):
        return MORE
    record_lengths(record, i.swapped, i.lengths, &captured, &original)
    wrong = record_damage(captured, i.known.snap_length)
    if wrong != NULL:
        return damaged(i, wrong)
    if not has(i, i.record_size + <int64_t> captured):
        return MORE
    seconds = get32(record, i.swapped)
    fraction = get32(record + 4, i.swapped)
    i.head_ns = <int64_t> (seconds * 1000000000 + fraction * i.known.clock.factor)
    i.size = i.record_size + <int64_t> captured
    return READY


cdef Status look_at_block(Input *i) noexcept nogil:
    """A block of a pcapng."""
    cdef const uint8_t *block = i.data + i.at
    cdef const char *wrong
    cdef uint32_t kind = 0, length = 0
    if not has(i, 12):
        return MORE
    wrong = block_damage(block, &i.swapped, &kind, &length)
    if wrong != NULL:
        return damaged(i, wrong)
    if not has(i, length):
        return MORE
    if not is_plain(block, i.swapped, length):
        if not is_closed(block, i.swapped, length):
            return damaged(i, b"the lengths before and after a block differ")
        i.is_unaligned = True
    i.size = length
    if kind == BLOCK_ENHANCED or kind == BLOCK_PACKET:
        return look_at_packet(i, block, length, kind == BLOCK_PACKET)
    if kind == BLOCK_SIMPLE:
        if length < 16:
            return damaged(i, b"a block shorter than its kind can be")
        if i.known_count == 0:
            return damaged(i, b"a packet of an interface that was not described")
        if simple_captured(i, block) > length - 16:
            return damaged(i, b"a packet longer than its block")
        i.head_ns = 0
        return READY
    return DESCRIBING


cdef inline uint32_t simple_captured(const Input *i, const uint8_t *block) noexcept nogil:
    """Bytes stored in a simple packet block, which only says how many were sent."""
    cdef uint32_t original = get32(block + 8, i.swapped)
    cdef uint32_t most = i.known.snap_length
    return most if most != 0 and original > most else original


cdef Status look_at_packet(Input *i, const uint8_t *block, uint32_t length, bint obsolete) noexcept nogil:
    """An enhanced packet block, or the one it replaced."""
    cdef uint32_t number, captured, at
    cdef uint64_t ticks
    cdef uint16_t size
    if length < 32:
        return damaged(i, b"a block shorter than its kind can be")
    number = get16(block + 8, i.swapped) if obsolete else get32(block + 8, i.swapped)
    if number >= i.known_count:
        return damaged(i, b"a packet of an interface that was not described")
    captured = get32(block + 20, i.swapped)
    if captured > length - 32:
        return damaged(i, b"a packet longer than its block")
    ticks = <uint64_t> get32(block + 12, i.swapped) << 32 | get32(block + 16, i.swapped)
    i.head_ns = clock_ns(&i.known[number].clock, ticks)
    at = 28 + padded(captured)
    while at + 4 <= length - 4 and get16(block + at, i.swapped) != OPTION_END:
        size = get16(block + at + 2, i.swapped)
        if size > length - 8 - at:
            return damaged(i, b"an option runs past its block")
        at += 4 + padded(size)
    return READY


cdef bint copy_packet(Input *i, Output *out) noexcept nogil:
    """Write the packet at hand, and step behind it. False: no memory."""
    cdef const uint8_t *block = i.data + i.at
    cdef const uint8_t *packet
    cdef uint8_t *to
    cdef const Known *known = i.known
    cdef uint64_t ticks = 0
    cdef uint32_t kind, captured, original, options = 0, options_end = 0, flags = 0, number, size
    if i.is_pcap:
        record_lengths(block, i.swapped, i.lengths, &captured, &original)
        packet = block + i.record_size
        number = known.number
        flags = known.fcs_size << 5
        if i.record_size > 22:  # a modified pcap: which way the packet went
            flags |= 2 if block[22] == 4 else 1 if block[22] < 4 else 0
        ticks = get32(block, i.swapped)
        # The clock's factor makes ns of its ticks.
        ticks = ticks * (1000000000 // known.clock.factor) + get32(block + 4, i.swapped)
    else:
        kind = get32(block, i.swapped)
        if kind == BLOCK_SIMPLE:
            original = get32(block + 8, i.swapped)
            captured = simple_captured(i, block)
            packet = block + 12
            number = known.timeless
        else:
            known += get16(block + 8, i.swapped) if kind == BLOCK_PACKET else get32(block + 8, i.swapped)
            number = known.number
            ticks = <uint64_t> get32(block + 12, i.swapped) << 32 | get32(block + 16, i.swapped)
            captured = get32(block + 20, i.swapped)
            original = get32(block + 24, i.swapped)
            packet = block + 28
            options = 28 + padded(captured)
            options_end = <uint32_t> i.size - 4
    # Options only become shorter; 12 bytes more are for flags of our own.
    to = reserve(out, 32 + <int64_t> padded(captured) + (options_end - options) + 12)
    if to == NULL:
        return False
    put32(to, BLOCK_ENHANCED)
    put32(to + 8, number)
    put32(to + 12, <uint32_t> (ticks >> 32))
    put32(to + 16, <uint32_t> ticks)
    put32(to + 20, captured)
    put32(to + 24, original)
    memcpy(to + 28, packet, captured)
    memset(to + 28 + captured, 0, padded(captured) - captured)
    size = 28 + padded(captured)
    if options_end > options:
        size += copy_options(i, block + options, options_end - options, to + size)
    elif flags != 0:
        put16(to + size, OPTION_FLAGS)
        put16(to + size + 2, 4)
        put32(to + size + 4, flags)
        put32(to + size + 8, OPTION_END)
        size += 12
    put32(to + size, size + 4)
    put32(to + 4, size + 4)
    out.size += size + 4
    i.at += i.size
    return True


cdef uint32_t copy_options(const Input *i, const uint8_t *options, uint32_t end, uint8_t *to) noexcept nogil:
    """Write a packet's options, which `look` has checked, in this machine's order. How many bytes they take."""
    cdef uint32_t at = 0, size = 0
    cdef uint16_t code, length
    if i.swapped == BIG_ENDIAN and not must_change(i, options, end):
        memcpy(to, options, end)
        return end
    while at + 4 <= end:
        code = get16(options + at, i.swapped)
        length = get16(options + at + 2, i.swapped)
        if code == OPTION_END:
            put32(to + size, OPTION_END)
            return size + 4
        at += 4
        if code != OPTION_PRIVATE and code != OPTION_PRIVATE_TEXT:
            put16(to + size, code)
            put16(to + size + 2, length)
            memset(to + size + 4, 0, padded(length))
            if copy_value(i, code, length, options + at, to + size + 4):
                size += 4 + padded(length)
        at += padded(length)
    return size


cdef bint must_change(const Input *i, const uint8_t *options, uint32_t end) noexcept nogil:
    """Is there an option that cannot be copied as it is?"""
    cdef uint32_t at = 0
    cdef uint16_t code
    while at + 4 <= end:
        code = get16(options + at, i.swapped)
        if code == OPTION_END:
            break
        if code == OPTION_APPLE_PROCESS or code == OPTION_APPLE_EFFECTIVE or code == OPTION_PRIVATE or code == OPTION_PRIVATE_TEXT:
            return True
        at += 4 + padded(get16(options + at + 2, i.swapped))
    return False


cdef bint copy_value(const Input *i, uint16_t code, uint16_t length, const uint8_t *value, uint8_t *to) noexcept nogil:
    """Write an option's value in this machine's order. False: it does not mean anything any more."""
    cdef uint32_t index
    if (code == OPTION_APPLE_PROCESS or code == OPTION_APPLE_EFFECTIVE) and length == 4:
        index = get32(value, i.swapped)
        if index >= i.process_count:
            return False
        put32(to, i.processes[index])
        return True
    memcpy(to, value, length)
    if i.swapped == BIG_ENDIAN:
        return True
    if length == 8 and (code == OPTION_DROP_COUNT or code == OPTION_PACKET_ID):
        put32(to, get32(value + 4, i.swapped))  # one number of 64 bits
        put32(to + 4, get32(value, i.swapped))
    elif length == 8 and code == OPTION_PROCESS:
        put32(to, get32(value, i.swapped))
        put32(to + 4, get32(value + 4, i.swapped))
    elif length == 4 and (code == OPTION_FLAGS or code == OPTION_QUEUE or (code > OPTION_LOCAL and i.process_count != 0)):
        put32(to, get32(value, i.swapped))
    elif length >= 4 and (code == OPTION_CUSTOM_TEXT or code == OPTION_CUSTOM):
        put32(to, get32(value, i.swapped))
    return True

"""From the bytes of a capture file to packets: walks blocks and records, reads headers, numbers comments. Without Python, and where a
processor is free in a thread of its own.

Every length in the file is checked before the bytes it covers are read. A block is taken whole or not at all: whatever can be
wrong with it is found before its packet leaves a trace in any table, so what stands before damage is complete.
Layouts: draft-ietf-opsawg-pcapng (4.3 EPB, 4.4 SPB, A.1 packet block), draft-ietf-opsawg-pcap (5, packet record).
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from pcapdig.packets._headers cimport read_headers
from pcapdig.packets._tunnels cimport read_inner_headers
from pcapdig.trace._bytes cimport get16, get32, padded
from pcapdig.trace._claims cimport number_of
from pcapdig.trace._clock cimport clock_ns
from pcapdig.trace._framing cimport (
    BLOCK_APPLE_PROCESS, BLOCK_CUSTOM, BLOCK_CUSTOM_NOT_COPIED, BLOCK_ENHANCED, BLOCK_INTERFACE, BLOCK_NAMES, BLOCK_PACKET,
    BLOCK_SECTION, BLOCK_SIMPLE, BLOCK_STATISTICS, block_damage, is_closed, is_plain, record_damage,
    record_lengths,
)
from pcapdig.trace._local cimport BOTH_LOCAL, LINK_SLL, LINK_SLL2, direction_of_link, is_local_way, is_loopback_link
from pcapdig.trace._reading cimport PIECE_BYTES, Reading, begin_piece, piece_load, piece_store, place_of, read_piece

cdef enum:
    OPTION_END = 0
    OPTION_COMMENT = 1
    OPTION_FLAGS = 2
    OPTION_PROCESS_AND_THREAD = 8
    OPTION_APPLE = 0x8000  # and above: for local use, of which Apple's name processes

cdef enum:
    WIRESHARK_PEN = 32622

cdef enum:
    AHEAD_BYTES = 1024  # a packet with its comments is seldom longer where most of it is looked at

cdef const char *TOO_SHORT = b"a block shorter than its kind can be"
cdef const char *TOO_LONG = b"a packet longer than its block"
cdef const char *NOT_DESCRIBED = b"a packet of an interface that was not described"
cdef const char *CLAIM_MARK = b"proc.name="  # how a comment of pcapdig's begins
cdef enum:
    CLAIM_MARK_SIZE = 10


cdef inline void ask_ahead(const Walk *w, int64_t size) noexcept nogil:
    """Have the processor fetch the block after this one, of `size` bytes, so that it comes while this one is looked at. Only a hint."""
    cdef const uint8_t *next_block = w.data + w.at + size
    cdef int i
    if w.reading.fd < 0 and w.end - w.at - size >= AHEAD_BYTES:
        for i in range(AHEAD_BYTES // 64):
            ask_for(next_block + i * 64)


cdef bint damaged(Walk *w, const char *what) noexcept nogil:
    """The block at hand cannot be what it claims."""
    w.ended = DAMAGED
    w.what = what
    return False


cdef const uint8_t *reach(Walk *w, int64_t size) noexcept nogil:
    """The first `size` bytes of the block at hand; NULL: they are not all there. Valid until the next call.

    A mapped file is read into a buffer all the same: the kernel copies faster than it maps pages, and what was copied lies near.
    """
    cdef Reading *r = w.reading
    w.needed = size
    if size > w.end - w.at:
        return NULL
    if r.fd < 0 or size > PIECE_BYTES:
        return w.data + w.at
    if w.at + size > r.view_to:
        view_more(w)
        if w.at + size > r.view_to:
            return w.data + w.at
    return r.view + (w.at - r.view_from)


cdef void view_more(Walk *w) noexcept nogil:
    """Make the view reach from the block at hand to the end of the piece that comes next, or of the one that the walk jumped to.

    It stays as it was where the file became shorter.
    """
    cdef Reading *r = w.reading
    cdef uint64_t number = r.unread
    cdef int64_t left = 0
    cdef uint8_t *place
    if w.at <= r.view_to:
        if r.view_to != r.start + <int64_t> number * PIECE_BYTES:
            return
        left = r.view_to - w.at
    else:
        number = <uint64_t> ((w.at - r.start) // PIECE_BYTES)
        if number < r.unread:
            return
    get_piece(r, number)
    place = place_of(r, number)
    if left != 0:  # of the first piece there is no view yet, and memcpy takes no NULL
        memcpy(place - left, r.view + (w.at - r.view_from), left)
    r.view = place - left
    r.view_from = r.start + <int64_t> number * PIECE_BYTES - left
    r.view_to = r.view_from + left + r.got[number % r.places]
    r.unread = number + 1
    piece_store(&r.passed, number)


cdef void get_piece(Reading *r, uint64_t number) noexcept nogil:
    """Read a piece, or wait for the other thread that reads it."""
    cdef uint64_t begun = piece_load(&r.begun)
    cdef unsigned int tries = 0
    while begun <= number:
        if begin_piece(&r.begun, &begun, number + 1):
            while begun < number and piece_load(&r.helping):  # the walk jumped: an older piece may still come into this place
                tries += 1
                be_patient(tries)
            read_piece(r, number)
            return
    while piece_load(&r.done[number % r.places]) != number + 1:
        tries += 1
        be_patient(tries)


cdef bint find_room(Walk *w) noexcept nogil:
    """Room in the ring, for which a thread waits. False: there is none, or none is wanted."""
    cdef unsigned int tries = 0
    release_to(&w.ring.made, w.made)
    while True:
        w.full_at = acquired(&w.ring.taken) + w.window
        if w.made != w.full_at:
            return True
        if not w.waits:
            w.ended = FULL
            return False
        if acquired_flag(&w.ring.unwanted):
            return False
        tries += 1
        be_patient(tries)


cdef void walk(Walk *w) noexcept nogil:
    """Make packets of what is whole, until `ended` says why no more."""
    w.ended = REACHED
    w.full_at = acquired(&w.ring.taken) + w.window
    while w.at < w.stop and w.made < w.most:
        if w.made == w.full_at and not find_room(w):
            break
        if not (record(w) if w.is_pcap else block(w)):
            break
    release_to(&w.ring.made, w.made)


cdef bint make(Walk *w, Stored *packet, const Described *interface, const uint8_t *data) noexcept nogil:
    """Finish the packet at hand: its headers and the numbers of its comments. False: no memory."""
    cdef uint32_t usable = packet.captured, original = packet.original
    cdef int c
    if packet.fcs_size != 0 and original > packet.fcs_size:
        original -= packet.fcs_size
        usable = original if usable > original else usable
    packet.row = interface.row
    packet.link_type = <uint16_t> interface.link_type
    packet.may_be_copy = w.has_sites or interface.link_type == LINK_SLL or interface.link_type == LINK_SLL2
    packet.usable = usable
    packet.is_process = False
    if w.decap:
        packet.found = read_inner_headers(data, usable, original, interface.link_type, &packet.h)
    else:
        packet.found = read_headers(data, usable, original, interface.link_type, &packet.h)
    packet.place = interface.site ^ packet.h.tags
    if interface.link_type == LINK_SLL2 and usable >= 20:
        packet.place ^= get32(data + 4, True) * <uint32_t> 0x9E3779B1  # one interface in the file, yet each packet names its own
    if packet.direction == 0:
        packet.direction = direction_of_link(interface.link_type, data, usable)
    if packet.found and (interface.is_loopback or is_local_way(&packet.h) or is_loopback_link(interface.link_type, data, usable)):
        packet.direction |= BOTH_LOCAL
    for c in range(packet.claim_count):
        packet.claim[c] = number_of(w.claims, data + packet.claim_at[c], packet.claim_size[c])
        if packet.claim[c] == 0:
            w.ended = NO_MEMORY
            return False
    count(w)
    return True


cdef inline void count(Walk *w) noexcept nogil:
    """One more is in the ring."""
    w.made += 1
    if w.made % PUBLISHED_PACKETS == 0:
        release_to(&w.ring.made, w.made)


cdef inline Stored *next_packet(Walk *w) noexcept nogil:
    """Where the next packet goes."""
    return w.ring.packets + (w.made & (RING_PACKETS - 1))


cdef bint record(Walk *w) noexcept nogil:
    """One packet of a classic pcap. False: more bytes are needed, or it is damaged."""
    cdef Stored *packet = next_packet(w)
    cdef const Described *interface = w.described
    cdef const uint8_t *header = reach(w, w.record_size)
    cdef uint64_t seconds, fraction
    cdef const char *wrong
    cdef int64_t size
    if header == NULL:
        return False
    record_lengths(header, w.swapped, w.lengths, &packet.captured, &packet.original)
    wrong = record_damage(packet.captured, interface.snap_length)
    if wrong != NULL:
        return damaged(w, wrong)
    size = w.record_size + <int64_t> packet.captured
    header = reach(w, size)
    if header == NULL:
        return False
    ask_ahead(w, size)
    seconds = get32(header, w.swapped)
    fraction = get32(header + 4, w.swapped)
    packet.time_ns = <int64_t> (seconds * 1000000000 + fraction * interface.clock.factor)
    packet.offset = <uint64_t> (w.at + w.record_size)
    packet.direction = 0
    packet.fcs_size = <uint8_t> interface.fcs_size
    packet.claim_count = 0
    packet.may_be_foreign = False
    if w.record_size > 22:  # a modified pcap: the packet's type as a cooked capture has it
        packet.direction = 2 if header[22] == 4 else 1 if header[22] < 4 else 0
    if not make(w, packet, interface, header + w.record_size):
        return False
    w.at += size
    return True


cdef bint block(Walk *w) noexcept nogil:
    """One pcapng block. False: more bytes are needed, it is damaged, or Python is to read it."""
    cdef const uint8_t *block = reach(w, 12)
    cdef const char *wrong
    cdef uint32_t kind = 0, length = 0
    cdef bint made = True
    if block == NULL:
        return False
    wrong = block_damage(block, &w.swapped, &kind, &length)
    if wrong != NULL:
        return damaged(w, wrong)
    block = reach(w, length)
    if block == NULL:
        return False
    ask_ahead(w, length)
    if not is_plain(block, w.swapped, length):
        if not is_closed(block, w.swapped, length):
            return damaged(w, b"the lengths before and after a block differ")
        w.is_unaligned = True
    if kind == BLOCK_ENHANCED or kind == BLOCK_PACKET:
        made = packet_block(w, block, length, kind == BLOCK_PACKET)
    elif kind == BLOCK_SIMPLE:
        made = simple_block(w, block, length)
    elif kind == BLOCK_SECTION or kind == BLOCK_INTERFACE or kind == BLOCK_STATISTICS or kind == BLOCK_NAMES:
        w.ended = DESCRIBING
        return False
    elif kind == BLOCK_APPLE_PROCESS or kind == BLOCK_CUSTOM or kind == BLOCK_CUSTOM_NOT_COPIED:
        process_block(w, block, length, kind)
    if made:
        w.at += length
    return made


cdef void process_block(Walk *w, const uint8_t *block, uint32_t length, uint32_t kind) noexcept nogil:
    """A block that describes a process: to be read in its turn. Wireshark's is a custom block, all others of which are passed over."""
    cdef Stored *to = next_packet(w)
    if kind != BLOCK_APPLE_PROCESS and (length < 28 or get32(block + 8, w.swapped) != WIRESHARK_PEN):
        return
    to.is_process = True
    to.found = False
    to.kind = kind
    to.offset = <uint64_t> w.at + 8
    to.options_at = 0
    to.options_size = length - 12
    to.swapped = w.swapped
    w.most += 1  # it takes no row
    count(w)


cdef bint simple_block(Walk *w, const uint8_t *block, uint32_t length) noexcept nogil:
    """A packet without time, interface and options: it came from the section's first interface."""
    cdef Stored *packet = next_packet(w)
    cdef const Described *interface = w.described
    if length < 16:
        return damaged(w, TOO_SHORT)
    if w.described_count == 0:
        return damaged(w, NOT_DESCRIBED)
    packet.original = get32(block + 8, w.swapped)
    packet.captured = packet.original
    if interface.snap_length != 0 and packet.captured > interface.snap_length:
        packet.captured = interface.snap_length
    if packet.captured > length - 16:
        return damaged(w, TOO_LONG)
    packet.offset = <uint64_t> w.at + 12
    packet.time_ns = 0
    packet.direction = 0
    packet.fcs_size = <uint8_t> interface.fcs_size
    packet.claim_count = 0
    packet.may_be_foreign = False
    return make(w, packet, interface, block + 12)


cdef bint packet_block(Walk *w, const uint8_t *block, uint32_t length, bint obsolete) noexcept nogil:
    """An enhanced packet block, or the packet block it replaced (which has a drop count in half of the interface number)."""
    cdef Stored *packet = next_packet(w)
    cdef uint32_t number
    cdef uint64_t ticks
    if length < 32:
        return damaged(w, TOO_SHORT)
    number = get16(block + 8, w.swapped) if obsolete else get32(block + 8, w.swapped)
    if number >= w.described_count:
        return damaged(w, NOT_DESCRIBED)
    packet.captured = get32(block + 20, w.swapped)
    packet.original = get32(block + 24, w.swapped)
    if packet.captured > length - 32:
        return damaged(w, TOO_LONG)
    ticks = <uint64_t> get32(block + 12, w.swapped) << 32 | get32(block + 16, w.swapped)
    packet.time_ns = clock_ns(&w.described[number].clock, ticks)
    packet.offset = <uint64_t> w.at + 28
    packet.fcs_size = <uint8_t> w.described[number].fcs_size
    if not options(w, block, 28 + padded(packet.captured), length - 4, packet):
        return False
    return make(w, packet, w.described + number, block + 28)


cdef bint options(Walk *w, const uint8_t *block, uint32_t at, uint32_t end, Stored *packet) noexcept nogil:
    """Direction and comments among a packet's options, which lie from `at` to `end`. The end mark may be missing."""
    cdef uint16_t code, size
    cdef uint32_t flags
    packet.options_at = at - 28
    packet.options_size = end - at if at < end else 0
    packet.swapped = w.swapped
    packet.direction = 0
    packet.claim_count = 0
    packet.may_be_foreign = False
    while at + 4 <= end:
        code = get16(block + at, w.swapped)
        size = get16(block + at + 2, w.swapped)
        if code == OPTION_END:
            break
        at += 4
        if size > end - at:
            return damaged(w, b"an option runs past its block")
        if code == OPTION_COMMENT:
            if (size >= CLAIM_MARK_SIZE and packet.claim_count < MOST_CLAIMS
                    and memcmp(block + at, CLAIM_MARK, CLAIM_MARK_SIZE) == 0):
                packet.claim_at[packet.claim_count] = at - 28
                packet.claim_size[packet.claim_count] = size
                packet.claim_count += 1
            else:
                packet.may_be_foreign = True
        elif code == OPTION_FLAGS and size == 4:
            flags = get32(block + at, w.swapped)
            packet.direction = flags & 3
            if flags >> 5 & 15:
                packet.fcs_size = flags >> 5 & 15
            if packet.direction == 3:
                packet.direction = 0  # not defined
        elif code == OPTION_PROCESS_AND_THREAD or code >= OPTION_APPLE:
            packet.may_be_foreign = True
        at += padded(size)
    return True


cdef void *walk_alone(void *w) noexcept nogil:
    """A walk as a thread."""
    walk(<Walk *> w)
    raise_flag(&(<Walk *> w).ring.over, True)
    return NULL

"""Copies of one datagram on several interfaces (veth, bridge, NIC), told from the same datagram sent twice.

Datagrams have no sequence numbers. Two with equal flow, direction, IP identification, length and payload, on different interfaces
within 1 ms (200 ms where they have an identification), are one, unless two processes are known to have sent or received them; on the same interface they were sent twice. So each
fingerprint counts its sightings by interface, and a sighting is a copy while another interface has seen it more often. What is
called an interface here is a place: see `_places.pxd`.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from pcapdig.trace._clock cimport within

cdef enum:
    SIGHTING_SLOTS = 4096
    SIGHTING_INTERFACES = 6  # a pod's packet: its veth twice, bridge, tunnel, bond, NIC

cdef enum:
    SIGHTING_WINDOW_NS = 1000000
    NUMBERED_WINDOW_NS = 200000000  # of datagrams with an IP identification: two taps, whose clocks are some 50 ms apart

cdef struct Sighting:
    uint64_t fingerprint
    int64_t time_ns  # of the first
    int32_t writer  # whose it is, -1: not known
    int32_t reader
    uint32_t most  # how often the interface saw it that saw it most
    uint32_t interface[SIGHTING_INTERFACES]
    uint32_t times[SIGHTING_INTERFACES]  # 0: entry is free


cdef inline uint64_t fingerprint(const uint8_t *data, uint64_t size, uint64_t about) noexcept nogil:
    """64 bits that tell payloads apart, mixed with `about` (flow, direction, identification, length)."""
    cdef uint64_t hash_ = about * <uint64_t> 0x9E3779B97F4A7C15ULL + size
    cdef uint64_t word
    while size >= 8:
        memcpy(&word, data, 8)
        hash_ = (hash_ ^ word) * <uint64_t> 0xD6E8FEB86659FD93ULL
        hash_ ^= hash_ >> 32
        data += 8
        size -= 8
    if size != 0:
        word = 0
        memcpy(&word, data, size)
        hash_ = (hash_ ^ word) * <uint64_t> 0xD6E8FEB86659FD93ULL
        hash_ ^= hash_ >> 32
    return hash_


cdef inline bint differ(int32_t a, int32_t b) noexcept nogil:
    """Are two processes known, and not the same?"""
    return a >= 0 and b >= 0 and a != b


cdef inline Sighting *sighting(Sighting *table, uint64_t fingerprint_) noexcept nogil:
    """Where sightings of a datagram are counted."""
    return table + ((fingerprint_ >> 40) & (SIGHTING_SLOTS - 1))


cdef inline bint is_same(
    const Sighting *s, uint64_t fingerprint_, int64_t time_ns, bint is_numbered, int32_t writer, int32_t reader
) noexcept nogil:
    """Are these sightings of that datagram?"""
    return (s.most != 0 and s.fingerprint == fingerprint_
            and within(time_ns, s.time_ns, NUMBERED_WINDOW_NS if is_numbered else SIGHTING_WINDOW_NS)
            and not differ(s.writer, writer) and not differ(s.reader, reader))


cdef inline bint is_known(
    Sighting *table, uint64_t fingerprint_, uint32_t interface, int64_t time_ns, bint is_numbered, int32_t writer, int32_t reader
) noexcept nogil:
    """Was this datagram seen on another interface more often than on this one?"""
    cdef const Sighting *s = sighting(table, fingerprint_)
    cdef uint32_t here = 0
    cdef int i
    if not is_same(s, fingerprint_, time_ns, is_numbered, writer, reader):
        return False
    for i in range(SIGHTING_INTERFACES):
        if s.times[i] != 0 and s.interface[i] == interface:
            here = s.times[i]
    return here < s.most


cdef inline bint is_copy(
    Sighting *table, uint64_t fingerprint_, uint32_t interface, int64_t time_ns, bint is_numbered, int32_t writer, int32_t reader
) noexcept nogil:
    """Note a sighting; was this datagram already counted on another interface?"""
    cdef Sighting *s = sighting(table, fingerprint_)
    cdef int i
    if not is_same(s, fingerprint_, time_ns, is_numbered, writer, reader):
        memset(s, 0, sizeof(Sighting))
        s.fingerprint = fingerprint_
        s.time_ns = time_ns
        s.writer, s.reader = writer, reader
    if s.writer < 0:
        s.writer = writer
    if s.reader < 0:
        s.reader = reader
    for i in range(SIGHTING_INTERFACES):
        if s.times[i] == 0:
            s.interface[i] = interface
        if s.interface[i] == interface:
            s.times[i] += 1
            if s.times[i] <= s.most:
                return True
            s.most = s.times[i]
            return False
    return False

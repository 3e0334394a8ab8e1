# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Who owned a socket when: for each lane (writer, reader) a first owner, and the changes after it."""

from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.stdint cimport int32_t, int64_t, uint32_t

# Comparing sequence numbers is meaningful within 2^31; a change is settled half way there.
cdef int32_t SETTLED_DISTANCE = 1 << 30
# Changes of a TCP lane kept though no packet waits for them: bytes sent again after a change still have their first owner.
cdef uint32_t CHANGES_KEPT = 64


cdef Owner owner_at(const Lane *changed, int lane, int64_t time_ns, bint tcp, uint32_t seq, uint32_t length) noexcept nogil:
    """The owner of a lane for a packet: for TCP by sequence number where the change says one, else by time."""
    cdef Owner owner = changed.base
    cdef Change *change = changed.first
    cdef int32_t distance
    cdef bint applies
    while change != NULL:
        if tcp and change.has_seq and not change.settled:
            distance = <int32_t> (seq - change.seq)
            applies = distance > 0 or (distance == 0 and (length > 0 or change.from_ns <= time_ns))
            if distance > SETTLED_DISTANCE:
                change.settled = 1
        elif change.settled:
            applies = True
        else:
            applies = time_ns > change.from_ns or (lane == LANE_WRITER and time_ns == change.from_ns)
            if not applies and not tcp:
                break  # by time alone the changes are sorted
        if applies:
            owner = change.owner
        change = change.next
    return owner


cdef bint change_owner(Lane *changed, const Owner *owner, int64_t from_ns, int64_t told_ns, bint has_seq, uint32_t seq,
                       int64_t resolved_ns) noexcept nogil:
    """From here on the lane is this owner's: for TCP from `seq` on where has_seq, else from from_ns on. False when memory is out.

    Args:
        told_ns: when the event happened.
        resolved_ns: no packet older than this is asked for any more.
    """
    cdef Change *change = <Change *> PyMem_RawMalloc(sizeof(Change))
    if change == NULL:
        return False
    _fold(changed, resolved_ns)
    if not has_seq:
        _drop_later(changed, from_ns)
    change.owner = owner[0]
    change.from_ns = from_ns
    change.told_ns = told_ns
    change.seq = seq
    change.has_seq = has_seq
    change.settled = 0
    change.next = NULL
    change.before = changed.last
    if changed.last == NULL:
        changed.first = change
    else:
        changed.last.next = change
    changed.last = change
    changed.count += 1
    return True


cdef void _fold(Lane *changed, int64_t resolved_ns) noexcept nogil:
    """Changes that hold for every packet still to come become the lane's first owner."""
    cdef Change *change = changed.first
    while change != NULL:
        if change.from_ns >= resolved_ns:
            return
        if change.has_seq and (changed.count < CHANGES_KEPT or change.told_ns >= resolved_ns):
            return
        changed.base = change.owner
        changed.first = change.next
        if changed.first == NULL:
            changed.last = NULL
        else:
            changed.first.before = NULL
        changed.count -= 1
        PyMem_RawFree(change)
        change = changed.first


cdef void _drop_later(Lane *changed, int64_t from_ns) noexcept nogil:
    """Changes by time that a change from from_ns on leaves nothing of: it came later, so it wins wherever they hold."""
    cdef Change *change = changed.last
    while change != NULL and not change.has_seq and change.from_ns >= from_ns:
        changed.last = change.before
        if changed.last == NULL:
            changed.first = NULL
        else:
            changed.last.next = NULL
        changed.count -= 1
        PyMem_RawFree(change)
        change = changed.last


cdef void free_changes(Lane *changed) noexcept nogil:
    """Give the changes' memory back."""
    cdef Change *change = changed.first
    cdef Change *after
    while change != NULL:
        after = change.next
        PyMem_RawFree(change)
        change = after
    changed.first = changed.last = NULL
    changed.count = 0

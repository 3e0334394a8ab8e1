"""Which connections have the largest sums: flows between the same ends, one after the other, are one connection."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp

from pcapdig.trace._flow_state cimport FlowRecord
from pcapdig.trace._seeded cimport hash_of

import os

cdef enum:
    KEY_BYTES = 37  # of a record's beginning: both addresses, both ports, the protocol

cdef struct Connection:
    const FlowRecord *record  # of its first flow
    int64_t total
    int32_t rank  # -1: not among the largest


cdef inline bint is_before(const Connection *a, const Connection *b) noexcept nogil:
    """The order of a table: by the sum, then as protocol, client and server are ordered as numbers."""
    cdef const FlowRecord *x = a.record
    cdef const FlowRecord *y = b.record
    cdef int clients, servers
    if a.total != b.total:
        return a.total > b.total
    if x.protocol != y.protocol:
        return x.protocol < y.protocol
    clients = memcmp(x.client, y.client, 16)
    if clients != 0:
        return clients < 0
    if x.client_port != y.client_port:
        return x.client_port < y.client_port
    servers = memcmp(x.server, y.server, 16)
    return servers < 0 if servers != 0 else x.server_port < y.server_port


cdef int32_t join(
    const FlowRecord *records, const int64_t *rows, const int64_t *sums, Py_ssize_t rows_count, uint32_t *slots, uint32_t mask,
    uint64_t seed, Connection *found, int32_t *connection_of
) noexcept nogil:
    """Say which connection each row is of, and add up. Returns how many there are."""
    cdef const FlowRecord *record
    cdef Connection *connection
    cdef int32_t count = 0
    cdef uint32_t at
    cdef Py_ssize_t i
    for i in range(rows_count):
        record = records + rows[i]
        at = <uint32_t> hash_of(<const uint8_t *> record, KEY_BYTES, seed) & mask
        while slots[at] != 0 and memcmp(found[slots[at] - 1].record, record, KEY_BYTES) != 0:
            at = (at + 1) & mask
        if slots[at] == 0:
            connection = found + count
            connection.record = record
            connection.total = 0
            connection.rank = -1
            count += 1
            slots[at] = <uint32_t> count
        connection_of[i] = <int32_t> slots[at] - 1
        found[connection_of[i]].total += sums[i]
    return count


cdef Py_ssize_t choose(Connection *found, int32_t count, Connection **best, Py_ssize_t limit) noexcept nogil:
    """Rank the `limit` first ones; `best` has them in order. Most are no better than the last of those, which one look tells."""
    cdef Py_ssize_t kept = 0, at
    cdef int32_t i
    for i in range(count):
        if kept == limit:
            if not is_before(found + i, best[kept - 1]):
                continue
            kept -= 1
        at = kept
        while at > 0 and is_before(found + i, best[at - 1]):
            best[at] = best[at - 1]
            at -= 1
        best[at] = found + i
        kept += 1
    for at in range(kept):
        best[at].rank = <int32_t> at
    return kept


def largest(
    const uint8_t[::1] records not None, const int64_t[::1] rows not None, const int64_t[::1] sums not None, Py_ssize_t limit
):
    """The connections with the largest sums, largest first, ties by protocol, client and server.

    Args:
        records: memory of `Flows`.
        rows: flows to be ranked, with one of `sums` each.
        limit: connections wanted, few.
    Returns: (sum, its rows in the order given) of each, and how many connections there are in all.
    """
    cdef Py_ssize_t count = rows.shape[0], size = 1024, i, kept
    cdef Connection *found = NULL
    cdef Connection **best = NULL
    cdef uint32_t *slots = NULL
    cdef int32_t *connection_of = NULL
    cdef int32_t connections
    cdef uint64_t seed = int.from_bytes(os.urandom(8), "little")
    if sums.shape[0] != count or count >= 1 << 30:
        raise ValueError("a sum for each row is needed")
    for i in range(count):
        if not 0 <= rows[i] < records.shape[0] // <Py_ssize_t> sizeof(FlowRecord):
            raise IndexError("no such flow")
    limit = min(limit, count)
    if limit <= 0:
        return [], 0
    while size < 2 * count:
        size *= 2
    try:
        found = <Connection *> malloc(count * sizeof(Connection))
        best = <Connection **> malloc((limit + 1) * sizeof(Connection *))
        slots = <uint32_t *> calloc(size, sizeof(uint32_t))
        connection_of = <int32_t *> malloc(count * sizeof(int32_t))
        if found == NULL or best == NULL or slots == NULL or connection_of == NULL:
            raise MemoryError
        connections = join(
            <const FlowRecord *> &records[0], &rows[0], &sums[0], count, slots, <uint32_t> (size - 1), seed, found, connection_of
        )
        kept = choose(found, connections, best, limit)
        shown = [(best[i].total, []) for i in range(kept)]
        for i in range(count):
            if found[connection_of[i]].rank >= 0:
                shown[found[connection_of[i]].rank][1].append(rows[i])
        return shown, connections
    finally:
        free(found)
        free(best)
        free(slots)
        free(connection_of)

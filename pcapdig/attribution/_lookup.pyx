# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: include_dirs = probe
"""Which socket a tuple belonged to at a moment: one connection told from the next on the same addresses, one holder of a port from several."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memset

from pcapdig.attribution._events cimport EVIDENCE_PROCFS
from pcapdig.attribution._sockets cimport Binding, Socket, SocketTables, Tuple, TupleKey

# A SYN's binding is announced before the packet is captured, but the two clocks are joined with an error well below this.
cdef int64_t CLOCK_SLACK_NS = 20000
cdef int64_t DATAGRAM_SLACK_NS = 1000


cdef bint is_mapped(const uint8_t *address) noexcept nogil:
    """An IPv4 address as ::ffff:a.b.c.d."""
    cdef int i
    for i in range(10):
        if address[i]:
            return False
    return address[10] == 0xff and address[11] == 0xff


cdef int32_t choose(SocketTables tables, const Tuple *entry, int64_t time_ns, bint tcp) noexcept nogil:
    """The socket this tuple belonged to at that time, or -1."""
    return _connection(tables, entry, time_ns) if tcp else _datagrams(tables, entry, time_ns)


cdef int32_t _connection(SocketTables tables, const Tuple *entry, int64_t time_ns) noexcept nogil:
    """Of several connections the one that the last SYN began, since its packets come before its binding or after."""
    cdef int32_t i = entry.newest, after = -1
    cdef Binding *binding
    cdef Socket *socket
    cdef bint passive = entry.syn_in_ns > entry.syn_out_ns
    cdef int64_t since = entry.syn_in_ns if passive else entry.syn_out_ns
    while i >= 0:
        binding = &tables.bindings[i]
        socket = &tables.sockets[binding.socket]
        if since and binding.bound_ns > since + CLOCK_SLACK_NS and binding.bound_ns + CLOCK_SLACK_NS < time_ns:
            return binding.socket  # bound between that SYN and now; by another SYN, if that was not captured
        if passive:
            # made by that SYN, so bound after it; or still open from before
            if binding.bound_ns >= since:
                after = binding.socket
            else:
                return after if after >= 0 else (binding.socket if not socket.closed_ns else -1)
        elif since:
            if binding.bound_ns > since + CLOCK_SLACK_NS:
                after = binding.socket
            elif not socket.closed_ns or socket.closed_ns >= since:
                return binding.socket
            else:
                return after
        elif binding.bound_ns > time_ns:
            after = binding.socket
        else:
            return binding.socket
        i = binding.older
    return after


cdef int32_t _datagrams(SocketTables tables, const Tuple *entry, int64_t time_ns) noexcept nogil:
    """The socket open at that time that met this peer last. Its first datagram has the binding's own time; only where the packet
    was captured elsewhere (another namespace) or sockets are polled does the binding come later."""
    cdef int32_t i = entry.newest, after = -1
    cdef Binding *binding
    cdef Socket *socket
    while i >= 0:
        binding = &tables.bindings[i]
        socket = &tables.sockets[binding.socket]
        if binding.bound_ns > time_ns + DATAGRAM_SLACK_NS:
            if entry.key.scope or is_polled(socket):
                after = binding.socket
        elif not socket.closed_ns or socket.closed_ns >= time_ns:
            return binding.socket
        i = binding.older
    return after


cdef inline bint is_polled(const Socket *socket) noexcept nogil:
    """Seen by polling, so it may have been there before."""
    return socket.lanes[0].base.process >= 0 and socket.lanes[0].base.evidence == EVIDENCE_PROCFS


cdef int32_t choose_shared(SocketTables tables, const TupleKey *wanted, int64_t time_ns) noexcept nogil:
    """The socket bound to the local address and port, else to the port on a wildcard address. -1: none, -2: holders differ."""
    cdef TupleKey key = wanted[0]
    cdef int32_t found
    cdef int attempt
    for attempt in range(3):
        if attempt == 1:
            if not is_mapped(wanted.local_addr):
                continue
            memset(&key.local_addr[12], 0, 4)
        elif attempt == 2:
            memset(key.local_addr, 0, 16)
        found = tables.find_tuple(&key)
        if found >= 0:
            found = _only_owner(tables, &tables.tuples[found], time_ns)
            if found != -1:
                return found
    return -1


cdef int32_t _only_owner(SocketTables tables, const Tuple *entry, int64_t time_ns) noexcept nogil:
    """The latest socket open at that time, if all that are have one owner; -1 none, -2 several owners."""
    cdef int32_t i = entry.newest, found = -1
    cdef Binding *binding
    cdef Socket *socket
    while i >= 0:
        binding = &tables.bindings[i]
        socket = &tables.sockets[binding.socket]
        if (not socket.closed_ns or socket.closed_ns >= time_ns) and (
                binding.bound_ns <= time_ns + CLOCK_SLACK_NS or is_polled(socket)):
            if found < 0:
                found = binding.socket
            elif tables.sockets[found].lanes[0].base.process != socket.lanes[0].base.process:
                return -2
        i = binding.older
    return found


cdef bint one_namespace(SocketTables tables, const Tuple *entry) noexcept nogil:
    """Whether all sockets of this tuple live in one network namespace."""
    cdef int32_t i = entry.newest
    cdef uint32_t netns = tables.sockets[tables.bindings[i].socket].netns
    while i >= 0:
        if tables.sockets[tables.bindings[i].socket].netns != netns:
            return False
        i = tables.bindings[i].older
    return True

# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Tables of sockets, found by cookie and by tuple.

    sockets     one per cookie, with the timelines of who owned it (_timelines.pyx)
    tuples      one per (protocol, addresses, ports) as seen from one end: a chain of bindings, latest first
    bindings    this tuple belonged to this socket from this moment on

Plain structs addressed by index, with free lists. A closed socket is kept as long as packets may belong to it, then forgotten with its bindings.
"""

from cpython.mem cimport PyMem_RawFree, PyMem_RawRealloc
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memset

from pcapdig.attribution._hashing cimport empty_slots, hash_words, mix
from pcapdig.attribution._timelines cimport free_changes

# After this long a closed socket owes no more packets (RFC 9293 time-wait on Linux: 60 s).
cdef int64_t CLOSED_KEPT_NS = 60000000000
cdef int64_t CLOSED_KEPT_LEAST_NS = 2000000000

cdef uint32_t CLOSED_KEPT_MOST = 1 << 18
# Peers of datagram sockets kept: a name server meets new ones without end. The probe remembers a quarter of that
# (PEERS of tracer/core.py) and tells again of those it forgot.
cdef int32_t PEERS_KEPT = 1 << 18

cdef enum:
    TCP = 6
    ALREADY_BOUND = -2


cdef class SocketTables:
    """What is known of sockets. Indexes into `sockets` and `tuples` hold until `expire`."""

    def __cinit__(self):
        self.socket_free = self.binding_free = self.tuple_free = -1
        self.oldest_peer = self.newest_peer = -1
        self.tuple_slot_mask = self.cookie_slot_mask = self.closed_mask = 1023
        self.tuple_slots = empty_slots(1024)
        self.cookie_slots = empty_slots(1024)
        self.closed_queue = empty_slots(1024)
        if not (self.tuple_slots and self.cookie_slots and self.closed_queue):
            raise MemoryError

    def __dealloc__(self):
        cdef int32_t i
        for i in range(self.socket_count):
            free_changes(&self.sockets[i].lanes[0])
            free_changes(&self.sockets[i].lanes[1])
        PyMem_RawFree(self.sockets)
        PyMem_RawFree(self.bindings)
        PyMem_RawFree(self.tuples)
        PyMem_RawFree(self.tuple_slots)
        PyMem_RawFree(self.cookie_slots)
        PyMem_RawFree(self.closed_queue)

    @property
    def sizes(self) -> dict[str, int]:
        """Entries in use."""
        changes = sum(self.sockets[i].lanes[0].count + self.sockets[i].lanes[1].count for i in range(self.socket_count))
        return {"sockets": self.cookie_slots_used, "tuples": self.tuple_slots_used, "peers": self.peer_count,
                "changes": changes}

    cdef int close(self, int32_t index, int64_t time_ns) except -1 nogil:
        cdef Socket *socket = &self.sockets[index]
        cdef int32_t *larger
        cdef uint32_t i, used = self.closed_tail - self.closed_head
        if socket.closed_ns:
            return 0
        socket.closed_ns = time_ns
        if used > self.closed_mask:
            larger = empty_slots(2 * (self.closed_mask + 1))
            if larger == NULL:
                with gil:
                    raise MemoryError
            for i in range(used):
                larger[i] = self.closed_queue[(self.closed_head + i) & self.closed_mask]
            PyMem_RawFree(self.closed_queue)
            self.closed_queue = larger
            self.closed_mask = 2 * (self.closed_mask + 1) - 1
            self.closed_head = 0
            self.closed_tail = used
        self.closed_queue[self.closed_tail & self.closed_mask] = index
        self.closed_tail += 1
        return 0

    cdef void expire(self, int64_t now_ns) noexcept nogil:
        cdef int32_t index
        cdef int64_t age
        while self.closed_head != self.closed_tail:
            index = self.closed_queue[self.closed_head & self.closed_mask]
            age = now_ns - self.sockets[index].closed_ns
            if age < CLOSED_KEPT_LEAST_NS or (
                    age < CLOSED_KEPT_NS and self.closed_tail - self.closed_head < CLOSED_KEPT_MOST):
                break
            self.closed_head += 1
            self._forget(index)
        self._expire_peers()

    cdef int32_t socket_of(self, uint64_t cookie, uint32_t netns, uint8_t protocol, bint create) except -2 nogil:
        """The socket of this cookie; a new one without owner if wanted, else -1."""
        cdef uint32_t slot = <uint32_t> mix(cookie) & self.cookie_slot_mask
        cdef int32_t index, room, i
        cdef Socket *socket
        cdef Socket *grown
        cdef int32_t *slots
        while self.cookie_slots[slot] >= 0:
            index = self.cookie_slots[slot]
            if self.sockets[index].cookie == cookie:
                return index
            slot = (slot + 1) & self.cookie_slot_mask
        if not create:
            return -1
        if self.socket_free >= 0:
            index = self.socket_free
            self.socket_free = self.sockets[index].first_binding
        else:
            if self.socket_count == self.socket_room:
                room = 2 * self.socket_room if self.socket_room else 1024
                grown = <Socket *> PyMem_RawRealloc(self.sockets, room * sizeof(Socket))
                if grown == NULL:
                    with gil:
                        raise MemoryError
                self.sockets = grown
                self.socket_room = room
            index = self.socket_count
            self.socket_count += 1
        socket = &self.sockets[index]
        memset(socket, 0, sizeof(Socket))
        socket.cookie = cookie
        socket.lanes[0].base.process = socket.lanes[1].base.process = -1
        socket.first_binding = -1
        socket.netns = netns
        socket.protocol = protocol
        socket.in_use = 1
        self.cookie_slots[slot] = index
        self.cookie_slots_used += 1
        if self.cookie_slots_used * 2 > self.cookie_slot_mask:
            slots = empty_slots(2 * (self.cookie_slot_mask + 1))
            if slots == NULL:
                with gil:
                    raise MemoryError
            PyMem_RawFree(self.cookie_slots)
            self.cookie_slots = slots
            self.cookie_slot_mask = 2 * (self.cookie_slot_mask + 1) - 1
            for i in range(self.socket_count):
                if self.sockets[i].in_use:
                    slot = <uint32_t> mix(self.sockets[i].cookie) & self.cookie_slot_mask
                    while slots[slot] >= 0:
                        slot = (slot + 1) & self.cookie_slot_mask
                    slots[slot] = i
        return index

    cdef void _forget(self, int32_t index) noexcept nogil:
        cdef Socket *socket = &self.sockets[index]
        cdef int32_t i = socket.first_binding, after
        while i >= 0:
            after = self.bindings[i].sibling
            self._unbind(i)
            i = after
        free_changes(&socket.lanes[0])
        free_changes(&socket.lanes[1])
        self._remove_cookie(index)
        socket.in_use = 0
        socket.first_binding = self.socket_free
        self.socket_free = index

    cdef void _unbind(self, int32_t index) noexcept nogil:
        """Take a binding out of its tuple's chain, and give its room back. Its socket's list is left as it is."""
        cdef Tuple *entry = &self.tuples[self.bindings[index].tuple]
        cdef int32_t *link = &entry.newest
        while link[0] >= 0 and link[0] != index:
            link = &self.bindings[link[0]].older
        if link[0] == index:
            link[0] = self.bindings[index].older
        if entry.newest < 0:
            self._remove_tuple(self.bindings[index].tuple)
        if self.bindings[index].is_peer:
            self._leave_peers(index)
        self.bindings[index].older = self.binding_free
        self.binding_free = index

    cdef void _join_peers(self, int32_t index) noexcept nogil:
        cdef Binding *binding = &self.bindings[index]
        binding.is_peer = True
        binding.peer_before = self.newest_peer
        binding.peer_after = -1
        if self.newest_peer < 0:
            self.oldest_peer = index
        else:
            self.bindings[self.newest_peer].peer_after = index
        self.newest_peer = index
        self.peer_count += 1

    cdef void _leave_peers(self, int32_t index) noexcept nogil:
        cdef Binding *binding = &self.bindings[index]
        if binding.peer_before >= 0:
            self.bindings[binding.peer_before].peer_after = binding.peer_after
        else:
            self.oldest_peer = binding.peer_after
        if binding.peer_after >= 0:
            self.bindings[binding.peer_after].peer_before = binding.peer_before
        else:
            self.newest_peer = binding.peer_before
        self.peer_count -= 1

    cdef void _expire_peers(self) noexcept nogil:
        """Forget the peers that were met first and not asked for since. Those that waiting packets may need stay."""
        cdef Binding *binding
        cdef int32_t index, asked = 0
        while self.peer_count > PEERS_KEPT:
            index = self.oldest_peer
            binding = &self.bindings[index]
            if binding.bound_ns >= self.resolved_ns or asked > PEERS_KEPT:
                return
            if self.tuples[binding.tuple].asked:
                self.tuples[binding.tuple].asked = False
                asked += 1
                self._leave_peers(index)
                self._join_peers(index)
                continue
            if binding.sibling_before >= 0:
                self.bindings[binding.sibling_before].sibling = binding.sibling
            else:
                self.sockets[binding.socket].first_binding = binding.sibling
            if binding.sibling >= 0:
                self.bindings[binding.sibling].sibling_before = binding.sibling_before
            self._unbind(index)

    cdef void _remove_cookie(self, int32_t index) noexcept nogil:
        cdef uint32_t mask = self.cookie_slot_mask
        cdef uint32_t slot = <uint32_t> mix(self.sockets[index].cookie) & mask
        cdef uint32_t hole, home
        while self.cookie_slots[slot] != index:
            if self.cookie_slots[slot] < 0:
                return
            slot = (slot + 1) & mask
        hole = slot
        while True:
            slot = (slot + 1) & mask
            if self.cookie_slots[slot] < 0:
                break
            home = <uint32_t> mix(self.sockets[self.cookie_slots[slot]].cookie) & mask
            if ((slot - home) & mask) >= ((slot - hole) & mask):
                self.cookie_slots[hole] = self.cookie_slots[slot]
                hole = slot
        self.cookie_slots[hole] = -1
        self.cookie_slots_used -= 1

    cdef int bind(self, int32_t socket_index, const TupleKey *key, int64_t bound_ns) except -1 nogil:
        """From this moment on the tuple is this socket's. Of a connection a second time changes nothing."""
        cdef int32_t tuple_index = self._make_tuple(key)
        cdef int32_t index, room
        cdef int32_t *link
        cdef Binding *binding
        cdef Binding *grown
        index = self._bound_before(&self.tuples[tuple_index], socket_index, bound_ns)
        if index != -1:
            self.tuples[tuple_index].asked = True
            if index >= 0:
                self._insert(index, &self.tuples[tuple_index], bound_ns)
            return 0
        if self.binding_free >= 0:
            index = self.binding_free
            self.binding_free = self.bindings[index].older
        else:
            if self.binding_count == self.binding_room:
                room = 2 * self.binding_room if self.binding_room else 1024
                grown = <Binding *> PyMem_RawRealloc(self.bindings, room * sizeof(Binding))
                if grown == NULL:
                    with gil:
                        raise MemoryError
                self.bindings = grown
                self.binding_room = room
            index = self.binding_count
            self.binding_count += 1
        binding = &self.bindings[index]
        binding.socket = socket_index
        binding.tuple = tuple_index
        binding.sibling_before = -1
        binding.sibling = self.sockets[socket_index].first_binding
        if binding.sibling >= 0:
            self.bindings[binding.sibling].sibling_before = index
        self.sockets[socket_index].first_binding = index
        binding.is_peer = False
        if key.protocol != TCP and key.remote_port:
            self._join_peers(index)
        self._insert(index, &self.tuples[tuple_index], bound_ns)
        return 0

    cdef void _insert(self, int32_t index, Tuple *entry, int64_t bound_ns) noexcept nogil:
        """Into its place by time, latest first."""
        cdef int32_t *link = &entry.newest
        while link[0] >= 0 and self.bindings[link[0]].bound_ns > bound_ns:
            link = &self.bindings[link[0]].older
        self.bindings[index].bound_ns = bound_ns
        self.bindings[index].older = link[0]
        link[0] = index

    cdef int32_t _bound_before(self, Tuple *entry, int32_t socket_index, int64_t bound_ns) noexcept nogil:
        """A binding of this socket, taken out of the chain since no packet needs it; ALREADY_BOUND where nothing changes, else -1.

        A peer of datagrams may come back to a socket it had met before: a port with several sockets. A connection never does.
        """
        cdef int32_t *link = &entry.newest
        cdef int32_t index
        cdef bint returns = entry.key.protocol != TCP and entry.key.remote_port != 0
        cdef bint resolved = False
        while link[0] >= 0:
            index = link[0]
            if self.bindings[index].socket == socket_index:
                if not returns or index == entry.newest or self.bindings[index].bound_ns > bound_ns:
                    return ALREADY_BOUND
                if resolved:
                    link[0] = self.bindings[index].older
                    return index
            if self.bindings[index].bound_ns < self.resolved_ns:
                resolved = True  # this one answers for packets to come until a newer one does; older ones only when it closes
            link = &self.bindings[index].older
        return -1

    cdef int32_t find_tuple(self, const TupleKey *key) noexcept nogil:
        cdef uint64_t hashed = hash_words(key, sizeof(TupleKey) // 8)
        cdef uint32_t slot = <uint32_t> hashed & self.tuple_slot_mask
        cdef int32_t index
        while self.tuple_slots[slot] >= 0:
            index = self.tuple_slots[slot]
            if self.tuples[index].hash == hashed and memcmp(&self.tuples[index].key, key, sizeof(TupleKey)) == 0:
                return index
            slot = (slot + 1) & self.tuple_slot_mask
        return -1

    cdef int32_t _make_tuple(self, const TupleKey *key) except -2 nogil:
        cdef int32_t index = self.find_tuple(key), room
        cdef uint32_t slot, i, mask
        cdef int32_t *slots
        cdef Tuple *grown
        if index >= 0:
            return index
        if self.tuple_free >= 0:
            index = self.tuple_free
            self.tuple_free = self.tuples[index].newest
        else:
            if self.tuple_count == self.tuple_room:
                room = 2 * self.tuple_room if self.tuple_room else 1024
                grown = <Tuple *> PyMem_RawRealloc(self.tuples, room * sizeof(Tuple))
                if grown == NULL:
                    with gil:
                        raise MemoryError
                self.tuples = grown
                self.tuple_room = room
            index = self.tuple_count
            self.tuple_count += 1
        memset(&self.tuples[index], 0, sizeof(Tuple))
        self.tuples[index].key = key[0]
        self.tuples[index].hash = hash_words(key, sizeof(TupleKey) // 8)
        self.tuples[index].newest = -1
        self.tuple_slots_used += 1
        if self.tuple_slots_used * 2 > self.tuple_slot_mask:
            mask = 2 * (self.tuple_slot_mask + 1) - 1
            slots = empty_slots(mask + 1)
            if slots == NULL:
                with gil:
                    raise MemoryError
            for i in range(self.tuple_slot_mask + 1):
                if self.tuple_slots[i] >= 0:
                    slot = <uint32_t> self.tuples[self.tuple_slots[i]].hash & mask
                    while slots[slot] >= 0:
                        slot = (slot + 1) & mask
                    slots[slot] = self.tuple_slots[i]
            PyMem_RawFree(self.tuple_slots)
            self.tuple_slots = slots
            self.tuple_slot_mask = mask
        slot = <uint32_t> self.tuples[index].hash & self.tuple_slot_mask
        while self.tuple_slots[slot] >= 0:
            slot = (slot + 1) & self.tuple_slot_mask
        self.tuple_slots[slot] = index
        return index

    cdef void _remove_tuple(self, int32_t index) noexcept nogil:
        cdef uint32_t mask = self.tuple_slot_mask
        cdef uint32_t slot = <uint32_t> self.tuples[index].hash & mask
        cdef uint32_t hole, home
        while self.tuple_slots[slot] != index:
            if self.tuple_slots[slot] < 0:
                return
            slot = (slot + 1) & mask
        hole = slot
        while True:
            slot = (slot + 1) & mask
            if self.tuple_slots[slot] < 0:
                break
            home = <uint32_t> self.tuples[self.tuple_slots[slot]].hash & mask
            if ((slot - home) & mask) >= ((slot - hole) & mask):
                self.tuple_slots[hole] = self.tuple_slots[slot]
                hole = slot
        self.tuple_slots[hole] = -1
        self.tuple_slots_used -= 1
        self.tuples[index].newest = self.tuple_free
        self.tuple_free = index

# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: include_dirs = probe
"""The ledger of sockets: who owned which end when.

Four tables of plain structs, addressed by index and found by open addressing:

    sockets     one per cookie: two lanes (writer, reader), each a first owner and its changes
    tuples      one per (protocol, addresses, ports) as seen from one end: a chain of bindings, latest first
    bindings    this tuple belonged to this socket from this moment on
    processes   interned identities; the list only grows, indexes are handed out to Python once

All times inside are wall-clock ns (CLOCK_REALTIME), so that they compare with packet time stamps. Packets must be resolved in time order: the
ledger remembers the last SYN of a tuple to tell one connection from the next on the same addresses.

This file does not read clocks, files or packets' bytes.
"""

from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc
from libc.string cimport memcmp, memcpy, memset

from pcapdig.attribution._events cimport *
from pcapdig.packets._headers cimport PacketHeaders

cdef enum:
    LANE_WRITER = 0
    LANE_READER = 1
    SCOPE_OWN = 0
    SCOPE_FOREIGN = 1
    TCP = 6
    ICMP = 1
    ICMPV6 = 58
    TCP_SYN = 0x02
    TCP_RST = 0x04
    TCP_ACK = 0x10

# A SYN's binding is announced before the packet is captured, but the two clocks are joined with an error well below this.
cdef int64_t CLOCK_SLACK_NS = 20000
# After this long a closed socket owes no more packets (RFC 9293 time-wait on Linux: 60 s).
cdef int64_t CLOSED_KEPT_NS = 60000000000
cdef int64_t CLOSED_KEPT_LEAST_NS = 2000000000
cdef uint32_t CLOSED_KEPT_MOST = 1 << 18
# Comparing sequence numbers is meaningful within 2^31; a change is settled half way there.
cdef int32_t SETTLED_DISTANCE = 1 << 30
# Changes of one socket kept apart; older ones are folded into the lane's first owner.
cdef uint32_t CHANGES_KEPT = 64
# Fragments of one datagram are sent back to back; an identification may return later (RFC 6864).
cdef int64_t FRAGMENT_KEPT_NS = 1000000000
cdef uint32_t DATAGRAMS = 1024


cdef inline uint64_t _mix(uint64_t value) noexcept nogil:
    value ^= value >> 32
    value *= <uint64_t> 0xd6e8feb86659fd93ULL
    value ^= value >> 32
    value *= <uint64_t> 0xd6e8feb86659fd93ULL
    return value ^ (value >> 32)


cdef inline uint64_t _hash_words(const void *data, int words) noexcept nogil:
    cdef const uint64_t *word = <const uint64_t *> data
    cdef uint64_t value = 0x9e3779b97f4a7c15ULL
    cdef int i
    for i in range(words):
        value = _mix(value ^ word[i])
    return value


cdef inline bint _is_zero(const uint8_t *address) noexcept nogil:
    """The wildcard of either family (:: or ::ffff:0.0.0.0)."""
    cdef int i
    for i in range(10):
        if address[i]:
            return False
    return address[12] == 0 and address[13] == 0 and address[14] == 0 and address[15] == 0


cdef inline bint _is_mapped(const uint8_t *address) noexcept nogil:
    cdef int i
    for i in range(10):
        if address[i]:
            return False
    return address[10] == 0xff and address[11] == 0xff


cdef inline bint _is_group(const uint8_t *address) noexcept nogil:
    """Multicast, or the IPv4 limited broadcast address."""
    if _is_mapped(address):
        return (address[12] & 0xf0) == 0xe0 or (
            address[12] == 255 and address[13] == 255 and address[14] == 255 and address[15] == 255)
    return address[0] == 0xff


cdef Owner _owner_at(const Socket *socket, int lane, int64_t time_ns, bint tcp, uint32_t seq, uint32_t length) noexcept nogil:
    """The owner of a lane for a packet: for TCP by sequence number where the change says one, else by time."""
    cdef Owner owner = socket.base[lane]
    cdef Change *change = socket.changes
    cdef int32_t distance
    cdef bint applies
    while change != NULL:
        if change.lane == lane:
            if tcp and change.has_seq and not change.settled:
                distance = <int32_t> (seq - change.seq)
                applies = distance > 0 or (distance == 0 and (length > 0 or change.from_ns <= time_ns))
                if distance > SETTLED_DISTANCE:
                    change.settled = 1
            elif change.settled:
                applies = True
            elif lane == LANE_READER:
                applies = time_ns > change.from_ns
            else:
                applies = time_ns >= change.from_ns
            if applies:
                owner = change.owner
        change = change.next
    return owner


cdef class Ledger:
    """Events in, owners of packet ends out.

    Args:
        own_netns: inode number of the recorder's network namespace; events of others are matched only for packets that are not loopback's.
        complete: whether the tracer tells of every socket, so that an end without any socket belongs to the kernel.
    """

    def __cinit__(self, own_netns: int = 0, complete: bool = True):
        self.own_netns = own_netns
        self.complete = complete
        self.socket_free = self.binding_free = self.tuple_free = -1
        self.tuple_slot_mask = self.cookie_slot_mask = self.process_slot_mask = 1023
        self.closed_mask = 1023
        self.tuple_slots = _empty_slots(1024)
        self.cookie_slots = _empty_slots(1024)
        self.process_slots = _empty_slots(1024)
        self.closed_queue = _empty_slots(1024)
        self.datagrams = <Datagram *> PyMem_RawCalloc(DATAGRAMS, sizeof(Datagram))
        if not (self.tuple_slots and self.cookie_slots and self.process_slots and self.closed_queue and self.datagrams):
            raise MemoryError

    def __dealloc__(self):
        cdef int32_t i
        for i in range(self.socket_count):
            _free_changes(&self.sockets[i])
        PyMem_RawFree(self.sockets)
        PyMem_RawFree(self.bindings)
        PyMem_RawFree(self.tuples)
        PyMem_RawFree(self.processes)
        PyMem_RawFree(self.tuple_slots)
        PyMem_RawFree(self.cookie_slots)
        PyMem_RawFree(self.process_slots)
        PyMem_RawFree(self.closed_queue)
        PyMem_RawFree(self.addresses)
        PyMem_RawFree(self.datagrams)

    # -- Python face -------------------------------------------------------------------------------------------------

    def set_addresses(self, addresses: list[bytes]) -> None:
        """The addresses of this machine in the recorder's namespace, 16 bytes each, IPv4 as ::ffff:a.b.c.d."""
        cdef uint8_t *table = <uint8_t *> PyMem_RawMalloc(16 * max(1, len(addresses)))
        if table == NULL:
            raise MemoryError
        for i, address in enumerate(addresses):
            if len(address) != 16:
                PyMem_RawFree(table)
                raise ValueError(f"address of {len(address)} bytes; 16 expected")
            memcpy(table + 16 * <Py_ssize_t> i, <const char *> address, 16)
        PyMem_RawFree(self.addresses)
        self.addresses = table
        self.address_count = len(addresses)

    def apply(self, events: bytes, boot_offset_ns: int) -> int:
        """Take in packed socket events (probe/events.h); returns how many. Wall time = event time + boot_offset_ns.

        Raises:
            ValueError: an event is cut, of another version, or not a socket event.
        """
        cdef const uint8_t *data = events
        cdef Py_ssize_t size = len(events), at = 0
        cdef int64_t offset = boot_offset_ns
        cdef socket_event event
        count = 0
        while at < size:
            if size - at < <Py_ssize_t> sizeof(socket_event):
                raise ValueError(f"socket event at byte {at} is cut: {size - at} of {sizeof(socket_event)} bytes")
            memcpy(&event, data + at, sizeof(socket_event))
            if event.head.version != PCAPDIG_EVENTS_VERSION or event.head.size != sizeof(socket_event) or not (
                    SOCKET_BOUND <= event.head.kind <= SOCKET_CLOSED):
                raise ValueError(f"not a socket event of version {PCAPDIG_EVENTS_VERSION} at byte {at}")
            self.apply_event(&event, offset)
            at += sizeof(socket_event)
            count += 1
        return count

    def owners(self, *, protocol: int, source: bytes, source_port: int, destination: bytes, destination_port: int, time_ns: int,
               tcp_flags: int = TCP_ACK, seq: int = 0, payload_length: int = 0, loopback: bool = True, ip_id: int = 0,
               later_fragment: bool = False):
        """Resolve one packet: ((process, tid, evidence, state), the same of the receiver). Process is an index or -1."""
        cdef PacketHeaders headers
        cdef End sender, receiver
        if len(source) != 16 or len(destination) != 16:
            raise ValueError("addresses are 16 bytes")
        memset(&headers, 0, sizeof(headers))
        headers.has_network = True
        headers.has_ports = not later_fragment and (protocol in (TCP, 17) or source_port != 0 or destination_port != 0)
        headers.is_fragment = later_fragment
        headers.ip_id = ip_id
        headers.family = 4 if source[:12] == b"\0" * 10 + b"\xff\xff" else 6
        headers.protocol = protocol
        headers.tcp_flags = tcp_flags
        headers.seq = seq
        headers.payload_length = payload_length
        headers.source_port = source_port
        headers.destination_port = destination_port
        memcpy(headers.source, <const char *> source, 16)
        memcpy(headers.destination, <const char *> destination, 16)
        self.resolve(&headers, time_ns, loopback, &sender, &receiver)
        return ((sender.process, sender.tid, sender.evidence, sender.state),
                (receiver.process, receiver.tid, receiver.evidence, receiver.state))

    def process(self, index: int) -> dict[str, object]:
        """The identity behind an index: tgid, start_boot_ns, exec_id, uid, comm (bytes without NUL)."""
        if not 0 <= index < self.process_count:
            raise IndexError(index)
        cdef ProcessKey *key = &self.processes[index]
        comm = key.comm[:16]
        return {"tgid": key.tgid, "start_boot_ns": key.start_boot_ns, "exec_id": key.exec_id, "uid": key.uid,
                "comm": comm.split(b"\0", 1)[0]}

    def forget_before(self, now_ns: int) -> None:
        """Drop what closed so long before now_ns that no packet can belong to it."""
        self.expire(now_ns)

    @property
    def sizes(self) -> dict[str, int]:
        """Entries in use, for statistics and tests."""
        return {"sockets": self.cookie_slots_used, "tuples": self.tuple_slots_used, "processes": self.process_count}

    # -- events ------------------------------------------------------------------------------------------------------

    cdef int apply_event(self, const socket_event *event, int64_t boot_offset_ns) except -1 nogil:
        cdef int64_t time_ns = <int64_t> event.head.time_ns
        cdef int64_t from_ns
        cdef int32_t index, process
        cdef Socket *socket
        cdef Owner owner
        cdef TupleKey key
        cdef int kind = event.head.kind
        if not event.flags & EVENT_WALL_CLOCK:
            time_ns += boot_offset_ns
        index = self._socket_of(event, kind != SOCKET_CLOSED)
        if index < 0:
            return 0
        if kind == SOCKET_CLOSED:
            self._close(index, time_ns)
            return 0
        self._bind_event(index, event, time_ns)
        if not event.flags & EVENT_HAS_PROCESS:
            return 0
        process = self._process_index(event)
        socket = &self.sockets[index]
        owner.process = process
        owner.tid = event.process.tid
        owner.evidence = event.evidence if event.evidence else EVIDENCE_SOCKET
        if socket.base[0].process < 0:
            socket.base[0] = owner
            socket.base[1] = owner
        elif kind == SOCKET_WRITER:
            self._change_owner(socket, LANE_WRITER, owner, time_ns, event)
        elif kind == SOCKET_READER:
            from_ns = <int64_t> event.previous_ns + boot_offset_ns if event.previous_ns else 0
            self._change_owner(socket, LANE_READER, owner, from_ns, event)
        elif kind == SOCKET_LISTENING or owner.evidence == EVIDENCE_PROCFS:
            self._change_owner(socket, LANE_WRITER, owner, time_ns, event)
            self._change_owner(socket, LANE_READER, owner, time_ns, event)
        return 0

    cdef int _bind_event(self, int32_t index, const socket_event *event, int64_t time_ns) except -1 nogil:
        cdef TupleKey key
        if event.local_port == 0 and event.protocol in (TCP, 17):
            return 0
        memset(&key, 0, sizeof(key))
        memcpy(key.local_addr, event.local_addr, 16)
        key.local_port = event.local_port
        key.protocol = event.protocol
        key.scope = SCOPE_OWN if event.netns == 0 or event.netns == self.own_netns else SCOPE_FOREIGN
        if event.head.kind == SOCKET_LISTENING:
            return self._bind(index, &key, time_ns)
        if event.remote_port == 0 and event.protocol == TCP:
            return 0
        if event.protocol != TCP and key.scope == SCOPE_OWN:
            self._bind(index, &key, time_ns)
        if event.remote_port != 0 or not _is_zero(event.remote_addr):
            memcpy(key.remote_addr, event.remote_addr, 16)
            key.remote_port = event.remote_port
            return self._bind(index, &key, time_ns)
        return 0

    cdef void _change_owner(self, Socket *socket, int lane, Owner owner, int64_t from_ns, const socket_event *event) noexcept nogil:
        cdef Change *change
        cdef Change **end = &socket.changes
        cdef Change *folded
        if socket.change_count >= CHANGES_KEPT:
            folded = socket.changes
            socket.base[folded.lane] = folded.owner
            socket.changes = folded.next
            socket.change_count -= 1
            PyMem_RawFree(folded)
        change = <Change *> PyMem_RawMalloc(sizeof(Change))
        if change == NULL:
            self.out_of_memory = True
            return
        change.owner = owner
        change.from_ns = from_ns
        change.seq = event.seq
        change.lane = lane
        change.has_seq = (event.flags & EVENT_HAS_SEQ) != 0
        change.settled = 0
        change.next = NULL
        end = &socket.changes
        while end[0] != NULL:
            end = &end[0].next
        end[0] = change
        socket.change_count += 1

    cdef int _close(self, int32_t index, int64_t time_ns) except -1 nogil:
        cdef Socket *socket = &self.sockets[index]
        cdef int32_t *larger
        cdef uint32_t i, used = self.closed_tail - self.closed_head
        if socket.closed_ns:
            return 0
        socket.closed_ns = time_ns
        if used > self.closed_mask:
            larger = _empty_slots(2 * (self.closed_mask + 1))
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
            self._forget_socket(index)

    # -- packets -----------------------------------------------------------------------------------------------------

    cdef void resolve(self, const PacketHeaders *headers, int64_t time_ns, bint loopback, End *sender, End *receiver) noexcept nogil:
        if headers.has_ports and headers.protocol == TCP and (headers.tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN:
            self._note_syn(headers, time_ns, loopback)
        if headers.is_fragment and self._later_fragment(headers, time_ns, sender, receiver):
            return
        self._end(headers, time_ns, loopback, LANE_WRITER, sender)
        self._end(headers, time_ns, loopback, LANE_READER, receiver)
        if headers.has_ports and headers.ip_id and headers.protocol != TCP:
            self._note_datagram(headers, time_ns, sender, receiver)

    cdef bint _later_fragment(self, const PacketHeaders *headers, int64_t time_ns, End *sender, End *receiver) noexcept nogil:
        """A fragment without ports belongs to whom its datagram's first fragment belonged."""
        cdef Datagram *first = &self.datagrams[headers.ip_id % DATAGRAMS]
        if (first.ip_id != headers.ip_id or first.protocol != headers.protocol or time_ns - first.time_ns > FRAGMENT_KEPT_NS
                or memcmp(first.source, headers.source, 16) != 0 or memcmp(first.destination, headers.destination, 16) != 0):
            return False
        sender[0] = first.sender
        receiver[0] = first.receiver
        return True

    cdef void _note_datagram(self, const PacketHeaders *headers, int64_t time_ns, const End *sender, const End *receiver) noexcept nogil:
        cdef Datagram *first = &self.datagrams[headers.ip_id % DATAGRAMS]
        memcpy(first.source, headers.source, 16)
        memcpy(first.destination, headers.destination, 16)
        first.time_ns = time_ns
        first.sender = sender[0]
        first.receiver = receiver[0]
        first.ip_id = headers.ip_id
        first.protocol = headers.protocol

    cdef void _end(self, const PacketHeaders *headers, int64_t time_ns, bint loopback, int lane, End *out) noexcept nogil:
        cdef TupleKey key
        cdef int32_t found, socket_index = -1
        cdef bint tcp = headers.protocol == TCP
        cdef bint local
        cdef const uint8_t *address = <const uint8_t *> headers.source if lane == LANE_WRITER else <const uint8_t *> headers.destination
        cdef Owner owner
        out.process = -1
        out.tid = 0
        out.evidence = EVIDENCE_NONE
        out.state = END_REMOTE
        if not headers.has_network:
            return
        local = loopback or self._is_local(address)
        if not headers.has_ports:
            if local:
                out.state = END_KERNEL if headers.protocol in (ICMP, ICMPV6, 2) else END_UNKNOWN
            return
        memset(&key, 0, sizeof(key))
        memcpy(key.local_addr, address, 16)
        key.protocol = headers.protocol
        if lane == LANE_WRITER:
            memcpy(key.remote_addr, headers.destination, 16)
            key.local_port = headers.source_port
            key.remote_port = headers.destination_port
        else:
            memcpy(key.remote_addr, headers.source, 16)
            key.local_port = headers.destination_port
            key.remote_port = headers.source_port
        found = self._tuple_find(&key)
        if found >= 0:
            socket_index = self._choose(&self.tuples[found], time_ns, tcp)
        if socket_index < 0 and not loopback:
            key.scope = SCOPE_FOREIGN
            found = self._tuple_find(&key)
            if found >= 0:
                socket_index = self._choose(&self.tuples[found], time_ns, tcp)
                if socket_index >= 0 and not self._one_namespace(&self.tuples[found]):
                    out.state = END_UNKNOWN
                    return
            key.scope = SCOPE_OWN
        if socket_index >= 0:
            owner = _owner_at(&self.sockets[socket_index], lane, time_ns, tcp, headers.seq, headers.payload_length)
            if owner.process >= 0:
                out.process = owner.process
                out.tid = owner.tid
                out.evidence = owner.evidence
                out.state = END_NAMED
                return
        if not local and socket_index < 0:
            return
        self._end_without_owner(&key, headers, time_ns, lane, socket_index, out)

    cdef void _end_without_owner(self, TupleKey *key, const PacketHeaders *headers, int64_t time_ns, int lane, int32_t socket_index,
                                 End *out) noexcept nogil:
        """No process is known for this tuple: the port's only holder, the listener, the kernel, or unknown."""
        cdef bint tcp = headers.protocol == TCP
        cdef bint handshake = (headers.tcp_flags & TCP_SYN) != 0
        cdef bint initiator = handshake and not headers.tcp_flags & TCP_ACK
        cdef int32_t shared = -1
        cdef Owner owner
        out.state = END_UNKNOWN
        if tcp and socket_index < 0:
            if headers.tcp_flags & TCP_RST and lane == LANE_WRITER:
                out.state = END_KERNEL if self.complete else END_UNKNOWN
                return
            # only the listening end of a handshake may be without a socket of its own: it receives SYN and sends SYN+ACK
            if not handshake or (initiator == (lane == LANE_WRITER)):
                return
        memset(key.remote_addr, 0, 16)
        key.remote_port = 0
        shared = self._choose_shared(key, time_ns)
        if shared < 0:
            if shared == -1 and self.complete and socket_index < 0 and (
                    lane == LANE_READER or headers.protocol in (ICMP, ICMPV6)):
                out.state = END_KERNEL
            return
        owner = _owner_at(&self.sockets[shared], lane, time_ns, False, 0, 0)
        if owner.process < 0:
            return
        out.process = owner.process
        out.tid = owner.tid
        out.evidence = EVIDENCE_LISTENER if tcp else owner.evidence
        out.state = END_NAMED

    cdef int32_t _choose(self, Tuple *entry, int64_t time_ns, bint tcp) noexcept nogil:
        """The socket this tuple belonged to at that time, or -1."""
        cdef int32_t i = entry.newest, after = -1
        cdef Binding *binding
        cdef Socket *socket
        cdef int64_t since = 0
        cdef bint passive = False
        if tcp:
            passive = entry.syn_in_ns > entry.syn_out_ns
            since = entry.syn_in_ns if passive else entry.syn_out_ns
        while i >= 0:
            binding = &self.bindings[i]
            socket = &self.sockets[binding.socket]
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
            elif binding.bound_ns > time_ns + (0 if tcp else 1000):
                after = binding.socket
            elif tcp or not socket.closed_ns or socket.closed_ns >= time_ns:
                return binding.socket
            else:
                return after
            i = binding.older
        return after

    cdef int32_t _choose_shared(self, const TupleKey *wanted, int64_t time_ns) noexcept nogil:
        """The socket bound to the local address and port, else to the port on a wildcard address. -1: none, -2: holders differ."""
        cdef TupleKey key = wanted[0]
        cdef int32_t found
        cdef int attempt
        for attempt in range(3):
            if attempt == 1:
                if not _is_mapped(wanted.local_addr):
                    continue
                memset(&key.local_addr[12], 0, 4)
            elif attempt == 2:
                memset(key.local_addr, 0, 16)
            found = self._tuple_find(&key)
            if found >= 0:
                found = self._only_owner(&self.tuples[found], time_ns)
                if found != -1:
                    return found
        return -1

    cdef int32_t _only_owner(self, Tuple *entry, int64_t time_ns) noexcept nogil:
        """The latest socket open at that time, if all that are have one owner; -1 none, -2 several owners."""
        cdef int32_t i = entry.newest, found = -1
        cdef Binding *binding
        cdef Socket *socket
        while i >= 0:
            binding = &self.bindings[i]
            socket = &self.sockets[binding.socket]
            if not socket.closed_ns or socket.closed_ns >= time_ns:
                if found < 0:
                    found = binding.socket
                elif self.sockets[found].base[0].process != socket.base[0].process:
                    return -2
            i = binding.older
        return found

    cdef bint _one_namespace(self, Tuple *entry) noexcept nogil:
        cdef int32_t i = entry.newest
        cdef uint32_t netns = self.sockets[self.bindings[i].socket].netns
        while i >= 0:
            if self.sockets[self.bindings[i].socket].netns != netns:
                return False
            i = self.bindings[i].older
        return True

    cdef void _note_syn(self, const PacketHeaders *headers, int64_t time_ns, bint loopback) noexcept nogil:
        """Remember on both ends' tuples that a new connection begins here; a retransmitted SYN begins nothing."""
        cdef TupleKey key
        cdef int32_t found
        cdef Tuple *entry
        cdef int lane, scope
        for lane in range(2):
            memset(&key, 0, sizeof(key))
            key.protocol = TCP
            memcpy(key.local_addr, <const uint8_t *> headers.source if lane == LANE_WRITER else <const uint8_t *> headers.destination, 16)
            memcpy(key.remote_addr, <const uint8_t *> headers.destination if lane == LANE_WRITER else <const uint8_t *> headers.source, 16)
            key.local_port = headers.source_port if lane == LANE_WRITER else headers.destination_port
            key.remote_port = headers.destination_port if lane == LANE_WRITER else headers.source_port
            for scope in range(1 if loopback else 2):
                key.scope = scope
                found = self._tuple_find(&key)
                if found < 0:
                    continue
                entry = &self.tuples[found]
                if lane == LANE_WRITER:
                    if not entry.syn_out_ns or entry.syn_out_seq != headers.seq:
                        entry.syn_out_ns = time_ns
                        entry.syn_out_seq = headers.seq
                elif not entry.syn_in_ns or entry.syn_in_seq != headers.seq:
                    entry.syn_in_ns = time_ns
                    entry.syn_in_seq = headers.seq

    cdef bint _is_local(self, const uint8_t *address) noexcept nogil:
        cdef int32_t i
        for i in range(self.address_count):
            if memcmp(self.addresses + 16 * i, address, 16) == 0:
                return True
        return _is_mapped(address) and address[12] == 127

    # -- tables ------------------------------------------------------------------------------------------------------

    cdef int32_t _process_index(self, const socket_event *event) except -2 nogil:
        cdef ProcessKey key
        cdef uint32_t slot
        cdef int32_t index, i
        cdef int32_t *slots
        cdef ProcessKey *grown
        memset(&key, 0, sizeof(key))
        key.start_boot_ns = event.process.start_boot_ns
        key.tgid = event.process.tgid
        key.exec_id = event.process.exec_id
        key.uid = event.process.uid
        memcpy(key.comm, event.process.comm, 16)
        slot = <uint32_t> _hash_words(&key, sizeof(key) // 8) & self.process_slot_mask
        while self.process_slots[slot] >= 0:
            index = self.process_slots[slot]
            if memcmp(&self.processes[index], &key, sizeof(key)) == 0:
                return index
            slot = (slot + 1) & self.process_slot_mask
        if self.process_count == self.process_room:
            i = 2 * self.process_room if self.process_room else 256
            grown = <ProcessKey *> PyMem_RawRealloc(self.processes, i * sizeof(ProcessKey))
            if grown == NULL:
                with gil:
                    raise MemoryError
            self.processes = grown
            self.process_room = i
        self.processes[self.process_count] = key
        self.process_slots[slot] = self.process_count
        self.process_count += 1
        if <uint32_t> self.process_count * 2 > self.process_slot_mask:
            slots = _empty_slots(2 * (self.process_slot_mask + 1))
            if slots == NULL:
                with gil:
                    raise MemoryError
            PyMem_RawFree(self.process_slots)
            self.process_slots = slots
            self.process_slot_mask = 2 * (self.process_slot_mask + 1) - 1
            for i in range(self.process_count):
                slot = <uint32_t> _hash_words(&self.processes[i], sizeof(ProcessKey) // 8) & self.process_slot_mask
                while slots[slot] >= 0:
                    slot = (slot + 1) & self.process_slot_mask
                slots[slot] = i
        return self.process_count - 1

    cdef int32_t _socket_of(self, const socket_event *event, bint create) except -2 nogil:
        cdef uint32_t slot = <uint32_t> _mix(event.cookie) & self.cookie_slot_mask
        cdef int32_t index, room, i
        cdef Socket *socket
        cdef Socket *grown
        cdef int32_t *slots
        while self.cookie_slots[slot] >= 0:
            index = self.cookie_slots[slot]
            if self.sockets[index].cookie == event.cookie:
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
        socket.cookie = event.cookie
        socket.base[0].process = socket.base[1].process = -1
        socket.first_binding = -1
        socket.netns = event.netns
        socket.protocol = event.protocol
        socket.in_use = 1
        self.cookie_slots[slot] = index
        self.cookie_slots_used += 1
        if self.cookie_slots_used * 2 > self.cookie_slot_mask:
            slots = _empty_slots(2 * (self.cookie_slot_mask + 1))
            if slots == NULL:
                with gil:
                    raise MemoryError
            PyMem_RawFree(self.cookie_slots)
            self.cookie_slots = slots
            self.cookie_slot_mask = 2 * (self.cookie_slot_mask + 1) - 1
            for i in range(self.socket_count):
                if self.sockets[i].in_use:
                    slot = <uint32_t> _mix(self.sockets[i].cookie) & self.cookie_slot_mask
                    while slots[slot] >= 0:
                        slot = (slot + 1) & self.cookie_slot_mask
                    slots[slot] = i
        return index

    cdef void _forget_socket(self, int32_t index) noexcept nogil:
        cdef Socket *socket = &self.sockets[index]
        cdef int32_t i = socket.first_binding, after
        cdef int32_t *link
        cdef Tuple *entry
        while i >= 0:
            after = self.bindings[i].sibling
            entry = &self.tuples[self.bindings[i].tuple]
            link = &entry.newest
            while link[0] >= 0 and link[0] != i:
                link = &self.bindings[link[0]].older
            if link[0] == i:
                link[0] = self.bindings[i].older
            if entry.newest < 0:
                self._tuple_remove(self.bindings[i].tuple)
            self.bindings[i].older = self.binding_free
            self.binding_free = i
            i = after
        _free_changes(socket)
        self._cookie_remove(index)
        socket.in_use = 0
        socket.first_binding = self.socket_free
        self.socket_free = index

    cdef void _cookie_remove(self, int32_t index) noexcept nogil:
        cdef uint32_t mask = self.cookie_slot_mask
        cdef uint32_t slot = <uint32_t> _mix(self.sockets[index].cookie) & mask
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
            home = <uint32_t> _mix(self.sockets[self.cookie_slots[slot]].cookie) & mask
            if ((slot - home) & mask) >= ((slot - hole) & mask):
                self.cookie_slots[hole] = self.cookie_slots[slot]
                hole = slot
        self.cookie_slots[hole] = -1
        self.cookie_slots_used -= 1

    cdef int _bind(self, int32_t socket_index, const TupleKey *key, int64_t bound_ns) except -1 nogil:
        cdef int32_t tuple_index = self._tuple_make(key)
        cdef int32_t index, room
        cdef int32_t *link
        cdef Binding *binding
        cdef Binding *grown
        index = self.tuples[tuple_index].newest
        while index >= 0:
            if self.bindings[index].socket == socket_index:
                return 0
            index = self.bindings[index].older
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
        link = &self.tuples[tuple_index].newest
        while link[0] >= 0 and self.bindings[link[0]].bound_ns > bound_ns:
            link = &self.bindings[link[0]].older
        binding = &self.bindings[index]
        binding.bound_ns = bound_ns
        binding.socket = socket_index
        binding.tuple = tuple_index
        binding.older = link[0]
        binding.sibling = self.sockets[socket_index].first_binding
        self.sockets[socket_index].first_binding = index
        link[0] = index
        return 0

    cdef int32_t _tuple_find(self, const TupleKey *key) noexcept nogil:
        cdef uint64_t hashed = _hash_words(key, sizeof(TupleKey) // 8)
        cdef uint32_t slot = <uint32_t> hashed & self.tuple_slot_mask
        cdef int32_t index
        while self.tuple_slots[slot] >= 0:
            index = self.tuple_slots[slot]
            if self.tuples[index].hash == hashed and memcmp(&self.tuples[index].key, key, sizeof(TupleKey)) == 0:
                return index
            slot = (slot + 1) & self.tuple_slot_mask
        return -1

    cdef int32_t _tuple_make(self, const TupleKey *key) except -2 nogil:
        cdef int32_t index = self._tuple_find(key), room
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
        self.tuples[index].hash = _hash_words(key, sizeof(TupleKey) // 8)
        self.tuples[index].newest = -1
        self.tuple_slots_used += 1
        if self.tuple_slots_used * 2 > self.tuple_slot_mask:
            mask = 2 * (self.tuple_slot_mask + 1) - 1
            slots = _empty_slots(mask + 1)
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

    cdef void _tuple_remove(self, int32_t index) noexcept nogil:
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


cdef int32_t *_empty_slots(uint32_t count) noexcept nogil:
    cdef int32_t *slots = <int32_t *> PyMem_RawMalloc(count * sizeof(int32_t))
    if slots != NULL:
        memset(slots, 0xff, count * sizeof(int32_t))
    return slots


cdef void _free_changes(Socket *socket) noexcept nogil:
    cdef Change *change = socket.changes
    cdef Change *after
    while change != NULL:
        after = change.next
        PyMem_RawFree(change)
        change = after
    socket.changes = NULL
    socket.change_count = 0

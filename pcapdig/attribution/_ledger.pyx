# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: include_dirs = probe
"""The ledger of sockets: who owned which end when.

All times inside are wall-clock ns (CLOCK_REALTIME), so that they compare with packet time stamps. Packets must be resolved in time order: the
ledger remembers the last SYN of a tuple to tell one connection from the next on the same addresses.

This file does not read clocks, files or packets' bytes.
"""

from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memcmp, memcpy, memset

from pcapdig.attribution._end cimport END_KERNEL, END_NAMED, END_REMOTE, END_UNKNOWN, ROLE_UNKNOWN, End
from pcapdig.attribution._events cimport *
from pcapdig.attribution._fragments cimport Fragments
from pcapdig.attribution._lookup cimport choose, choose_shared, is_mapped, one_namespace
from pcapdig.attribution._processes cimport ProcessIdentities
from pcapdig.attribution._roles cimport Found, PortRange, decide_roles, origin_of
from pcapdig.attribution._sockets cimport Socket, SocketTables, Tuple, TupleKey
from pcapdig.attribution._timelines cimport LANE_READER, LANE_WRITER, Owner, change_owner, owner_at
from pcapdig.packets._headers cimport PacketHeaders

cdef enum:
    SCOPE_OWN = 0
    SCOPE_FOREIGN = 1
    TCP = 6
    ICMP = 1
    ICMPV6 = 58
    TCP_SYN = 0x02
    TCP_RST = 0x04
    TCP_ACK = 0x10



cdef inline bint _is_zero(const uint8_t *address) noexcept nogil:
    """The wildcard of either family (:: or ::ffff:0.0.0.0)."""
    cdef int i
    for i in range(10):
        if address[i]:
            return False
    return address[12] == 0 and address[13] == 0 and address[14] == 0 and address[15] == 0


cdef inline bint _has_syn(const Tuple *entry) noexcept nogil:
    """Does a SYN of this recording tell who began?"""
    return entry.syn_out_ns != 0 or entry.syn_in_ns != 0


cdef class Ledger:
    """Events in, owners of packet ends out.

    Args:
        own_netns: inode number of the recorder's network namespace; events of others are matched only for packets that are not loopback's.
        complete: whether the tracer tells of every socket, so that an end without any socket belongs to the kernel.
        chosen_ports: the local ports that the kernel chooses from by itself (net.ipv4.ip_local_port_range).
    """

    def __cinit__(self, own_netns: int = 0, complete: bool = True, chosen_ports: range = range(32768, 61000)):
        self.own_netns = own_netns
        self.chosen_ports.low = chosen_ports.start
        self.chosen_ports.high = chosen_ports.stop - 1
        self.complete = complete
        self.tables = SocketTables()
        self.identities = ProcessIdentities()
        self.fragments = Fragments()

    def __dealloc__(self):
        PyMem_RawFree(self.addresses)

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
        self.last_roles = (sender.role, receiver.role)
        return ((sender.process, sender.tid, sender.evidence, sender.state),
                (receiver.process, receiver.tid, receiver.evidence, receiver.state))

    @property
    def roles(self) -> tuple[int, int]:
        """The roles (enum EndRole) of sender and receiver of the packet that `owners` resolved last."""
        return self.last_roles

    def process(self, index: int) -> dict[str, object]:
        """The identity behind an index: tgid, start_boot_ns, exec_id, uid, comm (bytes without NUL)."""
        return self.identities.identity(index)

    def forget_before(self, now_ns: int) -> None:
        """Drop what closed so long before now_ns that no packet can belong to it."""
        self.tables.expire(now_ns)

    @property
    def sizes(self) -> dict[str, int]:
        """Entries in use, for statistics and tests."""
        return {**self.tables.sizes, "processes": self.identities.count}

    @property
    def process_count(self) -> int:
        """How many process indexes were given out."""
        return self.identities.count

    @property
    def out_of_memory(self) -> bool:
        """A change of owner could not be kept."""
        return self.tables.out_of_memory

    # -- events ------------------------------------------------------------------------------------------------------

    cdef int apply_event(self, const socket_event *event, int64_t boot_offset_ns) except -1 nogil:
        cdef int64_t time_ns = <int64_t> event.head.time_ns
        cdef int64_t from_ns
        cdef int32_t index, process
        cdef Socket *socket
        cdef Owner owner
        cdef int kind = event.head.kind
        cdef bint has_seq = (event.flags & EVENT_HAS_SEQ) != 0
        if not event.flags & EVENT_WALL_CLOCK:
            time_ns += boot_offset_ns
        index = self.tables.socket_of(event.cookie, event.netns, event.protocol, kind != SOCKET_CLOSED)
        if index < 0:
            return 0
        if kind == SOCKET_CLOSED:
            self.tables.close(index, time_ns)
            return 0
        self._bind_event(index, event, time_ns)
        if event.flags & (EVENT_ACTIVE | EVENT_PASSIVE | EVENT_CHOSEN_PORT):
            self.tables.sockets[index].origin = origin_of(event.flags)
        if not event.flags & EVENT_HAS_PROCESS:
            return 0
        process = self.identities.index_of(&event.process)
        socket = &self.tables.sockets[index]
        owner.process = process
        owner.tid = event.process.tid
        owner.evidence = event.evidence if event.evidence else EVIDENCE_SOCKET
        if socket.lanes[0].base.process < 0:
            socket.lanes[0].base = owner
            socket.lanes[1].base = owner
        elif kind == SOCKET_WRITER:
            self._change(socket, LANE_WRITER, &owner, time_ns, time_ns, has_seq, event.seq)
        elif kind == SOCKET_READER:
            from_ns = <int64_t> event.previous_ns + boot_offset_ns if event.previous_ns else 0
            self._change(socket, LANE_READER, &owner, from_ns, time_ns, has_seq, event.seq)
        elif kind == SOCKET_LISTENING or owner.evidence == EVIDENCE_PROCFS or (
                kind == SOCKET_HELD and socket.lanes[0].base.evidence == EVIDENCE_SNAPSHOT):
            # a first use that the tracer, not having made the snapshot itself, could not know to be a change
            self._change(socket, LANE_WRITER, &owner, time_ns, time_ns, has_seq, event.seq)
            self._change(socket, LANE_READER, &owner, time_ns, time_ns, has_seq, event.seq)
        return 0

    cdef void _change(self, Socket *socket, int lane, const Owner *owner, int64_t from_ns, int64_t told_ns, bint has_seq,
                      uint32_t seq) noexcept nogil:
        if not change_owner(&socket.lanes[lane], owner, from_ns, told_ns, has_seq, seq, self.tables.resolved_ns):
            self.tables.out_of_memory = True

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
            return self.tables.bind(index, &key, time_ns)
        if event.remote_port == 0 and event.protocol == TCP:
            return 0
        # a raw socket without an identifier takes copies: no echo is its own
        if event.protocol != TCP and key.scope == SCOPE_OWN and (
                event.local_port != 0 or event.protocol not in (ICMP, ICMPV6)):
            self.tables.bind(index, &key, time_ns)
        if event.remote_port != 0 or not _is_zero(event.remote_addr):
            memcpy(key.remote_addr, event.remote_addr, 16)
            key.remote_port = event.remote_port
            return self.tables.bind(index, &key, time_ns)
        return 0

    cdef void settle(self, int64_t time_ns) noexcept nogil:
        """No packet older than this will be asked for."""
        if time_ns > self.tables.resolved_ns:
            self.tables.resolved_ns = time_ns

    # -- packets -----------------------------------------------------------------------------------------------------

    cdef void resolve(self, const PacketHeaders *headers, int64_t time_ns, bint loopback, End *sender, End *receiver) noexcept nogil:
        cdef Found[2] found
        self.settle(time_ns)
        if headers.has_ports and headers.protocol == TCP and (headers.tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN:
            self._note_syn(headers, time_ns, loopback)
        if headers.is_fragment and self.fragments.find(headers, time_ns, sender, receiver):
            return
        self._end(headers, time_ns, loopback, LANE_WRITER, sender, &found[0])
        self._end(headers, time_ns, loopback, LANE_READER, receiver, &found[1])
        decide_roles(self.tables, &self.chosen_ports, headers.protocol == TCP, found, headers.source_port, headers.destination_port,
                     sender, receiver)
        if headers.has_ports and headers.ip_id and headers.protocol != TCP:
            self.fragments.note(headers, time_ns, sender, receiver)

    cdef void _end(self, const PacketHeaders *headers, int64_t time_ns, bint loopback, int lane, End *out,
                   Found *side) noexcept nogil:
        cdef TupleKey key
        cdef int32_t found, socket_index = -1
        cdef bint tcp = headers.protocol == TCP
        cdef bint local
        cdef const uint8_t *address = <const uint8_t *> headers.source if lane == LANE_WRITER else <const uint8_t *> headers.destination
        cdef Owner owner
        out.process = -1
        out.tid = 0
        out.evidence = EVIDENCE_NONE
        out.role = ROLE_UNKNOWN
        out.state = END_REMOTE
        side.socket = -1
        side.syn_seen = False
        if not headers.has_network:
            return
        local = loopback or self.is_local(address)
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
        found = self.tables.find_tuple(&key)
        if found >= 0:
            self.tables.tuples[found].asked = True
            socket_index = choose(self.tables, &self.tables.tuples[found], time_ns, tcp)
            side.syn_seen = _has_syn(&self.tables.tuples[found])
        if socket_index < 0 and not loopback:
            key.scope = SCOPE_FOREIGN
            found = self.tables.find_tuple(&key)
            if found >= 0:
                self.tables.tuples[found].asked = True
                socket_index = choose(self.tables, &self.tables.tuples[found], time_ns, tcp)
                if socket_index >= 0 and not one_namespace(self.tables, &self.tables.tuples[found]):
                    out.state = END_UNKNOWN
                    return
                side.syn_seen |= _has_syn(&self.tables.tuples[found])
            key.scope = SCOPE_OWN
        side.socket = socket_index
        if socket_index >= 0:
            owner = owner_at(&self.tables.sockets[socket_index].lanes[lane], lane, time_ns, tcp, headers.seq, headers.payload_length)
            if owner.process >= 0:
                out.process = owner.process
                out.tid = owner.tid
                out.evidence = owner.evidence
                out.state = END_NAMED
                return
        if not local and socket_index < 0:
            return
        side.socket = self._end_without_owner(&key, headers, time_ns, lane, socket_index, out)

    cdef int32_t _end_without_owner(self, TupleKey *key, const PacketHeaders *headers, int64_t time_ns, int lane, int32_t socket_index,
                                 End *out) noexcept nogil:
        """No process is known for this tuple: the port's only holder, the listener, the kernel, or unknown. Returns its socket or -1."""
        cdef bint tcp = headers.protocol == TCP
        cdef bint handshake = (headers.tcp_flags & TCP_SYN) != 0
        cdef bint initiator = handshake and not headers.tcp_flags & TCP_ACK
        cdef int32_t shared = -1
        cdef Owner owner
        out.state = END_UNKNOWN
        if tcp and socket_index < 0:
            if headers.tcp_flags & TCP_RST and lane == LANE_WRITER:
                out.state = END_KERNEL if self.complete else END_UNKNOWN
                return socket_index
            # only the listening end of a handshake may be without a socket of its own: it receives SYN and sends SYN+ACK
            if not handshake or (initiator == (lane == LANE_WRITER)):
                return socket_index
        memset(key.remote_addr, 0, 16)
        key.remote_port = 0
        shared = choose_shared(self.tables, key, time_ns)
        if shared < 0:
            if shared == -1 and self.complete and socket_index < 0 and (
                    lane == LANE_READER or headers.protocol in (ICMP, ICMPV6)):
                out.state = END_KERNEL
            return socket_index
        owner = owner_at(&self.tables.sockets[shared].lanes[lane], lane, time_ns, False, 0, 0)
        if owner.process < 0:
            return socket_index
        out.process = owner.process
        out.tid = owner.tid
        out.evidence = EVIDENCE_LISTENER if tcp else owner.evidence
        out.state = END_NAMED
        return shared if socket_index < 0 and not tcp else socket_index

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
                found = self.tables.find_tuple(&key)
                if found < 0:
                    continue
                entry = &self.tables.tuples[found]
                if lane == LANE_WRITER:
                    if not entry.syn_out_ns or entry.syn_out_seq != headers.seq:
                        entry.syn_out_ns = time_ns
                        entry.syn_out_seq = headers.seq
                elif not entry.syn_in_ns or entry.syn_in_seq != headers.seq:
                    entry.syn_in_ns = time_ns
                    entry.syn_in_seq = headers.seq

    cdef bint is_local(self, const uint8_t *address) noexcept nogil:
        cdef int32_t i
        for i in range(self.address_count):
            if memcmp(self.addresses + 16 * i, address, 16) == 0:
                return True
        return is_mapped(address) and address[12] == 127

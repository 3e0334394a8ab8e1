"""Who is the client and who the server of a flow: the one rule, and the one place that has it.

The surest of what is known decides:

    1  SYN: its sender is the client; that of a SYN+ACK is the server. A group of hosts or a broadcast address never sends, so it is no client,
       but for the DHCP server's answers
    2  listener: the end that sent a SYN+ACK anywhere in this trace, or whose recorder says that its socket listens (fd.is_server,
       evidence=listener)
    3  bytes: the first payloads prove who asks (`_openings.pyx`): a request, a greeting, an answer
    4  service: of TCP that began before the capture, and of datagrams of a few services that are only ever asked, the port of a
       well-known service against any other port; of TCP, which has no first speaker then, also a port below 1024 against one that is
       not, and one below 32768, where systems take no port by chance, against one that is not
    5  first: whoever sent the first payload is the client, or the first packet where nobody spoke yet

What is learnt after a flow's first packet turns it round, as long as the batch in which the flow began was not handed out.
Sources: RFC 9293 section 3.5, RFC 1112, RFC 4291 section 2.7, RFC 919, RFC 6335 section 6 (system ports), IANA's service name and port registry.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy

from pcapdig.packets._headers cimport PacketHeaders
from pcapdig.trace._flow_hash cimport end_hash
from pcapdig.trace._flow_state cimport ACK, RST, SYN, FlowRecord, FlowState

cdef enum:
    PROTOCOL_TCP = 6
    PROTOCOL_UDP = 17

cdef enum:
    FIRST_USER_PORT = 1024
    FIRST_EPHEMERAL_PORT = 32768  # net.ipv4.ip_local_port_range's default; IANA's begin at 49152
    DHCP_SERVER = 67  # it answers to all, the only one that does


cdef bint is_service(uint16_t port, uint8_t protocol) noexcept nogil:
    """Is a port one of a well-known service, which nobody's own end has by chance?"""
    if protocol == PROTOCOL_UDP:
        return port == 53 or port == 67 or port == 123 or port == 161 or port == 443 or port == 547 or port == 853 or port == 5246 or port == 5247
    return port in (
        20, 21, 22, 23, 25, 53, 79, 80, 88, 110, 111, 119, 139, 143, 179, 389, 443, 445, 465, 502, 514, 515, 554, 587, 631, 636, 853, 873,
        989, 990, 993, 995, 1433, 1521, 1883, 2049, 2379, 3128, 3260, 3268, 3306, 3389, 4222, 5060, 5222, 5432, 5671, 5672, 5900, 5984, 6379,
        6443, 6667, 8000, 8080, 8443, 8883, 9000, 9042, 9092, 9200, 9300, 11211, 27017, 44818, 50051,
    )


cdef bint is_group(const PacketHeaders *h) noexcept nogil:
    """Does a packet go to a group of hosts, or to all?"""
    if h.family == 6:
        return h.destination[0] == 0xFF
    return h.destination[12] >> 4 == 14 or memcmp(h.destination + 12, b"\xff\xff\xff\xff", 4) == 0


cdef class Roles:
    """The rule, and the ends that listen."""

    def __cinit__(self, uint64_t seed):
        self.seed = seed
        self.mask = 63
        self.listeners = <Listener *> calloc(self.mask + 1, sizeof(Listener))
        if self.listeners == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.listeners)

    cdef bint source_is_client(self, const PacketHeaders *h, uint8_t *role) noexcept nogil:
        """The rule for the first packet of a flow; `role` says how it is known."""
        cdef bint source, destination
        if h.protocol == PROTOCOL_TCP and h.tcp_flags & SYN and not h.tcp_flags & RST:
            role[0] = BY_SYN
            return not h.tcp_flags & ACK
        if is_group(h) and not (h.protocol == PROTOCOL_UDP and h.source_port == DHCP_SERVER and h.destination_port != DHCP_SERVER):
            role[0] = BY_SYN
            return True
        source = self.is_listening(h.source, h.source_port, h.protocol)
        destination = self.is_listening(h.destination, h.destination_port, h.protocol)
        if source != destination:
            role[0] = BY_LISTENER
            return destination
        source = is_service(h.source_port, h.protocol)
        destination = is_service(h.destination_port, h.protocol)
        if source == destination and h.protocol == PROTOCOL_TCP:
            source, destination = h.source_port < FIRST_USER_PORT, h.destination_port < FIRST_USER_PORT
            if source == destination:
                source, destination = h.source_port < FIRST_EPHEMERAL_PORT, h.destination_port < FIRST_EPHEMERAL_PORT
        if source != destination and (h.protocol == PROTOCOL_TCP or h.protocol == PROTOCOL_UDP):
            role[0] = BY_SERVICE
            return destination
        role[0] = BY_PACKET if h.protocol == PROTOCOL_TCP and h.payload_length == 0 else BY_FIRST
        return True

    cdef bint prove(self, const FlowRecord *r, FlowState *s, bint client_serves, uint8_t role) noexcept nogil:
        """Something says which end serves. True: client and server are to change places."""
        if role >= s.role:
            return False
        s.role = role
        return client_serves

    cdef bint is_reversed(self, const FlowRecord *r, FlowState *s) noexcept nogil:
        """Are client and server to change places, after what was learnt of who listens?"""
        cdef bint client, server
        if s.role <= BY_LISTENER:
            return False
        client = self.is_listening(r.client, r.client_port, r.protocol)
        server = self.is_listening(r.server, r.server_port, r.protocol)
        return client != server and self.prove(r, s, client, BY_LISTENER)

    cdef bint is_listening(self, const uint8_t *address, uint16_t port, uint8_t protocol) noexcept nogil:
        """Is it known that this end listens?"""
        cdef uint64_t half[2]
        cdef uint32_t at = <uint32_t> end_hash(address, port, self.seed) & self.mask
        cdef const Listener *listener = self.listeners + at
        memcpy(half, address, 16)
        while listener.used:
            if (listener.port == port and listener.protocol == protocol and listener.address[0] == half[0]
                    and listener.address[1] == half[1]):
                return True
            at = (at + 1) & self.mask
            listener = self.listeners + at
        return False

    cdef int add_listener(self, const uint8_t *address, uint16_t port, uint8_t protocol) except -1 nogil:
        """Remember an end that listens."""
        cdef uint32_t at
        if self.is_listening(address, port, protocol):
            return 0
        if self.count * 2 > self.mask:
            self.grow()
        at = <uint32_t> end_hash(address, port, self.seed) & self.mask
        while self.listeners[at].used:
            at = (at + 1) & self.mask
        memcpy(self.listeners[at].address, address, 16)
        self.listeners[at].port = port
        self.listeners[at].protocol = protocol
        self.listeners[at].used = 1
        self.count += 1
        return 0

    cdef int grow(self) except -1 nogil:
        """Twice the room."""
        cdef uint32_t mask = self.mask * 2 + 1
        cdef Listener *old = self.listeners
        cdef Listener *listeners = <Listener *> calloc(<size_t> mask + 1, sizeof(Listener))
        cdef uint32_t i, at
        if listeners == NULL:
            with gil:
                raise MemoryError("no memory for more listening ends")
        for i in range(self.mask + 1):
            if old[i].used:
                at = <uint32_t> end_hash(<const uint8_t *> old[i].address, old[i].port, self.seed) & mask
                while listeners[at].used:
                    at = (at + 1) & mask
                listeners[at] = old[i]
        self.listeners = listeners
        self.mask = mask
        free(old)
        return 0

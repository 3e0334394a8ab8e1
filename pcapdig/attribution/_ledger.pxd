"""C-level face of the ledger for record/_loop.pyx."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from pcapdig.attribution._events cimport socket_event
from pcapdig.packets._headers cimport PacketHeaders

cdef enum EndState:
    END_REMOTE = 0      # not an end on this machine
    END_NAMED = 1       # `process` owns it
    END_KERNEL = 2      # ours, but no process owns it by nature
    END_UNKNOWN = 3     # ours, owner not learnt

cdef struct End:
    int32_t process     # index in Ledger's process list, -1
    uint32_t tid
    uint8_t evidence
    uint8_t state

cdef struct Owner:
    int32_t process
    uint32_t tid
    uint8_t evidence

cdef struct Change:
    Owner owner
    int64_t from_ns     # wall clock
    uint32_t seq
    uint8_t lane
    uint8_t has_seq
    uint8_t settled     # packets are so far past `seq` that comparing would wrap
    Change *next

cdef struct Socket:
    uint64_t cookie
    int64_t closed_ns   # wall clock; 0 while open
    Owner base[2]       # by lane, before the first change
    Change *changes     # in order of arrival, which is time order for one socket
    uint32_t change_count
    int32_t first_binding
    uint32_t netns
    uint8_t protocol
    uint8_t in_use

cdef struct TupleKey:
    uint8_t local_addr[16]
    uint8_t remote_addr[16]
    uint16_t local_port
    uint16_t remote_port
    uint8_t protocol
    uint8_t scope       # SCOPE_OWN or SCOPE_FOREIGN
    uint16_t zero

cdef struct Tuple:
    TupleKey key
    uint64_t hash
    int64_t syn_out_ns  # last connection attempt sent from here, 0 none
    int64_t syn_in_ns   # last connection attempt received here
    uint32_t syn_out_seq
    uint32_t syn_in_seq
    int32_t newest      # binding chain, latest first

cdef struct Binding:
    int64_t bound_ns    # wall clock
    int32_t socket
    int32_t tuple
    int32_t older       # next in the tuple's chain
    int32_t sibling     # next of the same socket

cdef struct Datagram:
    uint8_t source[16]
    uint8_t destination[16]
    int64_t time_ns
    End sender
    End receiver
    uint32_t ip_id
    uint8_t protocol

cdef struct ProcessKey:
    uint64_t start_boot_ns
    uint32_t tgid
    uint32_t exec_id
    uint32_t uid
    uint32_t zero
    char comm[16]

cdef class Ledger:
    cdef Socket *sockets
    cdef int32_t socket_count, socket_room, socket_free
    cdef Binding *bindings
    cdef int32_t binding_count, binding_room, binding_free
    cdef Tuple *tuples
    cdef int32_t tuple_count, tuple_room, tuple_free
    cdef ProcessKey *processes
    cdef readonly int32_t process_count
    cdef int32_t process_room
    cdef int32_t *tuple_slots
    cdef uint32_t tuple_slot_mask, tuple_slots_used
    cdef int32_t *cookie_slots
    cdef uint32_t cookie_slot_mask, cookie_slots_used
    cdef int32_t *process_slots
    cdef uint32_t process_slot_mask
    cdef int32_t *closed_queue
    cdef uint32_t closed_head, closed_tail, closed_mask
    cdef uint8_t *addresses     # 16 bytes each
    cdef int32_t address_count
    cdef Datagram *datagrams    # first fragments lately seen, direct-mapped by identification
    cdef readonly uint32_t own_netns
    cdef readonly bint complete
    cdef readonly bint out_of_memory

    cdef int apply_event(self, const socket_event *event, int64_t boot_offset_ns) except -1 nogil
    cdef void resolve(self, const PacketHeaders *headers, int64_t time_ns, bint loopback, End *sender, End *receiver) noexcept nogil
    cdef void expire(self, int64_t now_ns) noexcept nogil

    cdef int _bind_event(self, int32_t index, const socket_event *event, int64_t time_ns) except -1 nogil
    cdef int _close(self, int32_t index, int64_t time_ns) except -1 nogil
    cdef bint _one_namespace(self, Tuple *entry) noexcept nogil
    cdef void _cookie_remove(self, int32_t index) noexcept nogil
    cdef void _end_without_owner(self, TupleKey *key, const PacketHeaders *headers, int64_t time_ns, int lane, int32_t socket_index,
                                 End *out) noexcept nogil
    cdef int32_t _process_index(self, const socket_event *event) except -2 nogil
    cdef int32_t _socket_of(self, const socket_event *event, bint create) except -2 nogil
    cdef int _bind(self, int32_t socket_index, const TupleKey *key, int64_t bound_ns) except -1 nogil
    cdef int32_t _tuple_find(self, const TupleKey *key) noexcept nogil
    cdef int32_t _tuple_make(self, const TupleKey *key) except -2 nogil
    cdef void _tuple_remove(self, int32_t index) noexcept nogil
    cdef void _forget_socket(self, int32_t index) noexcept nogil
    cdef void _change_owner(self, Socket *socket, int lane, Owner owner, int64_t from_ns, const socket_event *event) noexcept nogil
    cdef bint _is_local(self, const uint8_t *address) noexcept nogil
    cdef int32_t _choose(self, Tuple *entry, int64_t time_ns, bint tcp) noexcept nogil
    cdef int32_t _choose_shared(self, const TupleKey *key, int64_t time_ns) noexcept nogil
    cdef int32_t _only_owner(self, Tuple *entry, int64_t time_ns) noexcept nogil
    cdef bint _later_fragment(self, const PacketHeaders *headers, int64_t time_ns, End *sender, End *receiver) noexcept nogil
    cdef void _note_datagram(self, const PacketHeaders *headers, int64_t time_ns, const End *sender, const End *receiver) noexcept nogil
    cdef void _note_syn(self, const PacketHeaders *headers, int64_t time_ns, bint loopback) noexcept nogil
    cdef void _end(self, const PacketHeaders *headers, int64_t time_ns, bint loopback, int lane, End *out) noexcept nogil

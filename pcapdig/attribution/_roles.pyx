# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: include_dirs = probe
"""Which end of a packet is the client, by what is known of its sockets, where no SYN of the recording shows it.

A connection's socket knows whether it connected or a listening one made it. Two kinds of datagram sockets are certain: one that is connected, and
not beside another that waits on the same port, is the client's (tracer/roles.py); of two sockets on this machine the one that waits on
a port named to bind(2) is the server's and the one whose port the kernel chose is the client's. One that waits on a port below those that
bindresvport(3) gives to clients serves a remote peer whose port a kernel may have chosen. Where both ends would have the same role
nothing is said.
"""

from libc.stdint cimport uint8_t, uint16_t

from pcapdig.attribution._end cimport ROLE_CLIENT, ROLE_SERVER, ROLE_UNKNOWN, End
from pcapdig.attribution._events cimport EVENT_ACTIVE, EVENT_CHOSEN_PORT, EVENT_PASSIVE
from pcapdig.attribution._sockets cimport SocketTables

cdef uint16_t RESERVED_PORTS = 512  # IPPORT_RESERVED / 2: the first that bindresvport(3) tries for a client


cdef uint8_t origin_of(uint8_t flags) noexcept nogil:
    """What an event's flags say of how its socket came to be."""
    return flags & (EVENT_ACTIVE | EVENT_PASSIVE | EVENT_CHOSEN_PORT)


cdef void decide_roles(SocketTables tables, const PortRange *chosen, bint tcp, const Found *found, uint16_t source_port,
                       uint16_t destination_port, End *sender, End *receiver) noexcept nogil:
    """Fill in the roles of both ends. `found`: of the sender, then of the receiver."""
    cdef uint8_t sending = tables.sockets[found[0].socket].origin if found[0].socket >= 0 else 0
    cdef uint8_t receiving = tables.sockets[found[1].socket].origin if found[1].socket >= 0 else 0
    cdef uint8_t first = ROLE_UNKNOWN, second = ROLE_UNKNOWN
    sender.role = receiver.role = ROLE_UNKNOWN
    if not (sending | receiving) or found[0].syn_seen or found[1].syn_seen:
        return
    if tcp:
        first, second = _connected(sending), _connected(receiving)
    else:
        if sending & EVENT_ACTIVE or receiving & EVENT_PASSIVE and (
                sending & EVENT_CHOSEN_PORT or found[0].socket < 0 and _is_service(chosen, destination_port, source_port)):
            first = ROLE_CLIENT
        if receiving & EVENT_ACTIVE or sending & EVENT_PASSIVE and (
                receiving & EVENT_CHOSEN_PORT or found[1].socket < 0 and _is_service(chosen, source_port, destination_port)):
            second = ROLE_CLIENT
    if first == second:
        return
    sender.role = first if first else ROLE_CLIENT + ROLE_SERVER - second
    receiver.role = second if second else ROLE_CLIENT + ROLE_SERVER - first


cdef inline uint8_t _connected(uint8_t origin) noexcept nogil:
    """The role of one end of a connection."""
    return ROLE_CLIENT if origin & EVENT_ACTIVE else ROLE_SERVER if origin & EVENT_PASSIVE else ROLE_UNKNOWN


cdef inline bint _is_service(const PortRange *chosen, uint16_t port, uint16_t peer_port) noexcept nogil:
    """Is one of these the port of a system's service, and the other a port that a kernel may have chosen?"""
    return port < RESERVED_PORTS and chosen.low <= peer_port <= chosen.high

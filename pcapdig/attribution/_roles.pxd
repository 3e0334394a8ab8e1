"""Which end of a packet is the client, by what is known of its sockets."""

from libc.stdint cimport int32_t, uint8_t, uint16_t

from pcapdig.attribution._end cimport End
from pcapdig.attribution._sockets cimport SocketTables

cdef struct Found:
    int32_t socket      # of this end, -1 where none is known
    uint8_t syn_seen    # a SYN of the recording shows who began

cdef struct PortRange:
    uint16_t low        # the kernel chooses local ports from here
    uint16_t high       # ... to here

cdef uint8_t origin_of(uint8_t flags) noexcept nogil
cdef void decide_roles(SocketTables tables, const PortRange *chosen, bint tcp, const Found *found, uint16_t source_port,
                       uint16_t destination_port, End *sender, End *receiver) noexcept nogil

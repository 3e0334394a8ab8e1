"""One end of a packet, and whose it is."""

from libc.stdint cimport int32_t, uint8_t, uint32_t

cdef enum EndState:
    END_REMOTE = 0      # not an end on this machine
    END_NAMED = 1       # `process` owns it
    END_KERNEL = 2      # ours, but no process owns it by nature
    END_UNKNOWN = 3     # ours, owner not learnt

cdef enum EndRole:
    ROLE_UNKNOWN = 0
    ROLE_CLIENT = 1
    ROLE_SERVER = 2

cdef struct End:
    int32_t process     # index in Ledger's process list, -1
    uint32_t tid
    uint8_t evidence
    uint8_t state
    uint8_t role        # EndRole, where no SYN of the recording shows it

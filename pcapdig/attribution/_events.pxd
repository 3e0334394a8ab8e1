"""probe/events.h as Cython sees it: the compiler checks the layouts there."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    #include <linux/types.h>
    #include "events.h"
    """
    enum:
        PCAPDIG_EVENTS_VERSION
        SOCKET_BOUND, SOCKET_HELD, SOCKET_WRITER, SOCKET_READER, SOCKET_LISTENING, SOCKET_CLOSED
        PROCESS_FORKED, PROCESS_EXECED, PROCESS_EXITED
        EVENT_HAS_PROCESS, EVENT_HAS_SEQ, EVENT_WALL_CLOCK, EVENT_PASSIVE, EVENT_ACTIVE, EVENT_CHOSEN_PORT
        EVIDENCE_NONE, EVIDENCE_SOCKET, EVIDENCE_SNAPSHOT, EVIDENCE_LISTENER, EVIDENCE_PROCFS

    struct event_head:
        uint16_t kind
        uint16_t size
        uint32_t version
        uint64_t time_ns

    struct event_process:
        uint32_t tgid
        uint32_t tid
        uint32_t uid
        uint32_t exec_id
        uint64_t start_boot_ns
        char comm[16]

    struct socket_event:
        event_head head
        uint64_t cookie
        uint64_t previous_ns
        uint32_t netns
        uint32_t seq
        uint16_t local_port
        uint16_t remote_port
        uint8_t protocol
        uint8_t flags
        uint8_t evidence
        uint8_t family
        uint8_t local_addr[16]
        uint8_t remote_addr[16]
        event_process process

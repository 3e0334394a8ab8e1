"""What passes from the walk over a file's bytes to the tables: packets in a ring, filled by one thread and emptied by another or the same.

The walk (`_walk.pyx`) finds packets, checks their lengths, reads their headers and numbers their comments; it needs no Python. What it
made, the scanner puts into flows and columns, in order. With a processor to spare the two run side by side, `made` and `taken` being the
only words both look at; else they take turns.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from pcapdig.packets._headers cimport PacketHeaders
from pcapdig.trace._claims cimport ClaimTable
from pcapdig.trace._clock cimport Clock
from pcapdig.trace._reading cimport Reading

cdef enum:
    MOST_CLAIMS = 4  # a packet has two ends; the rest is room for a file that was merged by hand
    RING_PACKETS = 1024  # of some 200 bytes; a power of 2
    TURN_PACKETS = 64  # made before they are taken where one thread does both: they stay in its first cache
    PUBLISHED_PACKETS = 16  # made or taken before the other thread is told

cdef enum Stop:  # why a walk ended
    REACHED = 0  # the end of what was asked for, or a block that is not all there
    FULL = 1  # of the ring, where the same thread empties it
    DESCRIBING = 2  # a block that Python reads
    DAMAGED = 3  # the block at hand cannot be what it claims; `what` says why
    NO_MEMORY = 4

cdef struct Described:  # an interface of the section being read
    Clock clock
    uint32_t link_type
    uint32_t snap_length
    uint32_t fcs_size
    uint16_t row  # in trace.interfaces
    bint is_loopback
    bint is_shared  # the row stands for several interfaces
    uint32_t site  # the same for an interface that goes on in another section or file

cdef struct Stored:  # one packet as its block describes it, and what its headers say; what is seldom looked at stands last
    PacketHeaders h
    uint32_t tag  # of its flow: the taker's
    uint32_t place  # where it was seen, see `_places.pxd`
    int64_t time_ns
    uint64_t offset  # of its first byte, in the chunk
    uint32_t captured
    uint32_t original
    uint32_t usable  # bytes captured without the frame check sequence
    uint16_t row  # of its interface
    uint16_t link_type
    uint8_t may_be_copy  # there are other places that may show the same packet
    uint8_t found  # there is a network header
    uint8_t direction
    uint8_t fcs_size  # bytes of frame check sequence behind the packet
    uint8_t claim_count
    uint8_t may_be_foreign  # an option may name a process in another program's way
    uint8_t is_process  # no packet but a block that describes a process
    uint32_t claim[MOST_CLAIMS]  # numbers of its comments
    uint32_t claim_size[MOST_CLAIMS]
    uint32_t claim_at[MOST_CLAIMS]  # where their texts begin, after `offset`
    uint32_t options_at  # and all options
    uint32_t options_size
    uint32_t kind  # of a block that describes a process, whose body is the options
    bint swapped  # in big-endian order

cdef struct Ring:  # each thread's words lie in lines of their own: it would wait for the other one at each packet else
    Stored *packets
    uint64_t apart_1[15]
    uint64_t made  # written by the walk alone
    uint32_t over  # the walk, as a thread, has ended
    uint64_t apart_2[14]
    uint64_t taken  # written by the taker alone
    uint64_t tagged  # the taker's own: packets whose tag is made
    uint32_t unwanted  # the taker gave up
    uint64_t apart_3[13]

cdef struct Walk:
    const uint8_t *data
    Reading *reading  # of the file that `data` maps, if it maps one
    int64_t end  # of the bytes there are
    int64_t stop  # no block is begun here or later
    int64_t at
    int64_t needed  # bytes the block at `at` takes, as far as is known yet
    Described *described
    uint32_t described_count
    bint is_pcap
    int64_t record_size  # of a pcap: bytes before a packet
    int lengths  # of a pcap: which way round a record has its two
    bint swapped
    bint decap  # look into tunnels
    bint is_unaligned  # a block's length was no multiple of 4
    bint has_sites  # more than one interface was described so far
    uint64_t made
    uint64_t most  # `made` must not go beyond
    uint64_t window  # packets that may wait in the ring
    uint64_t full_at  # `made` with which it is full, as far as is known
    bint waits  # until there is room, for another thread takes
    Stop ended
    const char *what
    ClaimTable *claims
    Ring *ring


cdef extern from *:
    """
    #include <pthread.h>
    #include <sched.h>
    #include <signal.h>
    #include <time.h>
    #define ask_for(address) __builtin_prefetch(address)
    #define acquired(address) __atomic_load_n(address, __ATOMIC_ACQUIRE)
    #define release_to(address, value) __atomic_store_n(address, value, __ATOMIC_RELEASE)
    /* A thread that takes no signals: those are for the one that runs Python. */
    static inline int begin_thread(pthread_t *thread, void *(*run)(void *), void *with)
    {
        sigset_t all, before;
        int begun;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        begun = pthread_create(thread, 0, run, with) == 0;
        pthread_sigmask(SIG_SETMASK, &before, 0);
        return begun;
    }
    static inline void end_thread(pthread_t thread) { pthread_join(thread, 0); }
    /* Wait for the other thread: it is a few packets away, or has lost its processor to someone else. */
    static inline void be_patient(unsigned tries)
    {
        if (tries < 256) {
    #if defined(__x86_64__) || defined(__i386__)
            __builtin_ia32_pause();
    #endif
        } else if (tries < 320) {
            sched_yield();
        } else {
            struct timespec moment = {0, 50000};
            nanosleep(&moment, 0);
        }
    }
    """
    ctypedef unsigned long Thread "pthread_t"
    bint begin_thread(Thread *thread, void *(*run)(void *) noexcept nogil, void *with_) noexcept nogil
    void end_thread(Thread thread) noexcept nogil
    void ask_for(const void *address) noexcept nogil
    uint64_t acquired(const uint64_t *address) noexcept nogil
    uint32_t acquired_flag "acquired"(const uint32_t *address) noexcept nogil
    void release_to(uint64_t *address, uint64_t value) noexcept nogil
    void raise_flag "release_to"(uint32_t *address, uint32_t value) noexcept nogil
    void be_patient(unsigned int tries) noexcept nogil

cdef const char *TOO_SHORT
cdef const uint8_t *reach(Walk *w, int64_t size) noexcept nogil
cdef void walk(Walk *w) noexcept nogil
cdef void *walk_alone(void *w) noexcept nogil

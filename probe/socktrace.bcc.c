// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * socktrace.bcc.c: the same story as socktrace.bpf.c for kernels without BTF; bcc compiles it when a recording starts.
 *
 * The kernel headers at hand may be another kernel's, so no kernel structure is looked into: only tracepoint arguments, UAPI
 * contexts and helpers. What follows from that: a socket is found by its address (unique until it is destroyed; its cookie is the
 * kernel's where a hook tells it, else made here), processes are kept in a table of our own, user ids are real ones, network
 * namespaces are not told, and TCP sequence numbers are counted: the first packet's, and the bytes of each call since.
 *
 * bcc rewrites only the file it is given, so this one, packets.bcc.c and processes.bcc.c are put together into one text before
 * compiling. pcapdig/tracer/bcc.py defines HAS_* for the tracepoints that exist, USE_RING (Linux 5.8) and BOOT_OFFSET_NS
 * (CLOCK_BOOTTIME - CLOCK_MONOTONIC).
 */
#include <uapi/linux/bpf.h>

#include "events.h"
#include "packet.h"

enum {
	INET = 2, /* AF_INET, AF_INET6 */
	INET6 = 10,
	RAW_SOCKET = 3, /* SOCK_RAW */
	PEEK = 0x2,     /* MSG_PEEK, MSG_ERRQUEUE */
	ERRQUEUE = 0x2000,
	NEW_THREAD = 0x10000, /* CLONE_THREAD */
	ESTABLISHED = 1,      /* include/net/tcp_states.h */
	SYN_SENT = 2,
	SYN_RECV = 3,
	FIN_WAIT1 = 4,
	CLOSED = 7,
	LAST_ACK = 9,
	LISTENING = 10,
	WRITER = 0,
	READER = 1,
};

enum marks {
	OWNED = 1,
	ANNOUNCED = 2,
	BOUND = 4,
	EMITTED = 8,
	CONNECTED = 32,
	COUNTED_WRITER = 64, /* base[WRITER] is known; COUNTED_WRITER << READER is base[READER]'s */
	COUNTED_READER = 128,
	BEFORE = 256, /* open before recording: named by the snapshot, from here on changes count */
};

struct known_process {
	u64 start_boot_ns;
	u32 exec_id;
	char comm[16];
};

struct socket_memory {
	u64 cookie;
	u64 last_ns[2];
	u64 bound_ns;
	u32 marks;
	u32 base[2];  /* TCP: sequence number of the first byte */
	u32 total[2]; /* TCP: bytes written and read since */
	u32 zero;
	struct event_process owner[2];
};

struct peer_key {
	u64 cookie;
	u8 local_addr[16];
	u8 remote_addr[16];
	u16 local_port;
	u16 remote_port;
	u32 protocol;
};

BPF_TABLE("hash", u32, struct known_process, processes, 262144);
BPF_TABLE("lru_hash", u64, struct socket_memory, sockets, 131072);
BPF_TABLE("lru_hash", struct peer_key, u8, peers, 65536);
BPF_PERCPU_ARRAY(lost_events, u64, 1);
#ifdef USE_RING
BPF_RINGBUF_OUTPUT(events, RING_PAGES);

static __always_inline void output(void *ctx, void *event, u32 size)
{
	int first = 0;

	if (events.ringbuf_output(event, size, BPF_RB_NO_WAKEUP))
		lost_events.increment(first);
}
#else
BPF_PERF_OUTPUT(events);

static __always_inline void output(void *ctx, void *event, u32 size)
{
	events.perf_submit(ctx, event, size); /* what is lost here the kernel tells the reader */
}
#endif

static __always_inline u64 now_ns(void)
{
	return bpf_ktime_get_ns() + BOOT_OFFSET_NS;
}

/* False where the process is not in the table: a kernel thread, or not yet filled in at start. */
static __always_inline bool read_current(struct event_process *process)
{
	u64 ids = bpf_get_current_pid_tgid();
	u32 tgid = ids >> 32;
	struct known_process *known = processes.lookup(&tgid);

	if (!known)
		return false;
	__builtin_memset(process, 0, sizeof(*process));
	process->tgid = tgid;
	process->tid = (u32)ids;
	process->uid = (u32)bpf_get_current_uid_gid();
	process->exec_id = known->exec_id;
	process->start_boot_ns = known->start_boot_ns;
	__builtin_memcpy(process->comm, known->comm, 16);
	return true;
}

static __always_inline bool same_process(const struct event_process *a, const struct event_process *b)
{
	const u64 *x = (const u64 *)a->comm, *y = (const u64 *)b->comm;

	return a->start_boot_ns == b->start_boot_ns && a->tgid == b->tgid && a->exec_id == b->exec_id && x[0] == y[0] &&
	       x[1] == y[1];
}

static __always_inline struct socket_memory *find(u64 address)
{
	return sockets.lookup(&address);
}

/* cookie 0: the hook does not tell it, so one is made that no socket had before and the kernel's own count never reaches. */
static __always_inline struct socket_memory *remember(u64 address, u64 cookie)
{
	struct socket_memory *memory = sockets.lookup(&address);
	struct socket_memory fresh = {};

	if (memory)
		return memory;
	fresh.cookie = cookie ? cookie : now_ns() << 8 | (bpf_get_smp_processor_id() & 0xff);
	sockets.update(&address, &fresh);
	return sockets.lookup(&address);
}

static __always_inline void begin(struct socket_event *event, u16 kind, const struct socket_memory *memory)
{
	__builtin_memset(event, 0, sizeof(*event));
	event->head.kind = kind;
	event->head.size = sizeof(*event);
	event->head.version = PCAPDIG_EVENTS_VERSION;
	event->head.time_ns = now_ns();
	event->cookie = memory->cookie;
	event->evidence = EVIDENCE_SOCKET;
}

static __always_inline void add_process(struct socket_event *event, struct socket_memory *memory, int lane)
{
	event->flags |= EVENT_HAS_PROCESS;
	event->process = memory->owner[lane];
	memory->marks |= ANNOUNCED;
}

static __always_inline bool has_untold_owner(const struct socket_memory *memory)
{
	return (memory->marks & (OWNED | ANNOUNCED)) == OWNED;
}

static __always_inline void emit(void *ctx, struct socket_event *event, struct socket_memory *memory)
{
	output(ctx, event, sizeof(*event));
	memory->marks |= EMITTED;
}

static __always_inline bool own(struct socket_memory *memory)
{
	if (memory->marks & OWNED || !read_current(&memory->owner[WRITER]))
		return false;
	memory->owner[READER] = memory->owner[WRITER];
	memory->marks |= OWNED;
	return true;
}

/* One that was there before: the snapshot may have named it, so what is seen now is a change, not a first owner. */
static __always_inline struct socket_memory *remember_from_before(u64 address, u64 cookie)
{
	struct socket_memory *memory = remember(address, cookie);

	if (memory) {
		memory->marks |= OWNED | ANNOUNCED | BOUND | BEFORE;
		memory->bound_ns = now_ns();
	}
	return memory;
}

static __always_inline void emit_change(void *ctx, struct socket_memory *memory, int lane, u8 protocol)
{
	struct socket_event event;
	u64 last = memory->last_ns[lane];

	begin(&event, lane == WRITER ? SOCKET_WRITER : SOCKET_READER, memory);
	event.protocol = protocol;
	event.previous_ns = last;
	if (protocol == PROTO_TCP && memory->marks & COUNTED_WRITER << lane) {
		event.flags |= EVENT_HAS_SEQ;
		event.seq = memory->base[lane] + memory->total[lane];
	}
	/* told after the bytes left: what was sent since the last use of the one before is this one's */
	if (lane == WRITER)
		event.head.time_ns = last > memory->bound_ns ? last + 1 : memory->bound_ns + 1;
	add_process(&event, memory, lane);
	emit(ctx, &event, memory);
}

/* One use of a lane, in the user's context; result < 0: it only names an owner where none is known. Tracepoints of use tell no
 * addresses, so such events carry none. */
static __always_inline void use(void *ctx, struct socket_memory *memory, int lane, u8 protocol, int result)
{
	struct event_process process;
	struct socket_event event;

	if (!read_current(&process))
		return;
	if (!(memory->marks & ANNOUNCED)) {
		memory->owner[WRITER] = process;
		memory->owner[READER] = process;
		memory->marks |= OWNED;
		begin(&event, SOCKET_HELD, memory);
		event.protocol = protocol;
		add_process(&event, memory, lane);
		emit(ctx, &event, memory);
	} else if (result >= 0 && !same_process(&memory->owner[lane], &process)) {
		memory->owner[lane] = process;
		emit_change(ctx, memory, lane, protocol);
	}
	if (result >= 0) {
		memory->last_ns[lane] = now_ns();
		memory->total[lane] += result;
	}
}

#define ADD_ADDRESSES(event, args)                                                                                     \
	do {                                                                                                           \
		(event).family = args->family;                                                                         \
		(event).protocol = PROTO_TCP;                                                                          \
		(event).local_port = args->sport;                                                                      \
		(event).remote_port = args->dport;                                                                     \
		bpf_probe_read_kernel((event).local_addr, 16, (void *)args->saddr_v6);                                 \
		bpf_probe_read_kernel((event).remote_addr, 16, (void *)args->daddr_v6);                                \
	} while (0)

TRACEPOINT_PROBE(sock, inet_sock_set_state)
{
	u64 address = (u64)args->skaddr;
	int before = args->oldstate, after = args->newstate;
	struct socket_memory *memory;
	struct socket_event event;
	u16 kind = SOCKET_BOUND;
	u8 flags = 0;

	if (args->protocol != PROTO_TCP)
		return 0;
	if (after == CLOSED && before != LISTENING) {
		memory = find(address);
		/* a connection that was refused: its owner is known, its port only now */
		if (!memory || !has_untold_owner(memory))
			return 0;
	} else if (after == SYN_SENT || after == LISTENING || after == ESTABLISHED || after == FIN_WAIT1 ||
		   after == LAST_ACK || after == CLOSED) {
		memory = remember(address, 0);
		if (!memory)
			return 0;
		if (after != ESTABLISHED && after != SYN_SENT && after != LISTENING) {
			if (!own(memory))
				return 0;
			kind = SOCKET_HELD;
		}
	} else {
		return 0;
	}
	if (after == SYN_SENT) {
		memory->marks = (memory->marks & ~BOUND) | CONNECTED;
		own(memory);
		return 0;
	}
	if (after == LISTENING) {
		own(memory);
		kind = SOCKET_LISTENING;
	}
	if (after == ESTABLISHED) {
		memory->bound_ns = now_ns();
		if (memory->marks & BOUND)
			return 0;
		memory->marks |= BOUND;
		flags = before == SYN_RECV && !(memory->marks & CONNECTED) ? EVENT_PASSIVE : EVENT_ACTIVE;
	} else if (after == CLOSED && memory->marks & CONNECTED)
		flags = EVENT_ACTIVE;
	begin(&event, kind, memory);
	ADD_ADDRESSES(event, args);
	event.flags = flags;
	if (has_untold_owner(memory))
		add_process(&event, memory, WRITER);
	emit(args, &event, memory);
	return 0;
}

#ifdef HAS_DESTROY
TRACEPOINT_PROBE(tcp, tcp_destroy_sock)
{
	u64 address = (u64)args->skaddr;
	struct socket_memory *memory = find(address);
	struct socket_memory unseen = {};
	struct socket_event event;

	/* one that was there before: closed under the cookie that the snapshot knows */
	unseen.cookie = args->sock_cookie;
	if (!memory) {
		begin(&event, SOCKET_CLOSED, &unseen);
		event.protocol = PROTO_TCP;
		emit(args, &event, &unseen);
		return 0;
	}
	if (memory->marks & EMITTED) {
		begin(&event, SOCKET_CLOSED, memory);
		event.protocol = PROTO_TCP;
		emit(args, &event, memory);
	}
	sockets.delete(&address);
	return 0;
}
#endif

#ifdef HAS_READ
/* How much was read it does not say: where sock_recv_length tells that, only splice is left to be named here. */
TRACEPOINT_PROBE(tcp, tcp_rcv_space_adjust)
{
	u64 address = (u64)args->skaddr;
	struct socket_memory *memory = find(address);

	if (!memory)
		memory = remember_from_before(address, args->sock_cookie);
#ifdef HAS_LENGTHS
	if (memory)
		use(args, memory, READER, PROTO_TCP, -1);
#else
	if (memory)
		use(args, memory, READER, PROTO_TCP, 0);
#endif
	return 0;
}
#endif

#ifdef HAS_LENGTHS
TRACEPOINT_PROBE(sock, sock_send_length)
{
	u64 address = (u64)args->sk;
	struct socket_memory *memory = find(address);

	if (memory)
		use(args, memory, WRITER, args->protocol, args->ret);
	return 0;
}

TRACEPOINT_PROBE(sock, sock_recv_length)
{
	u64 address = (u64)args->sk;
	struct socket_memory *memory = find(address);

	if (memory)
		use(args, memory, READER, args->protocol, args->flags & (PEEK | ERRQUEUE) ? -1 : args->ret);
	return 0;
}
#endif

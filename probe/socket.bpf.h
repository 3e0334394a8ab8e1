/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * socket.bpf.h: what is remembered of a socket, and the events about it.
 *
 * The memory is the socket's own storage: it lives and dies with the socket, and finding it is one pointer away.
 */
#ifndef PCAPDIG_SOCKET_BPF_H
#define PCAPDIG_SOCKET_BPF_H

#include "process.bpf.h"

enum lane {
	LANE_WRITER = 0,
	LANE_READER = 1,
};

enum socket_marks {
	MARK_OWNER = 1,      /* `owner` is filled in */
	MARK_ANNOUNCED = 2,  /* ... and user space was told */
	MARK_BOUND = 4,      /* TCP: SOCKET_BOUND was emitted for this connection */
	MARK_EMITTED = 8,    /* some event was emitted, so SOCKET_CLOSED will be */
	MARK_SNAPSHOT = 16,  /* the owner comes from the snapshot */
	MARK_CONNECTED = 32, /* TCP: this end called connect */
	MARK_SEQ = 64,       /* TCP: last_seq is filled in */
	MARK_HAS_FILE = 128, /* a process can hold it: not one of the kernel's own sockets */
	MARK_READ = 256,     /* some process has read it */
};

struct socket_memory {
	__u64 cookie;
	__u32 netns;
	__u32 marks;
	__u64 last_ns[2];  /* by lane, not TCP: last use, 0 never */
	__u32 last_seq[2]; /* by lane, TCP: end of what was written or read so far, with MARK_SEQ */
	struct event_process owner[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct socket_memory);
} sockets SEC(".maps");

static __always_inline void copy_process(struct event_process *to, const struct event_process *from)
{
	__builtin_memcpy(to, from, sizeof(*to));
}

/* The first owner takes both lanes. */
static __always_inline void set_owner(struct socket_memory *memory, const struct event_process *process)
{
	copy_process(&memory->owner[LANE_WRITER], process);
	copy_process(&memory->owner[LANE_READER], process);
	memory->marks |= MARK_OWNER;
}

static __always_inline bool has_untold_owner(const struct socket_memory *memory)
{
	return (memory->marks & (MARK_OWNER | MARK_ANNOUNCED)) == MARK_OWNER;
}

/* A socket that some process can hold. Sockets not yet accepted have no struct socket; the kernel's own have no file. */
static __always_inline bool has_file(struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_socket, file) != 0;
}

/* The memory of a socket at a tracing hook; NULL when there is none yet (or no memory is left). */
static __always_inline struct socket_memory *find_memory(struct sock *sk)
{
	return bpf_sk_storage_get(&sockets, sk, 0, 0);
}

static __always_inline struct socket_memory *remember(struct sock *sk)
{
	struct socket_memory *memory = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (memory && !memory->cookie) {
		memory->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
		if (has_file(sk))
			memory->marks |= MARK_HAS_FILE;
		memory->cookie = bpf_get_socket_cookie(sk);
	}
	return memory;
}

static __always_inline __u32 written_seq(struct sock *sk)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

	return tcp ? tcp->write_seq : 0;
}

static __always_inline __u32 read_seq(struct sock *sk)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

	return tcp ? tcp->copied_seq : 0;
}

/* From here on the memory knows where each lane stands. */
static __always_inline void note_seqs(struct sock *sk, struct socket_memory *memory)
{
	memory->last_seq[LANE_WRITER] = written_seq(sk);
	memory->last_seq[LANE_READER] = read_seq(sk);
	memory->marks |= MARK_SEQ;
}

static __always_inline bool is_inet(struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	return family == AF_INET || family == AF_INET6;
}

static __always_inline void fill_head(struct socket_event *event, __u16 kind, const struct socket_memory *memory)
{
	__builtin_memset(event, 0, sizeof(*event));
	event->head.kind = kind;
	event->head.size = sizeof(*event);
	event->head.version = PCAPDIG_EVENTS_VERSION;
	event->head.time_ns = bpf_ktime_get_boot_ns();
	event->cookie = memory->cookie;
	event->netns = memory->netns;
	event->evidence = EVIDENCE_SOCKET;
}

static __always_inline void fill_process(struct socket_event *event, const struct event_process *process)
{
	event->flags |= EVENT_HAS_PROCESS;
	copy_process(&event->process, process);
}

/* The socket's own idea of its addresses, for hooks without a packet. */
static __always_inline void fill_addresses(struct socket_event *event, struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	event->family = family;
	event->protocol = sk->sk_protocol;
	if (family == AF_INET6) {
		bpf_core_read(event->local_addr, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(event->remote_addr, 16, &sk->__sk_common.skc_v6_daddr);
	} else {
		__be32 local = sk->__sk_common.skc_rcv_saddr, remote = sk->__sk_common.skc_daddr;

		map_ipv4(event->local_addr, &local);
		map_ipv4(event->remote_addr, &remote);
	}
	if (sk->sk_type == SOCK_RAW)
		return; /* a raw socket's port is its protocol number */
	event->local_port = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	event->remote_port = bpf_ntohs(sk->__sk_common.skc_dport);
}

/* Emit what is known from the socket alone; `process` may be NULL. */
static __always_inline void emit_socket(__u16 kind, struct sock *sk, struct socket_memory *memory, __u8 flags,
					const struct event_process *process)
{
	struct socket_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		count_lost();
		return;
	}
	fill_head(event, kind, memory);
	fill_addresses(event, sk);
	event->flags = flags;
	if (process)
		fill_process(event, process);
	memory->marks |= process ? MARK_EMITTED | MARK_ANNOUNCED : MARK_EMITTED;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

static __always_inline void emit_change(struct sock *sk, struct socket_memory *memory, int lane, __u32 seq,
					const struct event_process *process)
{
	struct socket_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		count_lost();
		return;
	}
	fill_head(event, lane == LANE_WRITER ? SOCKET_WRITER : SOCKET_READER, memory);
	fill_addresses(event, sk);
	fill_process(event, process);
	event->previous_ns = memory->last_ns[lane];
	if (event->protocol == PROTO_TCP) {
		event->flags |= EVENT_HAS_SEQ;
		event->seq = seq;
	}
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

#endif

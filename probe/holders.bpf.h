/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * holders.bpf.h: who holds which socket when recording starts.
 *
 * User space reads this program like a file: one socket_event for each descriptor of a socket, over all processes and network
 * namespaces. What is found is also put into the socket's memory, so that only later changes make events. A socket that
 * several processes hold belongs to the oldest of them (earliest start, then lowest pid); the last event of a cookie is that
 * one's.
 */
#ifndef PCAPDIG_HOLDERS_BPF_H
#define PCAPDIG_HOLDERS_BPF_H

static __always_inline bool is_older(const struct event_process *a, const struct event_process *b)
{
	return a->start_boot_ns < b->start_boot_ns || (a->start_boot_ns == b->start_boot_ns && a->tgid <= b->tgid);
}

static __always_inline bool is_wanted(struct sock *sk)
{
	__u16 protocol = sk->sk_protocol;

	if (!is_inet(sk))
		return false;
	if (protocol == PROTO_TCP) /* one without a connection is learnt when it connects or listens */
		return sk->__sk_common.skc_state != STATE_CLOSE;
	return protocol == PROTO_UDP || protocol == PROTO_ICMP || protocol == PROTO_ICMPV6 || sk->sk_type == SOCK_RAW;
}

static __always_inline __u16 kind_of(const struct sock *sk, const struct socket_event *event)
{
	if (sk->sk_protocol != PROTO_TCP)
		return event->local_port ? SOCKET_BOUND : SOCKET_HELD;
	return sk->__sk_common.skc_state == STATE_LISTEN ? SOCKET_LISTENING : SOCKET_BOUND;
}

/* The counters of a connection at rest show whether it sent a SYN. */
static __always_inline __u8 role_by_counters(struct sock *sk)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

	if (!tcp || tcp->packets_out || tcp->total_retrans)
		return 0;
	if (tcp->bytes_acked == tcp->bytes_sent)
		return EVENT_PASSIVE;
	return tcp->bytes_acked == tcp->bytes_sent + 1 ? EVENT_ACTIVE : 0;
}

/* What the socket still shows of how it came to be. A connection that listen(2) made has the listener's backlog; 0 is no proof
 * of the contrary, since listen(2) may have been given 0. */
static __always_inline __u8 role_of(struct sock *sk)
{
	__u64 locks = BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks);
	__u8 state = sk->__sk_common.skc_state;

	if (sk->sk_protocol == PROTO_UDP)
		return locks & LOCK_PORT ? EVENT_FIXED_PORT : EVENT_CHOSEN_PORT;
	if (sk->sk_protocol != PROTO_TCP || state == STATE_LISTEN)
		return 0;
	if (state == STATE_SYN_SENT || locks & LOCK_PORT)
		return EVENT_ACTIVE;
	if (BPF_CORE_READ(sk, sk_max_ack_backlog))
		return EVENT_PASSIVE;
	if (locks & LOCK_CONNECT)
		return EVENT_ACTIVE;
	return state == STATE_ESTABLISHED || state == STATE_CLOSE_WAIT ? role_by_counters(sk) : 0;
}

SEC("iter/task_file")
int socket_holders(struct bpf_iter__task_file *found)
{
	struct task_struct *task = found->task;
	struct file *file = found->file;
	struct socket_memory *memory;
	struct socket_event event;
	struct event_process process;
	struct socket *socket;
	struct sock *sk;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk || !is_wanted(sk))
		return 0;
	memory = remember(sk);
	if (!memory)
		return 0;
	read_process(task, &process);
	process.tid = process.tgid;
	memory->marks |= MARK_HAS_FILE;
	fill_head(&event, 0, memory);
	fill_addresses(&event, sk);
	event.head.kind = kind_of(sk, &event);
	event.evidence = EVIDENCE_SNAPSHOT;
	event.flags = role_of(sk);
	if (!(memory->marks & MARK_OWNER) ||
	    (memory->marks & MARK_SNAPSHOT && is_older(&process, &memory->owner[LANE_WRITER]))) {
		set_owner(memory, &process);
		memory->marks |= MARK_SNAPSHOT;
		if (sk->sk_protocol == PROTO_TCP && !(memory->marks & MARK_SEQ))
			note_seqs(sk, memory);
		fill_process(&event, &process);
		memory->marks |= MARK_ANNOUNCED;
	} else if (memory->marks & MARK_SNAPSHOT) {
		return 0;
	}
	memory->marks |= MARK_EMITTED;
	if (sk->sk_protocol == PROTO_TCP)
		memory->marks |= MARK_BOUND;
	bpf_seq_write(found->meta->seq, &event, sizeof(event));
	return 0;
}

#endif

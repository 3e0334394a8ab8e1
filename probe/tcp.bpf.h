/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * tcp.bpf.h: connections, from the state changes of TCP sockets.
 *
 * connect, listen and most closes run in the process that asked for them; all else runs in softirq, where only addresses
 * may be taken.
 */
#ifndef PCAPDIG_TCP_BPF_H
#define PCAPDIG_TCP_BPF_H

/* Take the current process as first owner, unless one is known. */
static __always_inline bool take_owner(struct sock *sk, struct socket_memory *memory)
{
	struct event_process process;

	if (memory->marks & MARK_OWNER || !has_file(sk) || !read_current_leader(&process))
		return false;
	read_current_rest(&process);
	set_owner(memory, &process);
	return true;
}

static __always_inline void hold_if_unowned(struct sock *sk, struct socket_memory *memory)
{
	if (take_owner(sk, memory))
		emit_socket(SOCKET_HELD, sk, memory, 0, &memory->owner[LANE_WRITER]);
}

static __always_inline void emit_bound(struct sock *sk, struct socket_memory *memory, __u8 flags)
{
	emit_socket(SOCKET_BOUND, sk, memory, flags, has_untold_owner(memory) ? &memory->owner[LANE_WRITER] : 0);
	memory->marks |= MARK_BOUND;
}

/* connect(2). Most often the local port is chosen only afterwards, and learnt from the SYN going out. */
static __always_inline void on_connect(struct sock *sk)
{
	struct socket_memory *memory = remember(sk);

	if (!memory)
		return;
	memory->marks &= ~(MARK_BOUND | MARK_SEQ); /* a second attempt on the same socket is a new connection */
	memory->marks |= MARK_CONNECTED;
	take_owner(sk, memory);
	if (sk->__sk_common.skc_num)
		emit_bound(sk, memory, EVENT_ACTIVE);
}

static __always_inline void on_listen(struct sock *sk)
{
	struct socket_memory *memory;
	struct event_process process;

	if (!has_file(sk) || !read_current_leader(&process))
		return;
	memory = remember(sk);
	if (!memory)
		return;
	read_current_rest(&process);
	set_owner(memory, &process);
	emit_socket(SOCKET_LISTENING, sk, memory, 0, &process);
}

static __always_inline void on_established(struct sock *sk, int old_state)
{
	struct socket_memory *memory = remember(sk);

	if (!memory)
		return;
	note_seqs(sk, memory);
	if (memory->marks & MARK_BOUND)
		return;
	emit_bound(sk, memory,
		   old_state == STATE_SYN_RECV && !(memory->marks & MARK_CONNECTED) ? EVENT_PASSIVE : EVENT_ACTIVE);
}

static __always_inline void on_closed(struct sock *sk)
{
	struct socket_memory *memory = find_memory(sk);

	if (memory && memory->marks & MARK_EMITTED) {
		emit_socket(SOCKET_CLOSED, sk, memory, 0, 0);
		memory->marks &= ~MARK_EMITTED;
	}
}

/* close(2) with unread data, or with linger time 0, goes straight to CLOSE; so does a received RST, in softirq. Only
 * close sets both shutdown bits before the state changes. */
static __always_inline bool closes_itself(struct sock *sk, int old_state)
{
	return old_state == STATE_LISTEN ||
	       ((old_state == STATE_ESTABLISHED || old_state == STATE_CLOSE_WAIT) && sk->sk_shutdown == SHUTDOWN_MASK);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state, struct sock *sk, int old_state, int new_state)
{
	struct socket_memory *memory;

	if (sk->sk_protocol != PROTO_TCP)
		return 0;
	switch (new_state) {
	case STATE_SYN_SENT:
		on_connect(sk);
		break;
	case STATE_LISTEN:
		on_listen(sk);
		break;
	case STATE_ESTABLISHED:
		on_established(sk, old_state);
		break;
	case STATE_FIN_WAIT1:
	case STATE_LAST_ACK:
		memory = remember(sk);
		if (memory)
			hold_if_unowned(sk, memory);
		break;
	case STATE_CLOSE:
		memory = closes_itself(sk, old_state) ? remember(sk) : 0;
		if (memory)
			hold_if_unowned(sk, memory);
		if (!has_destroy)
			on_closed(sk);
		break;
	}
	return 0;
}

/* Better than the change to CLOSE: a socket whose connect failed may connect again. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tcp_destroyed, struct sock *sk)
{
	on_closed(sk);
	return 0;
}

#endif

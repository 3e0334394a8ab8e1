/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * use.bpf.h: which process writes and reads a socket, all protocols.
 *
 * The first process that uses a socket holds it. After that the hot path is: find the socket's memory, compare the
 * process, note the time; an event only when a lane changes hands.
 */
#ifndef PCAPDIG_USE_BPF_H
#define PCAPDIG_USE_BPF_H

/*
 * One use of a lane by the current process. A change of hands holds from where the process before stopped (`last_seq`).
 *
 * begin: TCP, where this use begins, for sockets first seen in the midst of their life.
 */
static __always_inline void use_lane(struct sock *sk, struct socket_memory *memory, int lane, __u32 begin, __u32 end)
{
	struct event_process process;

	if (!(memory->marks & MARK_ANNOUNCED && is_current(&memory->owner[lane]))) {
		if (!read_current_leader(&process))
			return;
		read_current_rest(&process);
		if (memory->marks & MARK_ANNOUNCED) {
			emit_change(sk, memory, lane, memory->marks & MARK_SEQ ? memory->last_seq[lane] : begin,
				    &process);
			copy_process(&memory->owner[lane], &process);
		} else {
			if (!has_file(sk))
				return;
			set_owner(memory, &process);
			emit_socket(SOCKET_HELD, sk, memory, 0, &process);
		}
	}
	memory->marks |= lane == LANE_READER ? MARK_READ : 0;
	memory->last_seq[lane] = end;
	if (sk->sk_protocol != PROTO_TCP) /* there the sequence number says where a lane changes hands */
		memory->last_ns[lane] = bpf_ktime_get_boot_ns();
}

/* A use that failed, or only looked (MSG_PEEK), names an owner where none is known and says nothing else. */
static __always_inline void touch(struct sock *sk, struct socket_memory *memory)
{
	struct event_process process;

	if (memory->marks & MARK_ANNOUNCED || !has_file(sk) || !read_current_leader(&process))
		return;
	read_current_rest(&process);
	set_owner(memory, &process);
	emit_socket(SOCKET_HELD, sk, memory, 0, &process);
}

/* The memory of a socket in use; NULL for what is not traced: other families, MPTCP's leading sockets (their subflows carry
 * the packets), and TCP without a connection, where such calls fail and tell nothing. */
static __always_inline struct socket_memory *in_use(struct sock *sk)
{
	__u16 protocol = sk->sk_protocol;
	__u8 state = sk->__sk_common.skc_state;

	if (!is_inet(sk))
		return 0;
	if (protocol == PROTO_TCP) {
		if (state == STATE_LISTEN || state == STATE_SYN_SENT)
			return 0;
		return state == STATE_CLOSE ? find_memory(sk) : remember(sk);
	}
	if (protocol != PROTO_UDP && protocol != PROTO_ICMP && protocol != PROTO_ICMPV6 && sk->sk_type != SOCK_RAW)
		return 0;
	return remember(sk);
}

static __always_inline int on_sent(struct sock *sk, int result)
{
	struct socket_memory *memory;
	__u32 end = 0;

	memory = in_use(sk);
	if (!memory)
		return 0;
	if (result < 0) {
		touch(sk, memory);
		return 0;
	}
	if (sk->sk_protocol == PROTO_TCP) {
		if (has_early_writer && memory->marks & MARK_ANNOUNCED)
			return 0;
		end = written_seq(sk);
	}
	use_lane(sk, memory, LANE_WRITER, end - result, end);
	return 0;
}

static __always_inline int on_received(struct sock *sk, int result, int flags)
{
	struct socket_memory *memory;
	__u32 end = 0;

	memory = in_use(sk);
	if (!memory)
		return 0;
	if (result < 0 || flags & (MSG_PEEK | MSG_ERRQUEUE)) {
		touch(sk, memory);
		return 0;
	}
	if (sk->sk_protocol == PROTO_TCP) {
		end = read_seq(sk);
		/* tcp_reads was here first; what it does not see is the end of the stream */
		if (result > 0 && memory->marks & MARK_SEQ && memory->marks & MARK_READ &&
		    memory->last_seq[LANE_READER] == end)
			return 0;
	}
	use_lane(sk, memory, LANE_READER, end - result, end);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(socket_sent, struct sock *sk, int result)
{
	return on_sent(sk, result);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(socket_received, struct sock *sk, int result, int flags)
{
	return on_received(sk, result, flags);
}

/* Before anything is queued, with the socket locked, so write_seq is exactly where this process begins. */
static __always_inline int on_write(struct sock *sk)
{
	struct socket_memory *memory = in_use(sk);
	__u32 begin;

	if (!memory)
		return 0;
	begin = written_seq(sk);
	memory->last_seq[LANE_WRITER] = begin;
	use_lane(sk, memory, LANE_WRITER, begin, begin);
	return 0;
}

/* Before each part of a write. */
SEC("tp_btf/tcp_sendmsg_locked")
int BPF_PROG(tcp_writes, struct sock *sk)
{
	return on_write(sk);
}

/* After each part of a read, in the reader's context; for splice and zero copy, which the hooks above do not see, and for
 * kernels that do not have them. It cannot tell MSG_PEEK, which leaves copied_seq where it was: no read, no change. */
SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(tcp_reads, struct sock *sk)
{
	struct socket_memory *memory;
	__u32 end;

	memory = in_use(sk);
	if (!memory)
		return 0;
	end = read_seq(sk);
	if (memory->marks & MARK_SEQ && memory->last_seq[LANE_READER] == end)
		touch(sk, memory);
	else
		use_lane(sk, memory, LANE_READER, end, end);
	return 0;
}

#endif

/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * functions.bpf.h: the same knowledge from kernel functions, where the kernel lets programs be attached to them.
 *
 * For kernels whose tracepoints do not tell (before 6.3 and 6.16), and for accept, which no tracepoint tells: with it an
 * accepted socket is named at once, and not only when it is first used.
 */
#ifndef PCAPDIG_FUNCTIONS_BPF_H
#define PCAPDIG_FUNCTIONS_BPF_H

SEC("fexit/inet_sendmsg")
int BPF_PROG(inet_sent, struct socket *socket, void *message, unsigned long size, int result)
{
	return on_sent(socket->sk, result);
}

SEC("fexit/inet6_sendmsg")
int BPF_PROG(inet6_sent, struct socket *socket, void *message, unsigned long size, int result)
{
	return on_sent(socket->sk, result);
}

SEC("fexit/inet_recvmsg")
int BPF_PROG(inet_received, struct socket *socket, void *message, unsigned long size, int flags, int result)
{
	return on_received(socket->sk, result, flags);
}

SEC("fexit/inet6_recvmsg")
int BPF_PROG(inet6_received, struct socket *socket, void *message, unsigned long size, int flags, int result)
{
	return on_received(socket->sk, result, flags);
}

/* Once a call, not once a part as the tracepoint. */
SEC("fentry/tcp_sendmsg_locked")
int BPF_PROG(tcp_begins_write, struct sock *sk)
{
	return on_write(sk);
}

/* The new socket has no file yet, so whether a process accepts or the kernel for itself is asked of the listening one. */
static __always_inline int on_accepted(struct sock *listener, struct sock *sk)
{
	struct socket_memory *memory;
	struct event_process process;

	if (!sk || sk->sk_protocol != PROTO_TCP || !has_file(listener) || !read_current_leader(&process))
		return 0;
	memory = remember(sk);
	if (!memory || memory->marks & MARK_OWNER)
		return 0;
	read_current_rest(&process);
	set_owner(memory, &process);
	emit_socket(SOCKET_HELD, sk, memory, 0, &process);
	return 0;
}

SEC("fexit/inet_csk_accept") /* since 6.10 */
int BPF_PROG(tcp_accepted, struct sock *listener, void *argument, struct sock *sk)
{
	return on_accepted(listener, sk);
}

SEC("fexit/inet_csk_accept") /* before */
int BPF_PROG(tcp_accepted_before_6_10, struct sock *listener, int flags, int *error, bool kern, struct sock *sk)
{
	return on_accepted(listener, sk);
}

#endif

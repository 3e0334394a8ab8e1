// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* packets.bcc.c: goes on where socktrace.bcc.c ends: packets at the cgroup hooks, as datagram.bpf.h. */

/* The address of a socket as a number, which the verifier lets out only by way of the stack. */
static __always_inline u64 address_of(void *sk)
{
	void *pointer = sk;
	u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), &pointer);
	return address;
}

static __always_inline void fill_key(struct peer_key *key, u64 cookie, const struct packet *packet, bool sent)
{
	key->cookie = cookie;
	__builtin_memcpy(key->local_addr, sent ? packet->source : packet->destination, 16);
	__builtin_memcpy(key->remote_addr, sent ? packet->destination : packet->source, 16);
	key->local_port = sent || packet->is_icmp ? packet->source_port : packet->destination_port;
	key->remote_port = sent ? packet->destination_port : packet->is_icmp ? 0 : packet->source_port;
	key->protocol = packet->protocol;
}

static __always_inline void emit_packet(struct __sk_buff *skb, u16 kind, u8 family, struct socket_memory *memory,
					const struct peer_key *key, u64 received_ns)
{
	struct socket_event event;

	begin(&event, kind, memory);
	event.family = family;
	event.protocol = key->protocol;
	event.flags = memory->marks & CONNECTED ? EVENT_ACTIVE : 0;
	event.local_port = key->local_port;
	event.remote_port = key->remote_port;
	__builtin_memcpy(event.local_addr, key->local_addr, 16);
	__builtin_memcpy(event.remote_addr, key->remote_addr, 16);
	if (received_ns) {
		event.head.time_ns = received_ns;
		event.flags |= EVENT_WALL_CLOCK;
	}
	if (kind == SOCKET_WRITER || has_untold_owner(memory)) {
		event.previous_ns = kind == SOCKET_WRITER ? memory->last_ns[WRITER] : 0;
		add_process(&event, memory, WRITER);
	}
	emit(skb, &event, memory);
}

/* `current` is the sender: see datagram.bpf.h. Linux 6.10 lets packet programs ask. */
static __always_inline bool writer_changed(struct socket_memory *memory)
{
	struct event_process process;

	if (!read_current(&process))
		return false;
	if (memory->marks & ANNOUNCED && same_process(&memory->owner[WRITER], &process))
		return false;
	memory->owner[WRITER] = process;
	if (memory->marks & ANNOUNCED)
		return true;
	memory->owner[READER] = process;
	memory->marks |= OWNED;
	return false;
}

/* Where counting begins: the first packet of each direction carries the first byte, or the SYN before it. */
static __always_inline void count_from(struct socket_memory *memory, const struct packet *packet, int lane)
{
	if (memory->marks & (COUNTED_WRITER << lane | BEFORE))
		return;
	memory->base[lane] = packet->seq + (packet->tcp_flags & TCP_FLAG_SYN ? 1 : 0);
	memory->marks |= COUNTED_WRITER << lane;
}

static __always_inline void on_tcp(struct __sk_buff *skb, struct bpf_sock *sk, const struct packet *packet, bool sent)
{
	u64 address = address_of(sk);
	struct socket_memory *memory = find(address);
	struct peer_key key = {};

	if (sk->state == LISTENING)
		return;
	if (!memory) {
		remember_from_before(address, bpf_get_socket_cookie(skb));
		return;
	}
	count_from(memory, packet, sent ? WRITER : READER);
	if (memory->marks & BOUND || (packet->tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) != TCP_FLAG_SYN)
		return;
	fill_key(&key, memory->cookie, packet, true);
	emit_packet(skb, SOCKET_BOUND, sk->family, memory, &key, 0);
	memory->marks |= BOUND;
}

static __always_inline void on_datagram(struct __sk_buff *skb, struct bpf_sock *sk, const struct packet *packet,
					bool sent, bool may_ask)
{
	u64 address = address_of(sk), received_ns = sent ? 0 : skb->tstamp;
	struct socket_memory *memory = find(address);
	struct peer_key key = {};
	u8 met = 1;

	if (!sent && sk->type == RAW_SOCKET && (packet->protocol == PROTO_UDP || packet->is_icmp))
		return;
	if (packet->is_icmp && !is_echo(packet, sent))
		return;
	/* the kernel answers echoes by a socket of its own, which cannot be told from one opened before recording */
	if (!memory && !packet->is_icmp)
		memory = remember_from_before(address, bpf_get_socket_cookie(skb));
	if (!memory)
		return;
	fill_key(&key, memory->cookie, packet, sent);
	/* one from before may be the kernel's own, for which `current` sends nothing: the tracepoints of use decide */
	if (sent && may_ask && !(memory->marks & BEFORE) && writer_changed(memory))
		emit_packet(skb, SOCKET_WRITER, sk->family, memory, &key, 0);
	if (!peers.lookup(&key) || has_untold_owner(memory)) {
		peers.update(&key, &met);
		emit_packet(skb, SOCKET_BOUND, sk->family, memory, &key, received_ns);
	}
	if (sent && may_ask && !(memory->marks & BEFORE))
		memory->last_ns[WRITER] = now_ns();
}

static __always_inline int on_packet(struct __sk_buff *skb, bool sent, bool may_ask)
{
	struct bpf_sock *sk = skb->sk;
	struct packet packet = {};

	if (!sk)
		return 1;
	sk = bpf_sk_fullsock(sk);
	if (!sk || !read_packet(skb, &packet, true))
		return 1;
	if (sk->protocol == PROTO_TCP)
		on_tcp(skb, sk, &packet, sent);
	else if (packet.protocol != PROTO_TCP)
		on_datagram(skb, sk, &packet, sent, may_ask);
	return 1;
}

int packet_sent(struct __sk_buff *skb)
{
	return on_packet(skb, true, true);
}

/* For kernels before 6.10: the writer is whoever made the socket, or used it by sock_send_length. */
int packet_sent_unasked(struct __sk_buff *skb)
{
	return on_packet(skb, true, false);
}

int packet_received(struct __sk_buff *skb)
{
	return on_packet(skb, false, false);
}

int socket_created(struct bpf_sock *sk)
{
	struct socket_memory *memory;

	if (sk->protocol == PROTO_TCP || (sk->family != INET && sk->family != INET6))
		return 1;
	memory = remember(address_of(sk), bpf_get_socket_cookie(sk));
	if (memory)
		own(memory);
	return 1;
}

int socket_released(struct bpf_sock *sk)
{
	u64 address = address_of(sk);
	struct socket_memory *memory;
	struct socket_event event;

	if (sk->protocol == PROTO_TCP)
		return 1;
	memory = find(address);
	if (!memory)
		return 1;
	if (memory->marks & EMITTED) {
		begin(&event, SOCKET_CLOSED, memory);
		event.family = sk->family;
		event.protocol = sk->protocol;
		emit(sk, &event, memory);
	}
	sockets.delete(&address);
	return 1;
}

/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * datagram.bpf.h: packets beside their sockets, at the cgroup hooks of the root cgroup.
 *
 * Here the packet's own addresses meet the socket: for a TCP SYN going out, and once for each (socket, peer) of datagrams
 * and echoes, so that wildcard addresses and SO_REUSEPORT groups are settled by the kernel's own choice. A packet going out
 * is seen here before it is captured. Every program lets every packet pass.
 */
#ifndef PCAPDIG_DATAGRAM_BPF_H
#define PCAPDIG_DATAGRAM_BPF_H

#define PACKET_HOST     0 /* include/uapi/linux/if_packet.h */
#define PACKET_OUTGOING 4

struct peer_key {
	__u64 owner; /* of what may be given to several sockets at once: the cookie; else the network namespace */
	__u8 local_addr[16];
	__u8 remote_addr[16];
	__u16 local_port;
	__u16 remote_port;
	__u8 protocol;
	__u8 unused[3];
};

static __always_inline void fill_key(struct peer_key *key, __u64 owner, const struct packet *packet, bool sent)
{
	key->owner = owner;
	__builtin_memcpy(key->local_addr, sent ? packet->source : packet->destination, 16);
	__builtin_memcpy(key->remote_addr, sent ? packet->destination : packet->source, 16);
	key->local_port = sent || packet->is_icmp ? packet->source_port : packet->destination_port;
	key->remote_port = sent ? packet->destination_port : packet->is_icmp ? 0 : packet->source_port;
	key->protocol = packet->protocol;
	__builtin_memset(key->unused, 0, sizeof(key->unused));
}

/* A forgotten peer costs one event more when it comes back. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct peer_key);
	__type(value, __u64); /* cookie of the socket that met this peer last */
} peers SEC(".maps");

/*
 * Memory of the socket a cgroup program was given. There the verifier shows only struct bpf_sock, so the address is taken as
 * a number through the stack, and the rest read as anywhere else.
 */
static __always_inline struct socket_memory *remember_at_packet(struct bpf_sock *visible, __u64 cookie)
{
	struct socket_memory *memory = bpf_sk_storage_get(&sockets, visible, 0, BPF_SK_STORAGE_GET_F_CREATE);
	struct bpf_sock *pointer = visible;
	struct sock *sk = 0;

	if (!memory || memory->cookie)
		return memory;
	bpf_probe_read_kernel(&sk, sizeof(sk), &pointer);
	memory->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	if (has_file(sk))
		memory->marks |= MARK_HAS_FILE;
	memory->cookie = cookie;
	return memory;
}

/* What stands in the memory as owner and was not told yet goes with the event. */
static __always_inline void emit_packet(__u16 kind, struct bpf_sock *sk, struct socket_memory *memory,
					const struct peer_key *key, __u64 received_ns)
{
	struct socket_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		count_lost();
		return;
	}
	fill_head(event, kind, memory);
	event->family = sk->family;
	__builtin_memcpy(event->local_addr, key->local_addr, 16);
	__builtin_memcpy(event->remote_addr, key->remote_addr, 16);
	event->local_port = key->local_port;
	event->remote_port = key->remote_port;
	event->protocol = key->protocol;
	if (sk->protocol == PROTO_TCP) /* only for a SYN going out */
		event->flags |= EVENT_ACTIVE;
	if (received_ns) {
		event->head.time_ns = received_ns;
		event->flags |= EVENT_WALL_CLOCK;
	}
	if (kind == SOCKET_WRITER) {
		event->previous_ns = memory->last_ns[LANE_WRITER];
		fill_process(event, &memory->owner[LANE_WRITER]);
	} else if (has_untold_owner(memory)) {
		fill_process(event, &memory->owner[LANE_WRITER]);
		memory->marks |= MARK_ANNOUNCED;
	}
	memory->marks |= MARK_EMITTED;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

/* True when this peer is met for the first time, or was last met by another socket. */
static __always_inline bool is_new(const struct peer_key *key, __u64 cookie)
{
	__u64 *last = bpf_map_lookup_elem(&peers, key);

	if (last && *last == cookie)
		return false;
	bpf_map_update_elem(&peers, key, &cookie, BPF_ANY);
	return true;
}

/*
 * A datagram to one receiver goes to one socket, which may be another than the last time: groups of SO_REUSEPORT that grow
 * and shrink, a wildcard socket beside one of that address. Multicast, and raw sockets, are given copies.
 */
static __always_inline bool has_one_socket(struct __sk_buff *skb, struct bpf_sock *sk, const struct packet *packet)
{
	return packet->protocol == PROTO_UDP && sk->type == SOCK_DGRAM &&
	       (skb->pkt_type == PACKET_HOST || skb->pkt_type == PACKET_OUTGOING);
}

/*
 * The sender of a datagram. A user's datagram socket sends only from a system call (or an io_uring worker of the process),
 * so `current` is the sender. True when the writer changed hands with this packet.
 */
static __always_inline bool writer_changed(struct socket_memory *memory)
{
	struct event_process process;

	if (!read_current_leader(&process))
		return false;
	if (memory->marks & MARK_ANNOUNCED && same_process(&memory->owner[LANE_WRITER], &process))
		return false;
	read_current_rest(&process);
	if (memory->marks & MARK_ANNOUNCED) {
		copy_process(&memory->owner[LANE_WRITER], &process);
		return true;
	}
	set_owner(memory, &process);
	return false;
}

static __always_inline void on_datagram(struct __sk_buff *skb, struct bpf_sock *sk, const struct packet *packet,
					bool sent)
{
	__u64 received_ns = sent ? 0 : skb->tstamp;
	struct socket_memory *memory;
	struct peer_key key;

	/* a raw socket is given a copy of what belongs to others */
	if (!sent && sk->type == SOCK_RAW &&
	    (packet->protocol == PROTO_TCP || packet->protocol == PROTO_UDP || packet->protocol == PROTO_ICMP ||
	     packet->protocol == PROTO_ICMPV6))
		return;
	if (packet->is_icmp && !is_echo(packet, sent))
		return;
	memory = remember_at_packet(sk, bpf_get_socket_cookie(skb));
	if (!memory || !(memory->marks & MARK_HAS_FILE))
		return;
	fill_key(&key, has_one_socket(skb, sk, packet) ? 1ULL << 63 | memory->netns : memory->cookie, packet, sent);
	if (sent && writer_changed(memory))
		emit_packet(SOCKET_WRITER, sk, memory, &key, 0);
	if (is_new(&key, memory->cookie) || has_untold_owner(memory))
		emit_packet(SOCKET_BOUND, sk, memory, &key, received_ns);
	if (sent)
		memory->last_ns[LANE_WRITER] = bpf_ktime_get_boot_ns();
}

static __always_inline void on_syn(struct __sk_buff *skb, struct bpf_sock *sk, const struct packet *packet)
{
	struct socket_memory *memory = remember_at_packet(sk, bpf_get_socket_cookie(skb));
	struct peer_key key;

	if (!memory || memory->marks & MARK_BOUND)
		return;
	fill_key(&key, memory->cookie, packet, true);
	emit_packet(SOCKET_BOUND, sk, memory, &key, 0);
	memory->marks |= MARK_BOUND;
}

static __always_inline int on_packet(struct __sk_buff *skb, bool sent)
{
	struct bpf_sock *sk = skb->sk;
	struct packet packet;

	if (!sk)
		return 1;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 1;
	/* of TCP only the SYN going out is of interest */
	if (sk->protocol == PROTO_TCP && (!sent || sk->state != STATE_SYN_SENT))
		return 1;
	if (!read_packet(skb, &packet, sent))
		return 1;
	if (packet.protocol != PROTO_TCP)
		on_datagram(skb, sk, &packet, sent);
	else if ((packet.tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN && sk->protocol == PROTO_TCP)
		on_syn(skb, sk, &packet);
	else if (sk->protocol != PROTO_TCP)
		on_datagram(skb, sk, &packet, sent);
	return 1;
}

SEC("cgroup_skb/egress")
int packet_sent(struct __sk_buff *skb)
{
	return on_packet(skb, true);
}

SEC("cgroup_skb/ingress")
int packet_received(struct __sk_buff *skb)
{
	return on_packet(skb, false);
}

/* socket(2): whoever makes a datagram socket is its owner until someone uses it. The hook never runs for the kernel's own. */
SEC("cgroup/sock_create")
int socket_created(struct bpf_sock *sk)
{
	struct socket_memory *memory;
	struct event_process process;

	if (sk->protocol == PROTO_TCP || (sk->family != AF_INET && sk->family != AF_INET6))
		return 1;
	if (!read_current_leader(&process))
		return 1;
	memory = remember_at_packet(sk, bpf_get_socket_cookie(sk));
	if (!memory)
		return 1;
	memory->marks |= MARK_HAS_FILE;
	read_current_rest(&process);
	set_owner(memory, &process);
	return 1;
}

SEC("cgroup/sock_release")
int socket_released(struct bpf_sock *sk)
{
	struct socket_memory *memory;
	struct socket_event *event;

	if (sk->protocol == PROTO_TCP)
		return 1;
	memory = bpf_sk_storage_get(&sockets, sk, 0, 0);
	if (!memory || !(memory->marks & MARK_EMITTED))
		return 1;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		count_lost();
		return 1;
	}
	fill_head(event, SOCKET_CLOSED, memory);
	event->family = sk->family;
	event->protocol = sk->protocol;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 1;
}

#endif

/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * packet.h: addresses and ports of a packet at the cgroup hooks, where it begins with its IP header. Both probes use it.
 */
#ifndef PCAPDIG_PACKET_H
#define PCAPDIG_PACKET_H

#ifndef barrier_var /* libbpf's, which bcc has not */
#define barrier_var(variable) asm volatile("" : "+r"(variable))
#endif

#define ETHERTYPE_IPV4 0x0800 /* include/uapi/linux/if_ether.h: ETH_P_IP, ETH_P_IPV6 */
#define ETHERTYPE_IPV6 0x86DD

enum ip_protocol { /* include/uapi/linux/in.h, in6.h */
		   PROTO_HOPOPTS = 0,
		   PROTO_ICMP = 1,
		   PROTO_TCP = 6,
		   PROTO_UDP = 17,
		   PROTO_ROUTING = 43,
		   PROTO_FRAGMENT = 44,
		   PROTO_AH = 51,
		   PROTO_ICMPV6 = 58,
		   PROTO_DSTOPTS = 60,
};

#define EXTENSION_HEADERS_MAX 6 /* RFC 8200 section 4.1 names six before the transport's; each may be there once */
#define TCP_FLAG_SYN          0x02
#define TCP_FLAG_ACK          0x10
#define ICMP_ECHO_REQUEST     8
#define ICMP_ECHO_REPLY       0
#define ICMPV6_ECHO_REQUEST   128
#define ICMPV6_ECHO_REPLY     129

struct packet {
	__u8 source[16]; /* IPv4 as ::ffff:a.b.c.d */
	__u8 destination[16];
	__u16 source_port; /* host byte order; 0 where the protocol has none */
	__u16 destination_port;
	__u32 seq; /* TCP */
	__u8 protocol;
	__u8 tcp_flags;
	__u8 icmp_type;
	bool is_icmp;
};

static __always_inline void map_ipv4(__u8 *mapped, const void *address)
{
	__builtin_memset(mapped, 0, 10);
	mapped[10] = 0xff;
	mapped[11] = 0xff;
	__builtin_memcpy(mapped + 12, address, 4);
}

/* Offset of the transport header, or -1. */
static __always_inline int read_ipv4(struct __sk_buff *skb, struct packet *packet)
{
	__u8 header[20];

	if (bpf_skb_load_bytes(skb, 0, header, sizeof(header)))
		return -1;
	packet->protocol = header[9];
	map_ipv4(packet->source, header + 12);
	map_ipv4(packet->destination, header + 16);
	return (header[0] & 0xf) * 4;
}

static __always_inline int read_ipv6(struct __sk_buff *skb, struct packet *packet)
{
	__u8 header[40], extension[2], next;
	int offset = sizeof(header);

	if (bpf_skb_load_bytes(skb, 0, header, sizeof(header)))
		return -1;
	__builtin_memcpy(packet->source, header + 8, 16);
	__builtin_memcpy(packet->destination, header + 24, 16);
	next = header[6];
#pragma unroll
	for (int i = 0; i < EXTENSION_HEADERS_MAX; i++) {
		if (next != PROTO_HOPOPTS && next != PROTO_ROUTING && next != PROTO_DSTOPTS && next != PROTO_FRAGMENT &&
		    next != PROTO_AH)
			break;
		if (bpf_skb_load_bytes(skb, offset, extension, sizeof(extension)))
			return -1;
		offset += next == PROTO_FRAGMENT ? 8
			  : next == PROTO_AH     ? (extension[1] + 2) * 4
						 : (extension[1] + 1) * 8;
		next = extension[0];
	}
	packet->protocol = next;
	return offset;
}

static __always_inline bool read_transport(struct __sk_buff *skb, int offset, struct packet *packet)
{
	__u8 protocol = packet->protocol;
	__be16 words[4] = {};
	__u16 first, second, identifier;

	packet->tcp_flags = 0;
	if (protocol == PROTO_TCP || protocol == PROTO_UDP || protocol == PROTO_ICMP || protocol == PROTO_ICMPV6) {
		if (bpf_skb_load_bytes(skb, offset, words, sizeof(words)))
			return false;
	}
	if (protocol == PROTO_TCP && bpf_skb_load_bytes(skb, offset + 13, &packet->tcp_flags, 1))
		return false;
	/* all three are read before one is chosen: choosing between stack addresses is beyond the verifier */
	first = bpf_ntohs(words[0]);
	second = bpf_ntohs(words[1]);
	identifier = bpf_ntohs(words[2]);
	barrier_var(first);
	barrier_var(second);
	barrier_var(identifier);
	packet->seq = (__u32)bpf_ntohs(words[2]) << 16 | bpf_ntohs(words[3]);
	packet->icmp_type = first >> 8;
	packet->is_icmp = protocol == PROTO_ICMP || protocol == PROTO_ICMPV6;
	packet->source_port = packet->is_icmp ? identifier : first;
	packet->destination_port = packet->is_icmp ? 0 : second;
	return true;
}

/* False where the packet is not IP, cut before its ports, or TCP that is not wanted. For ICMP source_port is the echo
 * identifier, whatever the type. */
static __always_inline bool read_packet(struct __sk_buff *skb, struct packet *packet, bool wants_tcp)
{
	int offset = -1;

	if (skb->protocol == bpf_htons(ETHERTYPE_IPV4))
		offset = read_ipv4(skb, packet);
	else if (skb->protocol == bpf_htons(ETHERTYPE_IPV6))
		offset = read_ipv6(skb, packet);
	if (offset <= 0 || (packet->protocol == PROTO_TCP && !wants_tcp))
		return false;
	return read_transport(skb, offset, packet);
}

static __always_inline bool is_echo(const struct packet *packet, bool sent)
{
	if (packet->protocol == PROTO_ICMP)
		return packet->icmp_type == ICMP_ECHO_REPLY || (sent && packet->icmp_type == ICMP_ECHO_REQUEST);
	return packet->icmp_type == ICMPV6_ECHO_REPLY || (sent && packet->icmp_type == ICMPV6_ECHO_REQUEST);
}

#endif

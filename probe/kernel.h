/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * kernel.h: the few kernel types the CO-RE probe looks into.
 *
 * Only the fields read are named; libbpf finds their real offsets in the running kernel's BTF when the program is loaded
 * (preserve_access_index), so the build machine needs neither BTF nor bpftool. Order and gaps mean nothing here.
 * Constants are the kernel's, with the header they come from.
 */
#ifndef PCAPDIG_KERNEL_H
#define PCAPDIG_KERNEL_H

#define AF_INET       2 /* include/linux/socket.h */
#define AF_INET6      10
#define MSG_PEEK      0x2
#define MSG_ERRQUEUE  0x2000
#define SOCK_STREAM   1 /* include/linux/net.h */
#define SOCK_DGRAM    2
#define SOCK_RAW      3
#define SHUTDOWN_MASK 3          /* include/net/sock.h */
#define LOCK_PORT     8          /* SOCK_BINDPORT_LOCK: bind(2) named the port; an accepted socket never has it */
#define LOCK_CONNECT  16         /* SOCK_CONNECT_BIND: connect(2) chose the port; since 6.18 */
#define PF_KTHREAD    0x00200000 /* include/linux/sched.h */

enum tcp_state { /* include/net/tcp_states.h */
		 STATE_ESTABLISHED = 1,
		 STATE_SYN_SENT = 2,
		 STATE_SYN_RECV = 3,
		 STATE_FIN_WAIT1 = 4,
		 STATE_CLOSE = 7,
		 STATE_CLOSE_WAIT = 8,
		 STATE_LAST_ACK = 9,
		 STATE_LISTEN = 10,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num; /* local port, host byte order; 0 while none is chosen */
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct file;
struct sock;

struct socket {
	struct file *file; /* NULL: the kernel's own socket */
	struct sock *sk;
};

struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	__u16 sk_protocol;
	__u16 sk_type;
	__u8 sk_shutdown;
	__u8 sk_userlocks;        /* a bit field before 5.x: read with BPF_CORE_READ_BITFIELD_PROBED */
	__u32 sk_max_ack_backlog; /* of listen(2); an accepted socket keeps its listener's */
};

struct inet_sock {
	struct sock sk;
	__be16 inet_sport; /* unlike skc_num it outlives the port's release */
};

struct tcp_sock {
	__u32 copied_seq; /* next byte a process will read */
	__u32 write_seq;  /* next byte a process will write */
	__u32 packets_out;
	__u32 total_retrans;
	__u64 bytes_acked; /* of a SYN that was sent one, of a SYN+ACK none */
	__u64 bytes_sent;  /* payload */
};

typedef struct {
	__u32 val;
} kuid_t;

struct cred {
	kuid_t euid;
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live; /* threads not yet dead */
};

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct task_struct {
	unsigned int flags;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	__u64 start_boottime;
	const struct cred *cred;
	char comm[16];
	struct signal_struct *signal;
	struct mm_struct *mm;
	__u64 self_exec_id;
	struct css_set *cgroups;
};

struct linux_binprm {
	const char *interp; /* the file run: for a script its interpreter */
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#pragma clang attribute pop

#endif

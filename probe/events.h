/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * events.h: the contract between the kernel probes and user space.
 *
 * Both probes (socktrace.bpf.c, socktrace.bcc.c) and the polling tracers emit exactly these structures; the native
 * record loop (pcapdig/attribution/_ledger.pyx) reads them. Host byte order, fixed widths, no padding (asserted below).
 * New fields go at the end and raise PCAPDIG_EVENTS_VERSION.
 *
 * A socket is named by its cookie, which the kernel never uses twice in one boot. Who owns it is a timeline with two
 * lanes, because one process may write what another reads: the writer (who sent a packet) and the reader (who received
 * it). The first process known for a socket takes both lanes. After that an event is emitted only when a lane changes
 * hands, so cost follows connections and not traffic.
 *
 * For TCP a change says from which sequence number on it holds (`seq`): bytes at or after `seq` belong to the new
 * process, whatever the packets' times. For other protocols a change of writer holds from `time_ns`; a change of reader
 * holds for packets later than `previous_ns`, the last moment at which the reader before it received something.
 */
#ifndef PCAPDIG_EVENTS_H
#define PCAPDIG_EVENTS_H

#define PCAPDIG_EVENTS_VERSION 1

enum event_kind {
	SOCKET_BOUND = 1,  /* its addresses are now these; process given only where it is already known. A UDP socket is
			    * bound once for each peer. For a datagram or SYN, emitted before the packet is captured
			    * (egress) or stamped with the packet's own time (ingress) */
	SOCKET_HELD = 2,   /* both lanes are this process's: first owner known (connect, use, close), or snapshot */
	SOCKET_WRITER = 3, /* the writer changed */
	SOCKET_READER = 4, /* the reader changed */
	SOCKET_LISTENING = 5, /* listens (TCP), held by this process; remote address and port are 0 */
	SOCKET_CLOSED = 6,    /* no more packets but those the kernel still owes (time-wait, retransmitted FIN) */
	PROCESS_FORKED = 16,  /* struct process_event from here on */
	PROCESS_EXECED = 17,
	PROCESS_EXITED = 18,
};

enum socket_event_flags {
	EVENT_HAS_PROCESS = 1, /* `process` is filled in */
	EVENT_HAS_SEQ = 2,     /* `seq` is filled in (TCP) */
	EVENT_WALL_CLOCK = 4,  /* time_ns is CLOCK_REALTIME: a received packet's own time stamp */
	EVENT_PASSIVE = 8,     /* TCP: made by a listening socket, so this end is the server; UDP: waits for anyone on a
				* port that was named to bind(2) (set in user space only, pcapdig/tracer/roles.py) */
	EVENT_ACTIVE = 16,     /* this end connected, so it is the client */
	EVENT_FIXED_PORT = 32, /* UDP, snapshot: the port was named to bind(2) */
	EVENT_CHOSEN_PORT = 64, /* UDP, snapshot: the kernel chose the port */
};

enum event_evidence {
	EVIDENCE_NONE = 0,
	EVIDENCE_SOCKET = 1,   /* an event of that very socket */
	EVIDENCE_SNAPSHOT = 2, /* held when recording started */
	EVIDENCE_LISTENER = 3, /* never accepted: the listening socket's holder (set in user space only) */
	EVIDENCE_PROCFS = 4,   /* polled from /proc */
};

struct event_head {
	__u16 kind;    /* enum event_kind */
	__u16 size;    /* bytes of the whole event, this head included */
	__u32 version; /* PCAPDIG_EVENTS_VERSION */
	__u64 time_ns; /* CLOCK_BOOTTIME, unless EVENT_WALL_CLOCK */
};

struct event_process {
	__u32 tgid;    /* process id, initial pid namespace */
	__u32 tid;     /* thread id, initial pid namespace */
	__u32 uid;     /* effective user id, initial user namespace */
	__u32 exec_id; /* counts execve: task_struct.self_exec_id of the thread group's leader; 0 where not known */
	__u64 start_boot_ns; /* start of the process (group leader), CLOCK_BOOTTIME; 0 where not known */
	char comm[16];       /* the group leader's comm at this moment, NUL-padded */
};

struct socket_event {
	struct event_head head;
	__u64 cookie; /* socket cookie, not 0 */
	__u64
	    previous_ns; /* SOCKET_READER, SOCKET_WRITER: not TCP: when the one before last used this lane, CLOCK_BOOTTIME; 0: never */
	__u32 netns;       /* network namespace, inode number of /proc/PID/ns/net; 0 where not known */
	__u32 seq;         /* with EVENT_HAS_SEQ: first sequence number of the new owner */
	__u16 local_port;  /* host byte order; for ICMP echo the identifier */
	__u16 remote_port; /* host byte order; for ICMP echo 0 */
	__u8 protocol;     /* IPPROTO_* as in the packet: 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6 */
	__u8 flags;        /* enum socket_event_flags */
	__u8 evidence;     /* enum event_evidence */
	__u8 family;       /* AF_INET 2 or AF_INET6 10, of the socket */
	__u8 local_addr
	    [16]; /* network byte order; IPv4 as ::ffff:a.b.c.d, also for AF_INET; wildcard of AF_INET ::ffff:0.0.0.0 */
	__u8 remote_addr[16];
	struct event_process process;
};

#define PROCESS_TEXT_MAX 768

struct process_event {
	struct event_head head;       /* head.size covers only the part of `text` in use */
	struct event_process process; /* forked: the child; execed: as it is after execve */
	__u64 parent_start_boot_ns;
	__u64 cgroup_id; /* of cgroup v2; 0 where not known */
	__u32 parent_tgid;
	__u16 filename_size; /* execed: bytes of the path of the program (for a script of its interpreter), no NUL */
	__u16 args_size;     /* execed: bytes of argv that follow, NUL between arguments, cut at 512 */
	char text[PROCESS_TEXT_MAX];
};

_Static_assert(sizeof(struct event_head) == 16, "event_head is 16 bytes");
_Static_assert(sizeof(struct event_process) == 40, "event_process is 40 bytes");
_Static_assert(sizeof(struct socket_event) == 120, "socket_event is 120 bytes");
_Static_assert(sizeof(struct process_event) == 80 + PROCESS_TEXT_MAX, "process_event has 80 bytes before its text");

#endif

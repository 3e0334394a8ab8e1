// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * socktrace.bpf.c: tells user space which process owns which socket (events.h), through libbpf and CO-RE.
 *
 * Three sources, each program optional (probe/README.md lists hook, event, oldest kernel and cost):
 *
 *	tcp.bpf.h	connections: the state changes of TCP sockets
 *	use.bpf.h	use: which process reads and writes, for all protocols; functions.bpf.h where tracepoints do not tell
 *	datagram.bpf.h	packets at the cgroup hooks: a SYN going out, datagrams and echoes once for each peer
 *
 * and process.bpf.h for fork, exec and exit, holders.bpf.h for what was there before. In softirq `current` is whoever was
 * interrupted, so a process is taken only where the hook runs in the process's own context.
 */
#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#include "events.h"
#include "kernel.h"

/* BPF_PROG names the context and every argument of a hook, used or not. */
#pragma clang diagnostic ignored "-Wunused-parameter"

#include "packet.h"
#include "process.bpf.h"
#include "socket.bpf.h"

/* Set before loading to what could be had, so that nothing is done twice. */
const volatile bool has_destroy = true;      /* tp_btf/tcp_destroy_sock tells of TCP sockets' end */
const volatile bool has_early_writer = true; /* a write is seen before its bytes leave */

#include "tcp.bpf.h"
#include "use.bpf.h"

#include "functions.bpf.h"

#include "datagram.bpf.h"
#include "holders.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

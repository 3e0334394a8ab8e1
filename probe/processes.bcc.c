// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* processes.bcc.c: goes on where packets.bcc.c ends: the life of processes, as process.bpf.h. */

struct process_head { /* struct process_event without its text */
	struct event_head head;
	struct event_process process;
	u64 parent_start_boot_ns;
	u64 cgroup_id;
	u32 parent_tgid;
	u16 filename_size;
	u16 args_size;
};

static __always_inline void emit_process(void *ctx, u16 kind, u32 tgid, const struct known_process *known,
					 u32 parent_tgid, u64 parent_start_boot_ns)
{
	struct process_head event;

	__builtin_memset(&event, 0, sizeof(event));
	event.head.kind = kind;
	event.head.size = sizeof(event);
	event.head.version = PCAPDIG_EVENTS_VERSION;
	event.head.time_ns = now_ns();
	event.process.tgid = tgid;
	event.process.tid = tgid;
	event.process.uid = (u32)bpf_get_current_uid_gid();
	event.process.exec_id = known->exec_id;
	event.process.start_boot_ns = known->start_boot_ns;
	__builtin_memcpy(event.process.comm, known->comm, 16);
	event.parent_tgid = parent_tgid;
	event.parent_start_boot_ns = parent_start_boot_ns;
	output(ctx, &event, sizeof(event));
}

#ifdef HAS_PROCESSES
TRACEPOINT_PROBE(task, task_newtask)
{
	u32 parent_tgid = bpf_get_current_pid_tgid() >> 32, tgid = args->pid;
	struct known_process *parent = processes.lookup(&parent_tgid);
	struct known_process child = {};

	/* a parent that is not in the table is kthreadd, or was not filled in yet: then the child is read from /proc with it */
	if (args->clone_flags & NEW_THREAD || !parent)
		return 0;
	child.start_boot_ns = now_ns();
	child.exec_id = parent->exec_id;
	bpf_probe_read_kernel(child.comm, 16, (void *)args->comm);
	processes.update(&tgid, &child);
	emit_process(args, PROCESS_FORKED, tgid, &child, parent_tgid, parent->start_boot_ns);
	return 0;
}

TRACEPOINT_PROBE(task, task_rename)
{
	u32 tgid = args->pid; /* of other threads than the leader there is no entry */
	struct known_process *known = processes.lookup(&tgid);

	if (known)
		bpf_probe_read_kernel(known->comm, 16, (void *)args->newcomm);
	return 0;
}

TRACEPOINT_PROBE(sched, sched_process_exec)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct known_process *known = processes.lookup(&tgid);

	if (!known)
		return 0;
	known->exec_id += 1;
	bpf_get_current_comm(known->comm, 16);
	emit_process(args, PROCESS_EXECED, tgid, known, 0, 0);
	return 0;
}

TRACEPOINT_PROBE(sched, sched_process_exit)
{
	u64 ids = bpf_get_current_pid_tgid();
	u32 tgid = ids >> 32;
	struct known_process *known = processes.lookup(&tgid);

	if (known && tgid == (u32)ids)
		emit_process(args, PROCESS_EXITED, tgid, known, 0, 0);
	return 0;
}

/* Long after exit: the descriptors that exit closes are still its own. */
TRACEPOINT_PROBE(sched, sched_process_free)
{
	u32 tgid = args->pid;

	processes.delete(&tgid);
	return 0;
}
#endif

/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * process.bpf.h: who a task is, and the life of processes.
 *
 * Reads go through bpf_probe_read_kernel, so that the same lines serve tracing and cgroup programs; only is_current, which
 * runs with each read and write of a process, reads directly.
 */
#ifndef PCAPDIG_PROCESS_BPF_H
#define PCAPDIG_PROCESS_BPF_H

#include "emit.bpf.h"

#define FILENAME_MAX_BYTES 256 /* a power of two, with ARGS_MAX_BYTES it fills process_event.text */
#define ARGS_MAX_BYTES     512

/* What tells one process from another: everything but tid and uid. */
static __always_inline void read_leader(struct task_struct *leader, struct event_process *process)
{
	process->tgid = BPF_CORE_READ(leader, tgid);
	process->exec_id = BPF_CORE_READ(leader, self_exec_id);
	process->start_boot_ns = BPF_CORE_READ(leader, start_boottime);
	bpf_core_read(process->comm, sizeof(process->comm), &leader->comm);
}

static __always_inline void read_process(struct task_struct *task, struct event_process *process)
{
	read_leader(BPF_CORE_READ(task, group_leader), process);
	process->tid = BPF_CORE_READ(task, pid);
	process->uid = BPF_CORE_READ(task, cred, euid.val);
}

/* False for kernel threads: what they do to a socket is not done in its owner's name. tid and uid are left 0: most
 * often the result is only compared. */
static __always_inline bool read_current_leader(struct event_process *process)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return false;
	process->tid = 0;
	process->uid = 0;
	read_leader(BPF_CORE_READ(task, group_leader), process);
	return true;
}

static __always_inline void read_current_rest(struct event_process *process)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	process->tid = BPF_CORE_READ(task, pid);
	process->uid = BPF_CORE_READ(task, cred, euid.val);
}

static __always_inline bool same_process(const struct event_process *a, const struct event_process *b)
{
	const __u64 *a_comm = (const __u64 *)a->comm, *b_comm = (const __u64 *)b->comm;

	return a->start_boot_ns == b->start_boot_ns && a->tgid == b->tgid && a->exec_id == b->exec_id &&
	       a_comm[0] == b_comm[0] && a_comm[1] == b_comm[1];
}

/* Tracing programs only: whether the current process is this one. */
static __always_inline bool is_current(const struct event_process *process)
{
	struct task_struct *leader = bpf_get_current_task_btf()->group_leader;
	const __u64 *known = (const __u64 *)process->comm;
	__u64 comm[2];

	if (leader->tgid != (int)process->tgid || leader->start_boottime != process->start_boot_ns ||
	    (__u32)leader->self_exec_id != process->exec_id)
		return false;
	bpf_core_read(comm, sizeof(comm), &leader->comm);
	return comm[0] == known[0] && comm[1] == known[1];
}

static __always_inline void fill_process_event(struct process_event *event, __u16 kind, struct task_struct *task)
{
	struct task_struct *parent = BPF_CORE_READ(task, real_parent, group_leader);

	event->head.kind = kind;
	event->head.size = sizeof(*event) - PROCESS_TEXT_MAX;
	event->head.version = PCAPDIG_EVENTS_VERSION;
	event->head.time_ns = bpf_ktime_get_boot_ns();
	read_process(task, &event->process);
	event->parent_start_boot_ns = BPF_CORE_READ(parent, start_boottime);
	event->parent_tgid = BPF_CORE_READ(parent, tgid);
	event->cgroup_id = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	event->filename_size = 0;
	event->args_size = 0;
}

/* Fork and exit carry no text, so they take only the first part of the structure from the ring. */
static __always_inline int emit_without_text(__u16 kind, struct task_struct *task)
{
	struct process_event *event = bpf_ringbuf_reserve(&events, sizeof(struct process_event) - PROCESS_TEXT_MAX, 0);

	if (!event)
		return count_lost();
	fill_process_event(event, kind, task);
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_forked, struct task_struct *parent, struct task_struct *child)
{
	if (child->pid != child->tgid || child->flags & PF_KTHREAD)
		return 0;
	return emit_without_text(PROCESS_FORKED, child);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exited, struct task_struct *task)
{
	/* live was lowered before the tracepoint, so the last thread of the group sees 0 */
	if (task->flags & PF_KTHREAD || BPF_CORE_READ(task, signal, live.counter) != 0)
		return 0;
	return emit_without_text(PROCESS_EXITED, BPF_CORE_READ(task, group_leader));
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_execed, struct task_struct *task, int old_pid, struct linux_binprm *program)
{
	unsigned long args_start = BPF_CORE_READ(task, mm, arg_start);
	unsigned long args_size = BPF_CORE_READ(task, mm, arg_end) - args_start;
	struct process_event *event;
	__u32 filename_size;
	long copied;

	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return count_lost();
	fill_process_event(event, PROCESS_EXECED, task);
	copied = bpf_probe_read_kernel_str(event->text, FILENAME_MAX_BYTES, BPF_CORE_READ(program, interp));
	/* a path that does not fit would be a wrong path: leave it out */
	filename_size = copied > 0 && copied < FILENAME_MAX_BYTES ? (copied - 1) & (FILENAME_MAX_BYTES - 1) : 0;
	if (args_size > ARGS_MAX_BYTES)
		args_size = ARGS_MAX_BYTES;
	if (bpf_probe_read_user(event->text + filename_size, args_size, (void *)args_start))
		args_size = 0;
	event->filename_size = filename_size;
	event->args_size = args_size;
	event->head.size += filename_size + args_size;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 0;
}

#endif

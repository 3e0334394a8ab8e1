"""May this process load eBPF programs? Asked before trying, so that the answer is one line and not a verifier's log."""

from __future__ import annotations

from pathlib import Path

CAPABILITIES = {"net_admin": 12, "sys_admin": 21, "perfmon": 38, "bpf": 39}
"""Bits of include/uapi/linux/capability.h."""
NEEDED = ("bpf", "perfmon", "net_admin")


def missing_capabilities(status: Path = Path("/proc/self/status")) -> tuple[str, ...]:
    """Names of the capabilities that eBPF tracing needs and the process lacks, none when it may trace.

    CAP_SYS_ADMIN stands for bpf and perfmon, as it does in the kernel (kernel/bpf/syscall.c).
    """
    effective = 0
    for line in status.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("CapEff:"):
            effective = int(line.split()[1], 16)
    held = {name for name, bit in CAPABILITIES.items() if effective >> bit & 1}
    if "sys_admin" in held:
        held |= {"bpf", "perfmon"}
    return tuple(name for name in NEEDED if name not in held)

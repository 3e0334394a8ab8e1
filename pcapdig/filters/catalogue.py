"""All fields, by name. Filters, -p formats, table keys, -l and docs/fields.md are made from this one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pcapdig.errors import UsageError
from pcapdig.filters.event_fields import EVENT
from pcapdig.filters.flow_fields import FD
from pcapdig.filters.process_fields import CONTAINER, PROCESS, USER

if TYPE_CHECKING:
    from pcapdig.filters.fields import Field


class FieldClass(NamedTuple):
    """Fields listed together."""

    name: str
    description: str
    fields: tuple[Field, ...]


CLASSES = (
    FieldClass(
        "evt",
        "One end's view of a packet, or of a message put together from several packets when a filter or a chisel asks for "
        "buffers. A packet between two processes of this machine is two events: a write, then a read.",
        EVENT,
    ),
    FieldClass("process", "The process at this end of the packet.", PROCESS),
    FieldClass("user", "The user that process ran as.", USER),
    FieldClass("container", "The container that process ran in.", CONTAINER),
    FieldClass("fd", "The connection the packet belongs to.", FD),
)

FIELDS: dict[str, Field] = {field.name: field for field_class in CLASSES for field in field_class.fields}

_NEAREST = {
    "evt.arg": "evt.arg.data or evt.arg.res",
    "evt.rawarg": "evt.rawarg.data or evt.rawarg.res",
    "evt.type.is": "evt.type",
    "syscall.type": "evt.type",
    "fd.num": "fd.name",
    "fd.uid": "fd.name",
    "fd.nameraw": "fd.name",
    "fd.types": "fd.type",
    "proc.aname": "proc.pname",
    "proc.apid": "proc.ppid",
    "proc.pcmdline": "proc.pname",
    "proc.pexe": "proc.pname",
    "proc.pexepath": "proc.pname",
    "proc.vpid": "proc.pid",
    "proc.pvpid": "proc.ppid",
    "thread.tid": "proc.pid",
    "thread.vtid": "proc.pid",
    "user.loginuid": "user.uid",
    "user.loginname": "user.name",
    "container.type": "container.id",
    "container.full_id": "container.id",
    "container.ip": "fd.lip",
}
"""Fields of sysdig that no file of ours can fill, and what comes nearest."""

_NOTHING_NEAR = frozenset(
    """
    evt.abspath evt.asynctype evt.cpu evt.hostname evt.is_async evt.is_open_exec evt.is_open_read evt.is_open_write
    evt.is_syslog evt.is_wait evt.plugininfo evt.pluginname evt.source evt.wait_latency
    fd.connected fd.containerdirectory fd.dev fd.directory fd.filename fd.ino fd.name_changed
    proc.acmdline proc.aexe proc.aexepath proc.cwd proc.duration proc.env proc.fdlimit proc.fdopencount proc.fdusage
    proc.is_container_healthcheck proc.is_container_liveness_probe proc.is_container_readiness_probe
    proc.is_exe_writable proc.loginshellid proc.nchilds proc.nthreads proc.sid proc.sname proc.tty proc.vmrss
    proc.vmsize proc.vmswap proc.vpgid
    user.homedir user.shell
    container.healthcheck container.image container.liveness_probe container.mount container.mounts
    container.privileged container.readiness_probe
    """.split()
)
"""The others: no field of ours comes near."""

_FOREIGN_PREFIXES = (
    *("evt.arg.", "evt.buflen.", "evt.count.error.", "evt.rawarg.", "evt.type.is."),
    *("fd.dev.", "proc.cgroup.", "thread.", "group.", "container.image.", "container.mount.", "container.cni."),
    *("k8s.", "mesos.", "syslog.", "fdlist.", "span.", "evtin."),
)


def lookup(name: str) -> Field:
    """The field of that name.

    Raises:
        UsageError: there is none; names the nearest one, or says that a field of sysdig has no meaning for packets.
    """
    field = FIELDS.get(name)
    if field is not None:
        return field
    if name in _NEAREST:
        raise UsageError(f"field {name} has no meaning for packets; use {_NEAREST[name]}")
    if name in _NOTHING_NEAR or name.startswith(_FOREIGN_PREFIXES):
        raise UsageError(f"field {name} has no meaning for packets")
    import difflib  # only a mistake needs it

    near = difflib.get_close_matches(name, FIELDS, n=1, cutoff=0.6)
    raise UsageError(f"unknown field {name}; " + (f"did you mean {near[0]}?" if near else "-l lists them"))


def longest_known_prefix(text: str) -> Field | None:
    """The field with the longest name that `text` starts with; None if there is none.

    Raises:
        UsageError: a field of sysdig that has no meaning for packets is a longer prefix: it, and not ours, was meant.
    """
    for size in range(len(text), 0, -1):
        name = text[:size]
        if name in FIELDS:
            return FIELDS[name]
        if name in _NEAREST or name in _NOTHING_NEAR:
            lookup(name)
    return None

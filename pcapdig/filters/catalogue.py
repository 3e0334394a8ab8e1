"""All fields, by name. Filters, -p formats, table keys, -l and docs/fields.md are made from this one table."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from pcapdig.errors import UsageError
from pcapdig.filters.event_fields import EVENT
from pcapdig.filters.fields import Field
from pcapdig.filters.flow_fields import FD
from pcapdig.filters.process_fields import CONTAINER, PROCESS, USER


@dataclass(frozen=True, slots=True)
class FieldClass:
    """Fields listed together."""

    name: str
    description: str
    fields: tuple[Field, ...]


CLASSES = (
    FieldClass("evt", "One end's view of one packet, or of a message put together from several (when a filter or a chisel asks for "
               "buffers). A packet between two processes of this machine is two events: a write, then a read.", EVENT),
    FieldClass("process", "The process at this end of the packet.", PROCESS),
    FieldClass("user", "The user the process ran as.", USER),
    FieldClass("container", "The container the process ran in.", CONTAINER),
    FieldClass("fd", "The connection the packet belongs to.", FD),
)  # fmt: skip

FIELDS: dict[str, Field] = {field.name: field for field_class in CLASSES for field in field_class.fields}

_INSTEAD = {
    "evt.cpu": "", "evt.latency": "", "evt.latency.s": "", "evt.latency.ns": "", "evt.latency.human": "", "evt.deltatime": "use -t D",
    "evt.deltatime.s": "use -t D", "evt.deltatime.ns": "use -t D", "evt.is_wait": "", "evt.wait_latency": "", "evt.is_syslog": "", "evt.is_async": "",
    "evt.asynctype": "", "evt.source": "", "evt.hostname": "", "evt.count.error": "use evt.failed", "evt.count.exit": "use evt.count",
    "evt.arg": "use evt.arg.data or evt.arg.res", "evt.rawarg": "use evt.rawarg.data or evt.rawarg.res", "evt.buflen.in": "use evt.buflen",
    "evt.buflen.out": "use evt.buflen", "evt.abspath": "", "evt.is_open_read": "", "evt.is_open_write": "", "evt.type.is": "use evt.type",
    "evt.plugininfo": "", "evt.pluginname": "", "evt.system": "", "syscall.type": "use evt.type",
    "fd.num": "use fd.name", "fd.directory": "", "fd.filename": "", "fd.connected": "", "fd.name_changed": "", "fd.uid": "use fd.name",
    "fd.containername": "use container.id and fd.name", "fd.containerdirectory": "", "fd.cip.name": "use fd.cip", "fd.sip.name": "use fd.sip",
    "fd.lip.name": "use fd.lip", "fd.rip.name": "use fd.rip", "fd.dev": "", "fd.dev.major": "", "fd.dev.minor": "", "fd.ino": "",
    "fd.nameraw": "use fd.name", "fd.types": "use fd.type",
    "proc.aname": "use proc.pname", "proc.apid": "use proc.ppid", "proc.pcmdline": "use proc.pname", "proc.cwd": "", "proc.env": "",
    "proc.vpid": "use proc.pid", "proc.pvpid": "use proc.ppid", "proc.sid": "", "proc.sname": "", "proc.vpgid": "", "proc.tty": "",
    "proc.loginshellid": "", "proc.duration": "", "proc.nthreads": "", "proc.nchilds": "", "proc.fdopencount": "", "proc.fdlimit": "",
    "proc.fdusage": "", "proc.vmsize": "", "proc.vmrss": "", "proc.vmswap": "", "proc.is_exe_writable": "", "proc.is_container_healthcheck": "",
    "proc.pexe": "use proc.pname", "proc.pexepath": "use proc.pname", "proc.acmdline": "", "proc.aexe": "", "proc.aexepath": "",
    "thread.tid": "use proc.pid", "thread.vtid": "use proc.pid", "user.homedir": "", "user.shell": "", "user.loginuid": "use user.uid",
    "user.loginname": "use user.name", "container.name": "use container.id", "container.type": "use container.id", "container.image": "",
    "container.privileged": "", "container.mounts": "", "container.mount": "", "container.healthcheck": "", "container.full_id": "use container.id",
    "container.ip": "use fd.lip",
}  # fmt: skip
"""Fields of sysdig that no file of ours can fill, and what comes nearest."""
_FOREIGN_CLASSES = (
    "thread.", "group.", "k8s.", "mesos.", "syslog.", "fdlist.", "span.", "evtin.", "container.image.", "container.mount.", "container.cni.",
    "evt.count.error.", "evt.type.is.", "evt.arg.", "evt.rawarg.", "evt.buflen.", "thread.cgroup.", "proc.cgroup.",
)  # fmt: skip


def lookup(name: str) -> Field:
    """The field of that name.

    Raises:
        UsageError: there is none; names the nearest one, or says that a field of sysdig has no meaning for packets.
    """
    field = FIELDS.get(name)
    if field is not None:
        return field
    if name in _INSTEAD or name.startswith(_FOREIGN_CLASSES):
        instead = _INSTEAD.get(name, "")
        raise UsageError(f"field {name} has no meaning for packets" + (f"; {instead}" if instead else ""))
    near = difflib.get_close_matches(name, FIELDS, n=1, cutoff=0.6)
    raise UsageError(f"unknown field {name}; " + (f"did you mean {near[0]}?" if near else "-l lists them"))

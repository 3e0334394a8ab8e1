"""proc.*, user.* and container.*: what the comment of a packet says of the process at a row's end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pcapdig.filters.fields import Field, FieldType

if TYPE_CHECKING:
    from pcapdig.procs.process import Process

Getter = Callable[["Process"], str | int | None]


def _exe(process: Process) -> str | None:
    return process.cmdline.partition(" ")[0] if process.cmdline else None


def _args(process: Process) -> str | None:
    return process.cmdline.partition(" ")[2] if process.cmdline else None


def _text(name: str, value: Getter, meaning: str) -> Field:
    return Field(name=name, type=FieldType.TEXT, domain="process", help=meaning, of_process=value)


def _number(name: str, value: Getter, meaning: str, kind: FieldType = FieldType.SIGNED) -> Field:
    return Field(name=name, type=kind, domain="process", help=meaning, of_process=value)


PROCESS = (
    _number("proc.pid", lambda p: p.pid, "id of the process (thread group), as seen from the host."),
    _text("proc.name", lambda p: p.name, "its name as the kernel has it (comm), at most 15 characters."),
    _text("proc.exe", _exe, "first word of its command line: argv[0], unless that holds a blank."),
    _text("proc.exepath", lambda p: p.exepath, "path of its executable."),
    _text("proc.args", _args, "its command line without the first word."),
    _text("proc.cmdline", lambda p: p.cmdline, "its arguments joined by blanks, argv[0] included, at most 512 bytes."),
    _text("proc.exeline", lambda p: p.cmdline, "the same as proc.cmdline."),
    _number("proc.ppid", lambda p: p.ppid, "id of the parent process."),
    _text("proc.pname", lambda p: p.pname, "name (comm) of the parent process."),
)

USER = (
    _number("user.uid", lambda p: p.uid, "effective user id of the process.", FieldType.UNSIGNED),
    _text("user.name", lambda p: p.user, "that user's name on the machine that recorded."),
)

CONTAINER = (
    _text(
        "container.name",
        lambda p: "host" if p.container_id == "host" else None,
        "'host' outside of any container. Packets carry no names of containers, so inside there is no value: use container.id.",
    ),
    _text(
        "container.id", lambda p: p.container_id, "first 12 hex digits of the container's id; 'host' outside of any."
    ),
)

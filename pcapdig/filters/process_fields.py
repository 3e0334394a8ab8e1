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


def _text(name: str, value: Getter, help: str) -> Field:
    return Field(name=name, type=FieldType.TEXT, domain="process", help=help, of_process=value)


def _number(name: str, value: Getter, help: str) -> Field:
    return Field(name=name, type=FieldType.SIGNED, domain="process", help=help, of_process=value)


PROCESS = (
    _number(
        "proc.pid", lambda p: p.pid, "id of the process (thread group) that sent or received this packet at this end."
    ),
    _text("proc.name", lambda p: p.name, "its name as the kernel has it (comm), at most 15 characters."),
    _text("proc.exe", _exe, "the first word of its command line (argv[0], unless that holds a blank)."),
    _text("proc.exepath", lambda p: p.exepath, "the path of its executable."),
    _text("proc.args", _args, "its command line without the first word."),
    _text(
        "proc.cmdline",
        lambda p: p.cmdline,
        "its command line, arguments joined by blanks, as recorded (at most 512 bytes).",
    ),
    _text("proc.exeline", lambda p: p.cmdline, "the same as proc.cmdline."),
    _number("proc.ppid", lambda p: p.ppid, "id of the parent process."),
    _text("proc.pname", lambda p: p.pname, "name (comm) of the parent process."),
)

USER = (
    Field(
        name="user.uid",
        type=FieldType.UNSIGNED,
        domain="process",
        help="effective user id of the process.",
        of_process=lambda p: p.uid,
    ),
    _text("user.name", lambda p: p.user, "its user's name on the machine that recorded."),
)

CONTAINER = (
    _text(
        "container.id",
        lambda p: p.container_id,
        "first 12 hex digits of the id of the container the process ran in; 'host' outside of containers.",
    ),
)

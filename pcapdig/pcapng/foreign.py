"""Packet comments by which other programs name a process.

    ptcpdump    `PID: 5`, `Cmd: /usr/bin/curl`, `Args: curl -s x`, a `Key: value` a line, in up to six comments of one packet
    RustNet     `rustnet process=curl pid=5 ppid=1 uid=0 direction=outgoing ...` in one line
    etl2pcapng  `PID=5 TID=7 ...`; older versions `PID=5 ProcessorNumber=0`

Sources: mozillazg/ptcpdump, internal/writer/pcapng.go and internal/types/context.go (which also takes Command, TID and ParentCommand);
domcyrus/rustnet, src/app/pcapng_export.rs; microsoft/etl2pcapng, src/main.c. What only looks like one of these names nobody.
Must not know blocks, nor at which end of a packet a process is: that is trace/'s to tell.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pcapdig.pcapng.comments import CMDLINE_BYTES
from pcapdig.pcapng.text import clean, encode
from pcapdig.procs.process import Process

if TYPE_CHECKING:
    from collections.abc import Iterable

COMM_BYTES = 15
"""Most bytes of a comm: TASK_COMM_LEN of linux/sched.h without the NUL."""
_CONTAINER_DIGITS = 12

_NUMBER = re.compile(r"[0-9]{1,10}")
_MOST_NUMBER = 0xFFFFFFFF
_ETL2PCAPNG = re.compile(r"PID=([0-9]{1,10})(?: (?:TID|ProcessorNumber)=-?[0-9]+(?: .*)?)?", re.DOTALL)
_HEX = re.compile(r"[0-9a-f]{12,}")
_CUT = "..."
"""ptcpdump ends a value with it that it had to cut."""


class Named(NamedTuple):
    """A process that a packet's comments name."""

    process: Process
    is_client: bool | None
    """Whether it is the connection's client; None where the comments do not say at which end it is."""


def parse(comments: Iterable[bytes]) -> Named | None:
    """The process that the comments of one packet name together; None when they name none. Any bytes are allowed.

    The first program whose comment is found counts. A process id of 0 is no process: with etl2pcapng it is the idle loop.
    """
    texts = [comment.partition(b"\0")[0].decode("utf-8", "replace") for comment in comments]
    for text in texts:
        if text.startswith("rustnet "):
            return _rustnet(text)
        if text.startswith("PID="):
            return _etl2pcapng(text)
        if text.lstrip().startswith("PID:"):
            return _ptcpdump(texts)
    return None


def _etl2pcapng(text: str) -> Named | None:
    found = _ETL2PCAPNG.fullmatch(text)
    pid = _find_id(found[1]) if found else None
    return Named(Process(name=None, pid=pid), None) if pid else None


def _rustnet(text: str) -> Named | None:
    values: dict[str, str] = {}
    for word in text.split(" ")[1:]:
        key, is_pair, value = word.partition("=")
        if not is_pair:
            return None
        if value:
            values.setdefault(key, value)
    name, pid = values.get("process"), _find_id(values.get("pid"))
    if name is None and pid is None:
        return None
    process = Process(
        name=None if name is None else clean(name),
        pid=pid,
        ppid=_find_id(values.get("ppid")),
        uid=_find_number(values.get("uid")),
        container_id=_find_container(values.get("container_id")),
    )
    return Named(process, {"outgoing": True, "incoming": False}.get(values.get("direction", "")))


def _ptcpdump(texts: list[str]) -> Named | None:
    values: dict[str, str] = {}
    for text in texts:
        for line in text.split("\n"):
            key, is_pair, value = line.partition(":")
            if is_pair:
                values.setdefault(key.strip(), value.strip())
    pid = _find_id(values.get("PID"))
    path = values.get("Cmd", values.get("Command"))
    if pid is None or path is None:
        return None
    arguments = values.get("Args", "")
    parent = values.get("ParentCmd", values.get("ParentCommand", ""))
    process = Process(
        name=_comm(path, arguments),
        pid=pid,
        uid=_find_number(values.get("UserId")),
        ppid=_find_id(values.get("ParentPID")),
        pname=_comm(parent, values.get("ParentArgs", "")),
        exepath=clean(path) if path.startswith("/") and not path.endswith(_CUT) else None,
        container_id=_find_container(values.get("ContainerId")),
        cmdline=encode(arguments.removesuffix(_CUT), CMDLINE_BYTES).decode() or None,
    )
    return Named(process, None)


def _comm(path: str, arguments: str) -> str | None:
    """What the kernel calls a process that executed `path`: the last part of it, cut; None where the end of `path` is missing.

    A program run through a descriptor (/dev/fd/5) is called as its first argument says, as in ptcpdump.
    """
    if path.startswith("/dev/fd/") and arguments:
        path = arguments.split(" ", 1)[0]
    if path.endswith(_CUT):
        return None
    return encode(path.rstrip("/").rpartition("/")[2], COMM_BYTES).decode() or None


def _find_number(value: str | None) -> int | None:
    """An unsigned 32-bit number, None where there is none."""
    if value is None or not _NUMBER.fullmatch(value) or int(value) > _MOST_NUMBER:
        return None
    return int(value)


def _find_id(value: str | None) -> int | None:
    """A process id: no 0, and not the number that stands for -1."""
    number = _find_number(value)
    return number if number not in (0, _MOST_NUMBER) else None


def _find_container(value: str | None) -> str | None:
    """The first twelve digits of a container's id, as `container.id` has it."""
    found = _HEX.match(value) if value else None
    return found[0][:_CONTAINER_DIGITS] if found else None

"""The comment that names the process at one end of a packet.

One line of `key=value` in a packet's opt_comment, one comment for each local end:

    proc.name=httpd proc.pid=15457 evt.io_dir=read evidence=socket user.name=www-data user.uid=33 ... proc.cmdline="/usr/sbin/httpd -k start"

Directly after the evidence stands fd.is_server=true or false where the recorder knows that end's role from its socket and no SYN shows it.
Keys are the filter's field names. proc.name, proc.pid and evt.io_dir are always there and come first, the command line comes last,
and what is not known is left out. A value that is empty or holds a blank, a quote or what looks like a key stands between double quotes,
where a backslash goes before each double quote and backslash, and before the `=` of what looks like a key; any other value stands as it
is. So `proc.name=httpd ` is in a comment only if that is the process's name: display filters look for it, and anybody may give a
process the arguments `x proc.name=httpd `. Control characters and what is not UTF-8 are written as
U+FFFD. `compose` writes, `parse` is its inverse. Must not know blocks: the record loop and trace/ find the option.
"""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

from pcapdig.pcapng.text import decode, encode
from pcapdig.procs.process import Process

EVIDENCES = ("socket", "snapshot", "listener", "procfs")
"""How an owner can be known, as written (enum event_evidence of probe/events.h)."""

CMDLINE_BYTES = 512
"""Most bytes of a command line, before quoting: the tracer keeps no more."""
PATH_BYTES = 4096
"""Most bytes of a path: PATH_MAX of linux/limits.h."""
NAME_BYTES = 255
"""Most bytes of any other text. Linux keeps comm to 15 and login names to 32; with it no comment outgrows an option's 65535."""

_KEY = r"(?:(?:proc|evt|user|container|fd)\.[a-z_.]+|evidence)"
"""What a key looks like, those of later versions among them."""
_QUOTED_IF = re.compile(rf"""[ "']|{_KEY}=""", re.IGNORECASE)
_ESCAPED = re.compile(rf'["\\]|{_KEY}=', re.IGNORECASE)
_START = re.compile(r'proc\.name=("(?:[^"\\]|\\.)*"|[^ "]+) proc\.pid=([0-9]{1,10}) evt\.io_dir=(read|write)(?= |$)')
_PAIR = re.compile(r' +([^ ="]+)=("(?:[^"\\]|\\.)*"|[^ "][^ ]*|)(?= |$)')
_ESCAPE = re.compile(r"\\(.)")
_MOST_NUMBER = 0xFFFFFFFF
_ROLES = {"true": True, "false": False}


class Parsed(NamedTuple):
    """What one comment says of one end of its packet."""

    process: Process
    """Who owned the end; start_boot_ns is None, since comments do not say it."""
    is_write: bool
    """The owner sent the packet; False: it received it."""
    evidence: str
    """One of EVIDENCES; "" when the comment gives none or one unknown to this version."""
    is_server: bool | None = None
    """That end's role, where the recorder knew it from the socket and no SYN shows it; None: not stated."""


def compose(process: Process, *, cmdline: bool = True) -> tuple[bytes, bytes]:
    """The bytes of a process's comment before `evt.io_dir=` and after the value of `evidence=`.

    The record loop puts `evt.io_dir=DIRECTION evidence=EVIDENCE` and maybe ` fd.is_server=ROLE` between them for each packet.
    Together they stay below 16 KiB.

    Args:
        process: what is None is left out.
        cmdline: False leaves the command line out, which may hold secrets.

    Raises:
        ValueError: the process has no name or no id, as only those of other programs' files may.
    """
    if process.name is None or process.pid is None:
        raise ValueError("a comment needs the name and the id of its process")
    head = f"proc.name={_value(process.name, NAME_BYTES)} proc.pid={process.pid} "
    texts: list[tuple[str, str | int | None, int]] = [
        ("user.name", process.user, NAME_BYTES),
        ("user.uid", process.uid, NAME_BYTES),
        ("proc.ppid", process.ppid, NAME_BYTES),
        ("proc.pname", process.pname, NAME_BYTES),
        ("proc.exepath", process.exepath, PATH_BYTES),
        ("container.id", process.container_id, NAME_BYTES),
        ("proc.cmdline", process.cmdline if cmdline else None, CMDLINE_BYTES),
    ]
    tail = "".join(f" {key}={_value(str(value), most)}" for key, value, most in texts if value is not None)
    return head.encode(), tail.encode()


def line(
    process: Process, *, is_write: bool, evidence: str, is_server: bool | None = None, cmdline: bool = True
) -> bytes:
    """One whole comment: what the record loop writes for one end. `evidence` is one of EVIDENCES; `is_server` as far as the
    recorder knows it from the socket."""
    head, tail = compose(process, cmdline=cmdline)
    role = "" if is_server is None else f" fd.is_server={str(is_server).lower()}"
    return head + f"evt.io_dir={'write' if is_write else 'read'} evidence={evidence}{role}".encode() + tail


def parse(text: bytes) -> Parsed | None:
    """What a comment says, or None when it is not one of ours. Any bytes are allowed, and nothing is raised.

    After the first three keys the order is free, unknown keys and values that are no number where one is due are passed over, and of
    a repeated key the first counts. Reading ends at the first thing that is not `key=value`.
    """
    decoded = decode(text)
    start = _START.match(decoded)
    if start is None or int(start[2]) > _MOST_NUMBER:
        return None
    found: dict[str, str] = {}
    position = start.end()
    while pair := _PAIR.match(decoded, position):
        if pair[2]:  # an empty text is written as "", so nothing at all was cut off
            found.setdefault(pair[1], _text(pair[2]))
        position = pair.end()
    evidence = found.get("evidence", "")
    process = Process(
        name=_text(start[1]),
        pid=int(start[2]),
        uid=_find_number(found.get("user.uid")),
        user=_shared(found.get("user.name")),
        ppid=_find_number(found.get("proc.ppid")),
        pname=_shared(found.get("proc.pname")),
        exepath=_shared(found.get("proc.exepath")),
        container_id=_shared(found.get("container.id")),
        cmdline=found.get("proc.cmdline"),
    )
    return Parsed(
        process=process,
        is_write=start[3] == "write",
        evidence=evidence if evidence in EVIDENCES else "",
        is_server=_ROLES.get(found.get("fd.is_server", "")),
    )


def _shared(value: str | None) -> str | None:
    """The one copy of a text that many processes have in common."""
    return None if value is None else sys.intern(value)


def _value(text: str, most_bytes: int) -> str:
    """A value as it is written: cleaned, cut, quoted where it must be."""
    value = encode(text, most_bytes).decode()
    if value and not _QUOTED_IF.search(value):
        return value
    return '"' + _ESCAPED.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", value) + '"'


def _text(value: str) -> str:
    """The text of a value as it was written."""
    return _ESCAPE.sub(r"\1", value[1:-1]) if value.startswith('"') else value


def _find_number(value: str | None) -> int | None:
    """An unsigned 32-bit number, None where there is none."""
    if value is None or not re.fullmatch("[0-9]{1,10}", value) or int(value) > _MOST_NUMBER:
        return None
    return int(value)

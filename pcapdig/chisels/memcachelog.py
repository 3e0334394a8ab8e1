"""memcachelog: a line for each key got or set in memcached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pcapdig.chisels.chisel import Arg
from pcapdig.chisels.logs import LogChisel, latency_text, value_text
from pcapdig.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pcapdig.chisels.dialogues import Found, Opening
    from pcapdig.protocols.conversation import Dialogue
    from pcapdig.protocols.memcached import MemcachedCall
    from pcapdig.render.items import Line

_GET = {"get", "gets", "gat", "gats", "mg"}
_SET = {"set", "ms"}


class Memcachelog(LogChisel["MemcachedCall"]):
    """Commands with keys."""

    name: ClassVar[str] = "memcachelog"
    short_description: ClassVar[str] = "memcached requests log"
    description: ClassVar[str] = (
        "Prints a line for each key of a memcached command (port 11211, or a process called memcached; TCP and UDP, text "
        "protocol, meta commands and binary protocol) when its answer comes: the command, bytes of the value set or got, the "
        "key. A get that found nothing has 0B. "
        "'get' or 'set' shows only those commands, and a size after it ('set 1000') only values at least as large. Between two "
        "processes of this machine there is a line for each end. -v adds the answer, its latency, process and connection."
    )
    args: ClassVar[tuple[Arg, ...]] = (
        Arg(name="method", type="string", description="get or set: only these commands", optional=True),
        Arg(name="size", type="int", description="smallest value shown, in bytes", optional=True),
    )

    def __init__(self, *, method: str | None = None, size: str = "0", verbose: bool = False) -> None:
        """Raises UsageError where an argument is not understood. `verbose`: with answer, latency, process and connection."""
        if method not in (None, "get", "set"):
            raise UsageError(f"chisel memcachelog: method {method!r} is not understood; it is get or set")
        if not (size.isascii() and size.isdigit() and len(size) <= 18):
            raise UsageError(f"chisel memcachelog: size {size!r} is not a number of bytes")
        super().__init__(own_filter="fd.sport=11211 or proc.name=memcached", verbose=verbose)
        self._commands = {None: None, "get": _GET, "set": _SET}[method]
        self._least_bytes = int(size)

    def begin(self, opening: Opening) -> Dialogue[MemcachedCall, Any] | None:
        """Any message of such a connection."""
        if opening.is_datagram:
            from pcapdig.protocols import memcached_datagrams

            return memcached_datagrams.MemcachedDatagrams() if memcached_datagrams.starts(opening.data) else None
        if opening.data[:1] in (b"\x80", b"\x81"):
            from pcapdig.protocols.memcached_binary import MemcachedBinaryDialogue, starts

            return MemcachedBinaryDialogue() if starts(opening.data) else None
        from pcapdig.protocols.memcached import MemcachedDialogue

        return MemcachedDialogue()

    def lines(self, found: Found[MemcachedCall]) -> Iterable[Line]:
        """A line a key and end."""
        call = found.record
        if self._commands is not None and call.command not in self._commands:
            return
        sizes = dict(call.values)
        more = f" status={value_text(call.status or None)} latency={value_text(latency_text(call))}"
        for key in call.keys:
            size = sizes.get(key, 0) if call.command in _GET else call.size_bytes
            if size < self._least_bytes:
                continue
            words = f"method={call.command} size={size}B key={key}"
            for _, process in found.views():
                yield self.line(
                    found,
                    f"{words}{more if self.verbose else ''}{self.view_words(found, process)}",
                    {
                        "method": call.command,
                        "size": size,
                        "key": key,
                        "status": call.status or None,
                        **self.view_members(process),
                    },
                )

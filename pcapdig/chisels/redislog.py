"""redislog: a line for each Redis command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pcapdig.chisels.logs import LogChisel, value_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pcapdig.chisels.dialogues import Found, Opening
    from pcapdig.protocols.conversation import Dialogue
    from pcapdig.protocols.redis import RedisCall, RedisReply
    from pcapdig.render.items import Line

SHOWN = 256
"""Characters shown of a command, and of a reply."""


class Redislog(LogChisel["RedisCall"]):
    """Commands and replies of RESP2 and RESP3."""

    name: ClassVar[str] = "redislog"
    short_description: ClassVar[str] = "Redis commands log"
    description: ClassVar[str] = (
        "Prints a line for each Redis command (any port) when its reply is complete: the command with its arguments, the kind of "
        "the reply and its beginning, bytes of the reply's values, time from command to reply, and the processes at both ends "
        "as far as they are known. Pipelined commands are read; a command without a reply is shown with <NA>. Messages of "
        "subscriptions and the lines of MONITOR are no replies and are not shown; after SYNC nothing more of a connection is. "
        "Passwords of AUTH and HELLO are shown as ***. -v adds process ids and the connection."
    )

    def __init__(self, *, verbose: bool = False) -> None:
        """`verbose`: with process ids and connection."""
        from pcapdig.protocols.redis import FIRST_BYTES, starts, starts_inline
        from pcapdig.streams.reassembler import Beginning

        super().__init__(verbose=verbose)
        self.beginning = Beginning(lambda data: starts(data) or starts_inline(data), FIRST_BYTES)

    def begin(self, opening: Opening) -> Dialogue[RedisCall, Any] | None:
        """Where a client's command begins: an array of strings, or a line that the reply confirms."""
        from pcapdig.protocols.redis import RedisDialogue, starts, starts_inline

        if opening.is_known or (opening.from_client and starts(opening.data)):
            return RedisDialogue()
        return RedisDialogue(is_sure=False) if opening.from_client and starts_inline(opening.data) else None

    def lines(self, found: Found[RedisCall]) -> Iterable[Line]:
        """One line, with both ends."""
        call = found.record
        command = " ".join(value_text(word) for word in _masked(call.words))[:SHOWN] if call.words else None
        reply = _reply_text(call.reply) if call.reply else None
        size = call.reply.size_bytes if call.reply else None
        yield self.call_line(
            found,
            {"command": command, "reply": reply, "size": None if size is None else f"{size}B"},
            {
                "command": command,
                "reply": reply,
                "reply_kind": call.reply.kind if call.reply else None,
                "size": size,
                "request_size": call.size_bytes,
            }.items(),
        )


def _masked(words: tuple[str, ...]) -> tuple[str, ...]:
    """A command without its passwords: AUTH [user] password, HELLO 3 AUTH user password, CONFIG SET requirepass, MIGRATE ... AUTH."""
    upper = [word.upper() for word in words]
    if upper[0] == "AUTH":
        return (*words[:-1], "***") if len(words) > 1 else words
    hidden = set()
    for index, word in enumerate(upper):
        if upper[0] == "HELLO" and word == "AUTH":
            hidden.add(index + 2)
        elif upper[0] == "MIGRATE" and word in ("AUTH", "AUTH2"):
            hidden.add(index + len(word) - 3)
        elif upper[0] == "CONFIG" and word in ("REQUIREPASS", "MASTERAUTH"):
            hidden.add(index + 1)
        elif upper[:2] == ["ACL", "SETUSER"] and word[:1] in ("<", ">", "#", "!") and index > 2:
            hidden.add(index)
    return tuple("***" if index in hidden else word for index, word in enumerate(words))


def _reply_text(reply: RedisReply) -> str:
    """The reply's beginning; null is `(nil)` as redis-cli has it, an array its number of values first."""
    if reply.kind == "_":
        return "(nil)"
    if reply.kind in "*~%>":
        return f"[{reply.count}] {reply.text}".rstrip()[:SHOWN]
    return reply.text[:SHOWN]

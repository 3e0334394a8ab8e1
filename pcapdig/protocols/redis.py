"""Redis: commands and replies of RESP2 and RESP3.

In: turns. Out: `RedisCall`. Source: the Redis serialization protocol specification (redis.io/docs, "RESP protocol spec"), Redis 7.
redis_modes.py recognises what a server sends that answers nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pcapdig.protocols.conversation import Dialogue, Moment, Record
from pcapdig.protocols.inbox import LostPlaceError
from pcapdig.protocols.redis_modes import STATES, Command, Modes, RedisReply
from pcapdig.protocols.sasl import NAMES

if TYPE_CHECKING:
    from pcapdig.protocols.inbox import Inbox, Reading

__all__ = ["STATES", "RedisCall", "RedisDialogue", "RedisReply", "starts", "starts_inline"]

WORD_KEPT = 1024
"""Bytes kept of one argument or value."""
WORDS_KEPT = 64
"""Arguments kept of one command, and values of one reply."""
_LINE_LIMIT = 64 << 10
"""PROTO_INLINE_MAX_SIZE of Redis' server.h."""
_DEPTH_LIMIT = 16
_NAMING = 3
"""Words of a command that say what it is: CLIENT REPLY OFF."""
_FIRST = 4
"""Values by which messages and confirmations are known."""
_LINE_END = re.compile(rb"\r\n")
_INLINE_END = re.compile(rb"\n")
_START = re.compile(rb"\*[1-9][0-9]{0,6}\r\n\$[0-9]{1,9}\r\n")
_COUNT = re.compile(rb"-?[0-9]{1,18}")
FIRST_BYTES = bytes(value < 128 and (chr(value) == "*" or chr(value).isalpha()) for value in range(256))
"""By value, 1 for the first bytes of what `starts` and `starts_inline` take."""
_SIMPLE = {
    **dict.fromkeys("+-", re.compile(rb"[^\x00-\x08\x0e-\x1f]*")),
    **dict.fromkeys(":(", re.compile(rb"[+-]?[0-9]+")),
    "_": re.compile(b""),
    "#": re.compile(b"[tf]"),
    ",": re.compile(rb"[+-]?(?:[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?|inf|nan)", re.IGNORECASE),
}
"""What stands behind the type byte of a value on one line; a line that has it can be another protocol's all the same."""
_INLINE_START = re.compile(
    rb"(?:ping|info|get|set|del|keys|incr|decr|exists|expire|ttl|type|echo|time|role|dbsize|select|config|client|command|cluster|hello|h(?:get|set|getall|del)"
    rb"|l(?:push|pop|range|len)|r(?:push|pop)|s(?:add|members|card)|z(?:add|range|card)|m(?:get|set|ulti)|publish|subscribe|psubscribe|flushall|flushdb"
    rb"|scan|monitor|auth(?! %b[ \r\n])(?= ))(?: (?![^\r\n]* HTTP/1\.[01]\r?\n)[^\r\n]*)?\r?\n" % NAMES.encode(),
    re.IGNORECASE,
)
_INLINE_WORD = re.compile(
    rb"\s*+([^\s\"']*+)(?:\"((?:[^\"\\]++|\\.)*+)\"|'((?:[^'\\]++|\\'|\\)*+)')?(?=\s|\Z)", re.DOTALL
)
"""As sdssplitargs of Redis' sds.c has it: quotes end a word, and nothing but a blank may follow them."""
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}
_REPLICATION = ("sync", "psync")
"""After these the server sends its data, then commands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisCall(Record):
    """A command and its reply."""

    words: tuple[str, ...]
    """The command's name as sent, then its arguments, each at most WORD_KEPT bytes, at most WORDS_KEPT of them. Empty: not captured."""
    word_count: int
    """How many there were."""
    size_bytes: int
    """Their bytes together, without framing."""
    reply: RedisReply | None

    @property
    def name(self) -> str:
        """The command in capitals; empty where it is not known."""
        return self.words[0].upper() if self.words else ""


def starts(data: bytes) -> bool:
    """A command in RESP begins here: an array of bulk strings."""
    return _START.match(data) is not None


def starts_inline(data: bytes) -> bool:
    """A command as typed by hand, of those that are known. Other protocols have such lines too: the reply has to confirm it."""
    return _INLINE_START.match(data) is not None


class RedisDialogue(Dialogue[RedisCall, Command]):
    """Reads one connection. Published messages and other pushes are no replies and are passed over."""

    def __init__(self, *, is_sure: bool = True) -> None:
        """`is_sure`: it is Redis; else it is so if the first reply is one, and nothing is told if it is not."""
        super().__init__()
        self._is_sure = is_sure
        self._modes = Modes()

    @property
    def is_idle(self) -> bool:
        """The modes are remembered."""
        return not self._modes.are_open and super().is_idle

    def give_up(self, asked: Command) -> None:
        """A command alone."""
        if self._is_sure:
            super().give_up(asked)

    def begins(self, data: bytes, *, asks: bool) -> bool:
        """As a connection is recognised."""
        return asks and starts(data)

    def unanswered(self, asked: Command) -> RedisCall:
        """A command alone."""
        return self._call(asked)

    def asking(self, inbox: Inbox) -> Reading[None]:
        """Commands: arrays of bulk strings, or words on a line."""
        while True:
            yield from inbox.next_message()
            moment = inbox.moment
            line = (yield from inbox.through(_INLINE_END, _LINE_LIMIT)).rstrip(b"\r\n")
            if line[:1] == b"*":
                count = _number(line[1:])
                words, size, is_cut = [], 0, False
                for index in range(max(count, 0)):
                    head = yield from inbox.through(_LINE_END, 32)
                    length = _number(head[1:-2])
                    if head[:1] != b"$" or length < 0:
                        raise LostPlaceError
                    word = yield from inbox.prefix(length, WORD_KEPT)
                    yield from inbox.prefix(2, 0)
                    size += length
                    is_cut |= index < _NAMING and len(word) < min(length, WORD_KEPT)
                    if index < WORDS_KEPT:
                        words.append(_text(word))
            else:
                parts = _inline_words(line)
                if parts and not all(0x20 <= byte < 0x7F for byte in parts[0]):
                    raise LostPlaceError
                is_cut = False
                words, count, size = [_text(word[:WORD_KEPT]) for word in parts[:WORDS_KEPT]], len(parts), len(line)
            if words:
                self._ask(Command(moment, tuple(words), count, size, is_cut))

    def _ask(self, command: Command) -> None:
        """A command; one whose reply was turned off (CLIENT REPLY) is told at once."""
        if not self._modes.is_silent(command):
            self.ask(command)
            return
        self._is_sure = True  # no other protocol has the words CLIENT REPLY, and no reply may come to confirm it
        self.give_up(command)

    def _after_loss(self, asks: bool) -> None:
        super()._after_loss(asks)
        self._modes.lose(asks)

    def answering(self, inbox: Inbox) -> Reading[None]:
        """Replies, one a command."""
        while not self.is_over:
            yield from inbox.next_message()
            moment = inbox.moment
            values = list[RedisReply]()
            try:
                if self.open and self.open[0].name in _REPLICATION:
                    reply = yield from _replication_line(inbox)
                else:
                    reply = yield from _value(inbox, 0, values)
            except LostPlaceError:
                self.is_over = not self._is_sure
                raise
            self._is_sure = True
            oldest = self.open[0] if self.open else None
            if values and values[0].is_cut and self._modes.is_dark(oldest):
                raise LostPlaceError
            if self._modes.is_answer(reply, values, oldest):
                self.answer(partial(self._answered, answered=moment, reply=reply))

    def _answered(self, command: Command | None, *, answered: Moment, reply: RedisReply) -> RedisCall:
        """A command and its reply, with what that changes."""
        if command:
            self._modes.answered(command, reply)
            self.is_over |= command.name in _REPLICATION and reply.kind != "-"
        return self._call(command, answered, reply)

    def _call(
        self, command: Command | None, answered: Moment | None = None, reply: RedisReply | None = None
    ) -> RedisCall:
        return RedisCall(
            asked=command.moment if command else None,
            answered=answered,
            words=command.words if command else (),
            word_count=command.count if command else 0,
            size_bytes=command.size if command else 0,
            reply=reply,
        )


def _inline_words(line: bytes) -> list[bytes]:
    """The words of a command on a line; where quotes are not closed, which Redis refuses, all that is parted by blanks."""
    words, at, line = list[bytes](), 0, line.rstrip()
    while at < len(line):
        word = _INLINE_WORD.match(line, at)
        if word is None:
            return line.split()
        at = word.end()
        quoted = word[2] if word[2] is not None else (word[3] or b"").replace(b"\\'", b"'")
        if word[2] is not None:
            quoted = _ESCAPE.sub(_unescaped, quoted)
        words.append(word[1] + quoted)
    return words


def _unescaped(escape: re.Match[bytes]) -> bytes:
    return bytes([int(escape[1], 16)]) if escape[1] else _ESCAPED.get(escape[2], escape[2])


def _replication_line(inbox: Inbox) -> Reading[RedisReply]:
    """The answer to SYNC or PSYNC, whose bulk string is no value like others; while it is made newlines come (replication.c)."""
    line = b""
    while not line:
        line = (yield from inbox.through(_INLINE_END, _LINE_LIMIT)).strip()
    if line[:1] not in b"+-$":
        raise LostPlaceError
    return RedisReply(kind=chr(line[0]), text=_text(line[1 : 1 + WORD_KEPT]), size_bytes=len(line) - 1, count=1)


def _value(inbox: Inbox, depth: int, first: list[RedisReply] | None = None) -> Reading[RedisReply]:
    """One value of any type, with those inside it, of which the first four are added to `first`."""
    line = yield from inbox.through(_LINE_END, _LINE_LIMIT)
    kind, rest = line[:1].decode("latin-1"), line[1:-2]
    if kind in "+-:_#,(" and kind:
        if not _SIMPLE[kind].fullmatch(rest):
            raise LostPlaceError
        return RedisReply(kind=kind, text=_text(rest[:WORD_KEPT]), size_bytes=len(rest), count=int(kind != "_"))
    if kind in ("$", "!", "="):
        size = _number(rest)
        if size < 0:
            return RedisReply(kind="_", text="", size_bytes=0, count=0)
        data = yield from inbox.prefix(size, WORD_KEPT)
        yield from inbox.prefix(2, 0)
        return RedisReply(
            kind=kind, text=_text(data), size_bytes=size, count=1, is_cut=len(data) < min(size, WORD_KEPT)
        )
    if kind not in ("*", "~", "%", ">", "|") or depth >= _DEPTH_LIMIT:
        raise LostPlaceError
    count = _number(rest) * (2 if kind in "%|" else 1)
    if count < 0:
        return RedisReply(kind="_", text="", size_bytes=0, count=0)
    texts, total = [], 0
    for index in range(count):
        value = yield from _value(inbox, depth + 1)
        total += value.size_bytes
        if index < WORDS_KEPT:
            texts.append(value.text)
        if first is not None and index < _FIRST and kind != "|":
            first.append(value)
    if kind == "|":  # attributes come before the value they belong to
        return (yield from _value(inbox, depth + 1, first))
    return RedisReply(kind=kind, text=" ".join(texts)[:WORD_KEPT], size_bytes=total, count=count)


def _number(data: bytes) -> int:
    """A decimal number."""
    if not _COUNT.fullmatch(data):
        raise LostPlaceError
    return int(data)


def _text(data: bytes) -> str:
    """Bytes as text; what is no UTF-8 is replaced."""
    return data.decode("utf-8", "replace")

"""memcached: the binary protocol, deprecated since 1.6 and still spoken by older clients.

In: turns. Out: `MemcachedCall`, with the text protocol's names of commands and answers. Source: memcached's docs/protocol-binary.txt (1.6)
and protocol_binary.h. A message has 24 bytes of header, then extras, key, value. The number a client chose (opaque) comes back in the answer.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from pcapdig.protocols.conversation import Dialogue
from pcapdig.protocols.inbox import LostPlaceError
from pcapdig.protocols.memcached import KEYS_KEPT, MemcachedCall, MemcachedCommand, memcached_call

if TYPE_CHECKING:
    from pcapdig.protocols.inbox import Inbox, Reading

ASKED, ANSWERED = 0x80, 0x81
"""First bytes of requests and answers."""
KEY_LIMIT = 250
_HEADER = struct.Struct(">BBHBBHII8x")
_NAMES = {
    0x00: "get", 0x01: "set", 0x02: "add", 0x03: "replace", 0x04: "delete", 0x05: "incr", 0x06: "decr", 0x07: "quit", 0x08: "flush_all",
    0x0A: "noop", 0x0B: "version", 0x0C: "get", 0x0E: "append", 0x0F: "prepend", 0x10: "stats", 0x1B: "verbosity", 0x1C: "touch", 0x1D: "gat",
    0x20: "sasl_list_mechs", 0x21: "sasl_auth", 0x22: "sasl_step",
}  # fmt: skip
_QUIET = {
    0x09: 0x00, 0x0D: 0x0C, 0x11: 0x01, 0x12: 0x02, 0x13: 0x03, 0x14: 0x04, 0x15: 0x05, 0x16: 0x06, 0x17: 0x07, 0x18: 0x08, 0x19: 0x0E,
    0x1A: 0x0F, 0x1E: 0x1D, 0x24: 0x23,
}  # fmt: skip
"""Commands that are answered only if there is something to say, by the command they are the quiet form of."""
_STORED = {"set", "add", "replace", "append", "prepend"}
_READ = {"get", "gat"}
_SUCCESS = {"get": "END", "gat": "END", "delete": "DELETED", "touch": "TOUCHED", **dict.fromkeys(_STORED, "STORED")}
_STATUSES = {
    1: "NOT_FOUND", 2: "EXISTS", 3: "SERVER_ERROR", 4: "CLIENT_ERROR", 5: "NOT_STORED", 6: "CLIENT_ERROR", 0x20: "AUTH_ERROR", 0x21: "AUTH_CONTINUE",
    0x81: "ERROR", 0x82: "SERVER_ERROR", 0x83: "SERVER_ERROR", 0x84: "SERVER_ERROR", 0x85: "BUSY", 0x86: "SERVER_ERROR",
}  # fmt: skip


def starts(data: bytes) -> bool:
    """A whole header of either side begins here, and its sizes agree."""
    if len(data) < _HEADER.size or data[0] not in (ASKED, ANSWERED):
        return False
    _, opcode, key_size, extras_size, kind, _, size, _ = _HEADER.unpack_from(data)
    return (
        kind == 0
        and (opcode in _NAMES or opcode in _QUIET)
        and key_size + extras_size <= size
        and key_size <= KEY_LIMIT
    )


class _Asked(NamedTuple):
    opcode: int
    opaque: int
    key: bytes
    command: MemcachedCommand

    def is_answered_by(self, opcode: int, opaque: int, key: bytes) -> bool:
        """Some clients use one number for all; some answers repeat the key."""
        return (opcode, opaque) == (self.opcode, self.opaque) and key in (b"", self.key)


class MemcachedBinaryDialogue(Dialogue[MemcachedCall, _Asked]):
    """Reads one connection. Answers come in order; quiet requests before the one that is answered were not."""

    def unanswered(self, asked: _Asked) -> MemcachedCall:
        """A command alone."""
        return memcached_call(asked.command, None, (), "", is_quiet=asked.command.is_quiet)

    def begins(self, data: bytes, *, asks: bool) -> bool:
        """A header of that side."""
        return data[:1] == bytes([ASKED if asks else ANSWERED]) and starts(data)

    def asking(self, inbox: Inbox) -> Reading[None]:
        """Requests."""
        while True:
            yield from inbox.next_message()
            moment = inbox.moment
            opcode, _, opaque, key, value_size = yield from _message(inbox, ASKED)
            is_quiet = opcode in _QUIET
            name = _NAMES.get(_QUIET.get(opcode, opcode), f"opcode_{opcode:#04x}")
            keys = (key.decode("utf-8", "replace"),) if key and name not in ("stats", "sasl_auth", "sasl_step") else ()
            size = value_size if name in _STORED else 0
            self.open.append(_Asked(opcode, opaque, key, MemcachedCommand(moment, name, keys, size, is_quiet)))

    def answering(self, inbox: Inbox) -> Reading[None]:
        """Answers; stats has many, the last of them without a key."""
        while True:
            yield from inbox.next_message()
            moment = inbox.moment
            opcode, status, opaque, key, value_size = yield from _message(inbox, ANSWERED)
            name = _NAMES.get(_QUIET.get(opcode, opcode), "")
            if name == "stats" and status == 0 and key:
                continue
            asked = self._answered_by(opcode, opaque, key)
            command = asked or MemcachedCommand(None, name, (key.decode("utf-8", "replace"),) if key else (), 0)
            values = (
                tuple((key, value_size) for key in command.keys[:KEYS_KEPT]) if name in _READ and not status else ()
            )
            text = _STATUSES.get(status, f"status_{status:#06x}") if status else _SUCCESS.get(name, "OK")
            if name in _READ and status == 1:
                text = "END"  # as the text protocol says that there is none
            self.tell(memcached_call(command, moment, values, text))

    def _answered_by(self, opcode: int, opaque: int, key: bytes) -> MemcachedCommand | None:
        """The request that an answer names. Those before it get none any more: answers come in order."""
        if not any(asked.is_answered_by(opcode, opaque, key) for asked in self.open):
            return None
        while not (asked := self.open.popleft()).is_answered_by(opcode, opaque, key):
            self.give_up(asked)
        return asked.command


def _message(inbox: Inbox, magic: int) -> Reading[tuple[int, int, int, bytes, int]]:
    """Opcode, status, opaque, key, size of the value."""
    header = yield from inbox.exactly(_HEADER.size)
    first, opcode, key_size, extras_size, _, status, size, opaque = _HEADER.unpack(header)
    if first != magic or key_size + extras_size > size or key_size > KEY_LIMIT:
        raise LostPlaceError
    yield from inbox.prefix(extras_size, 0)
    key = yield from inbox.prefix(key_size, KEY_LIMIT)
    value_size = size - key_size - extras_size
    yield from inbox.prefix(value_size, 0)
    return opcode, status, opaque, key, value_size

"""The modes of a Redis connection: what its server sends that answers no command, and which commands have no answer.

In: commands as they are sent, and the values that the server sends. Out: whether a value is an answer. Source: Redis 7.0, networking.c (CLIENT REPLY,
RESET), pubsub.c (confirmations and their counts), replication.c (MONITOR); the commands' pages on redis.io/docs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pcapdig.protocols.states import UNTIL_CLOSE, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pcapdig.protocols.conversation import Moment

STATES = (
    State("monitor", "MONITOR, answered +OK", "each command of any client is a line from the server, and answers nothing", ("RESET", "QUIT")),
    State(
        "subscription", "SUBSCRIBE, PSUBSCRIBE or SSUBSCRIBE, confirmed with a count",
        "in RESP2 an array of message, pmessage or smessage answers nothing; in RESP3 these are pushes",
        ("UNSUBSCRIBE down to count 0", "PUNSUBSCRIBE down to count 0", "SUNSUBSCRIBE down to count 0", "RESET", "QUIT"),
    ),
    State("confirmations", "SUBSCRIBE or UNSUBSCRIBE of several channels", "one confirmation a channel, the first of which is the answer",
          ("as many as the command named, or were subscribed", "any other answer")),
    State("replies off", "CLIENT REPLY OFF", "commands have no answers", ("CLIENT REPLY ON", "RESET")),
    State("reply skipped", "CLIENT REPLY SKIP", "neither it nor the next command has an answer", ("the next command", "RESET")),
    State("transaction", "MULTI", "CLIENT REPLY, MONITOR and SUBSCRIBE take effect with EXEC", ("EXEC", "DISCARD", "RESET")),
    State("RESP3", "HELLO 3, answered", "pushes answer nothing, and an array is always an answer", ("HELLO 2", "RESET")),
    State("replication", "SYNC or PSYNC, not refused", "the server sends its data, then commands", UNTIL_CLOSE),
)  # fmt: skip
"""What docs/protocol-states.md says of Redis."""

_CONFIRMED = {"subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ssubscribe", "sunsubscribe"}
_ALLOWED = _CONFIRMED | {"ping", "quit", "reset"}
"""Commands that RESP2 allows to one who has subscribed: processCommand of server.c."""
_PUBLISHED = {"message": 3, "pmessage": 4, "smessage": 3}
"""Values of each kind of message."""
_MONITORED = re.compile(r'[0-9]{1,20}\.[0-9]{6} (?:\[[0-9]+ [^\]]*\] |\(db [0-9]+\) )?"')
"""What MONITOR sends: time, database and client (since 2.6), the command's words (replicationFeedMonitors of replication.c)."""
_QUEUED_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it was sent."""

    moment: Moment
    words: tuple[str, ...]
    """The first ones."""
    count: int
    size: int
    is_cut: bool = False
    """Bytes of its first words were not captured, so its meaning is unknown."""

    @property
    def name(self) -> str:
        """In lower case."""
        return self.words[0].lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisReply:
    """What the server answered."""

    kind: str
    """The type byte of RESP: + simple, - error, : integer, $ bulk, * array, _ null, # boolean, , double, % map, ~ set ..."""
    text: str
    """A simple value, an error's text, or the first bytes of a bulk string; an array's first values, parted by blanks."""
    size_bytes: int
    """Bytes of a bulk string, of a simple value; of an array the sum of its values."""
    count: int
    """Values of an array, set or map (its keys and values); 1 for what is not one; 0 for null."""
    is_cut: bool = False
    """Bytes of a string's beginning were not captured."""


class Modes:
    """The modes of one connection, followed from both sides."""

    def __init__(self) -> None:
        self._monitors = False
        self._is_resp3 = False
        self._subscribed = {"": 0, "p": 0, "s": 0}  # channels, patterns, channels of a shard
        self._is_counted = True  # no confirmation was lost since the last one
        self._is_blind = False  # commands were lost
        self._confirming = ("", 0)  # word of the confirmations that still belong to the last command, and how many
        self._replies = ""  # CLIENT REPLY: off, skip (the next command's)
        self._queue: list[Command] | None = None  # commands of a transaction that change modes
        self._executing: list[Command] = []  # those of the last EXEC

    @property
    def are_open(self) -> bool:
        """A new connection would be read otherwise."""
        return self._monitors or self._is_resp3 or self._is_subscribed or bool(self._replies) or self._queue is not None

    @property
    def _is_subscribed(self) -> bool:
        return any(self._subscribed.values())

    def is_silent(self, command: Command) -> bool:
        """Take a command. Returns True if it has no answer."""
        name = command.name
        if name == "reset":
            self._replies, self._queue = "", None
            return False
        if name in ("exec", "discard"):
            self._executing, self._queue = (self._queue or [] if name == "exec" else []), None
            was_off = bool(self._replies)
            for one in self._executing:
                self._turn_replies(one)
            return was_off
        if self._queue is not None:
            if len(self._queue) < _QUEUED_LIMIT and name in ("client", "monitor", "hello", *_CONFIRMED):
                self._queue.append(command)
            return bool(self._replies)
        if name == "multi":
            self._queue = []
        was_skipped = self._replies == "skip"
        if not self._turn_replies(command) and was_skipped:
            self._replies = ""
            return True
        return bool(self._replies)

    def _turn_replies(self, command: Command) -> bool:
        """CLIENT REPLY; whether it is that. SKIP says nothing to who is OFF."""
        words = [word.upper() for word in command.words[:3]]
        if words[:2] != ["CLIENT", "REPLY"] or words[2:] not in (["ON"], ["OFF"], ["SKIP"]):
            return False
        if words[2] != "SKIP" or self._replies != "off":
            self._replies = {"ON": "", "OFF": "off", "SKIP": "skip"}[words[2]]
        return True

    def lose(self, asks: bool) -> None:
        """Something that a side sent was not captured."""
        if asks:
            self._is_blind = True
        else:
            self._is_counted = False
            self._confirming = ("", 0)

    def is_dark(self, oldest: Command | None) -> bool:
        """True if an array whose first word was not captured to its end may or may not be an answer."""
        return (
            self._is_subscribed
            or self._is_blind
            or (oldest is not None and oldest.name in _CONFIRMED)
            or bool(self._confirming[1])
        )

    def is_answer(self, reply: RedisReply, values: Sequence[RedisReply], oldest: Command | None) -> bool:
        """Whether a value answers a command, of which `oldest` is the next to be answered. `values`: the first of an array or push."""
        asked = oldest.name if oldest else ""
        if reply.kind == "+" and _MONITORED.match(reply.text):
            return not (self._monitors or self._is_blind or asked in ("", "reset"))
        word = values[0].text.lower() if values else ""
        is_confirmation = len(values) == reply.count == 3 and word in _CONFIRMED and values[2].kind == ":"
        if is_confirmation and oldest and oldest.is_cut:
            asked = word
        if is_confirmation and (reply.kind == ">" or self._confirms(word, asked)):
            return self._confirm(word, int(values[2].text), asked, is_push=reply.kind == ">")
        if reply.kind == ">":
            self._is_resp3 = True
            return False
        self._confirming = ("", 0)
        if reply.kind != "*" or self._is_resp3 or _PUBLISHED.get(word) != reply.count or not self._is_subscribed:
            return True
        # Who asks for something else, and had a confirmation that was lost, has unsubscribed.
        return bool(asked) and asked not in _ALLOWED and not self._is_counted

    def _confirms(self, word: str, asked: str) -> bool:
        """Whether an array that looks like a confirmation is one: its like can be an answer too, of a script."""
        return not asked or asked in _CONFIRMED or self._confirming[0] == word or self._is_subscribed or self._is_blind

    def _confirm(self, word: str, count: int, asked: str, *, is_push: bool) -> bool:
        """A confirmation; whether it is the first to a command."""
        self._is_resp3, self._is_counted, self._is_blind = is_push, True, False
        kind = _kind(word)
        before = dict(self._subscribed)
        others = 0 if kind == "s" else self._subscribed["p" if kind == "" else ""]
        self._subscribed[kind] = max(count - others, 0)
        if kind != "s" and not count:
            self._subscribed[""] = self._subscribed["p"] = 0
        pending, left = self._confirming
        if pending == word and left:
            self._confirming = (word, left - 1)
            return False
        # A command without channels is confirmed once for each that was subscribed.
        self._confirming = (word, max(before[kind] - 1, 0)) if asked == word else ("", 0)
        return asked == word

    def answered(self, command: Command, reply: RedisReply) -> None:
        """A command was answered: what that opens and closes."""
        word = reply.text.partition(" ")[0]
        name = word.lower() if command.is_cut and (word.lower() in _CONFIRMED or word == "RESET") else command.name
        if name in _CONFIRMED and reply.kind in "*>":
            if command.count > 1:
                self._confirming = (name, command.count - 2)
            return
        if reply.kind == "-" or reply.text == "QUEUED":
            return
        if name == "exec" and reply.kind == "*":
            for one in self._executing:
                self._begin(one)
        elif name in ("reset", "quit"):
            self._monitors = self._is_resp3 = self._is_blind = False
            self._subscribed = dict.fromkeys(self._subscribed, 0)
        elif name in ("monitor", "hello"):
            self._begin(command)
        elif name not in _ALLOWED and not self._is_resp3:
            self._subscribed = dict.fromkeys(self._subscribed, 0)  # RESP2 would have refused it

    def _begin(self, command: Command) -> None:
        """A command was carried out that may open a mode."""
        name = command.name
        if name == "monitor":
            self._monitors = True
        elif name == "hello":
            self._is_resp3 = command.words[1:2] == ("3",) or (self._is_resp3 and command.count == 1)
        elif name in ("subscribe", "psubscribe", "ssubscribe"):
            self._subscribed[_kind(name)] += command.count - 1


def _kind(word: str) -> str:
    """What a command subscribes: patterns, channels of a shard, or, empty, channels."""
    return word[0] if word[0] in "ps" and not word.startswith("subscribe") else ""

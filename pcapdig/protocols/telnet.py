"""Telnet: names and passwords typed at prompts.

In: turns. Out: `Login`. Source: RFC 854 (commands, end of line), RFC 855 (options). Known by its options. A prompt is the server's last line where it
ends in `login:`, `user name:`, `password:`; what the client types up to the next Enter belongs to it, with backspaces done.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pcapdig.protocols.conversation import Dialogue, Moment
from pcapdig.protocols.login import Login
from pcapdig.protocols.states import UNTIL_CLOSE, State

if TYPE_CHECKING:
    from pcapdig.protocols.inbox import Inbox, Reading

_TYPED_LIMIT = 256
_PROMPT_LIMIT = 128
_OPTION = re.compile(rb"\xff[\xfb-\xfe].", re.DOTALL)
_COMMANDS = re.compile(
    rb"\xff(?:(\xff)|[\xfb-\xfe].|\xfa[^\xff]*+(?:\xff[^\xf0][^\xff]*+)*+(?:\xff\xf0)?|[\xf0-\xf9]|\Z)", re.DOTALL
)
"""WILL, WONT, DO, DONT with their option; a subnegotiation; other commands. IAC IAC is a byte of data."""
_ENCRYPTS = re.compile(rb"\xff\xfa(?:\x2e\x01|\x26\x03)")
"""START_TLS FOLLOWS (draft-altman-telnet-starttls), ENCRYPT START (RFC 2946): what follows is not in clear."""
_NAME_PROMPT = re.compile(rb"(?:login|user ?name|user|account)\s*[:>]\s*\Z", re.IGNORECASE)
_SECRET_PROMPT = re.compile(rb"pass(?:word|code|phrase)[^:>\r\n]{0,40}[:>]\s*\Z", re.IGNORECASE)
_BACKSPACES = b"\x08\x7f"


STATES = (
    State("prompt", "a line of the server that ends in login: or password:", "keys of the client are the answer",
          ("Enter", "another prompt", "more lines of the server without a prompt")),
    State("subnegotiation", "IAC SB", "an option's values", ("IAC SE",)),
    State("encryption", "START_TLS FOLLOWS, ENCRYPT START", "not in clear", UNTIL_CLOSE),
)  # fmt: skip
"""What docs/protocol-states.md says of telnet."""


def starts(data: bytes) -> bool:
    """An end begins with options."""
    return _OPTION.match(data) is not None


class TelnetDialogue(Dialogue[Login, None]):
    """Reads one connection."""

    def __init__(self) -> None:
        super().__init__()
        self._line = b""  # the server's last, as far as it is written
        self._prompt = ""  # what is asked for: name, secret
        self._typed = bytearray()
        self._user: bytes | None = None

    @property
    def is_idle(self) -> bool:
        """Prompts and what was typed are remembered."""
        return False

    def unanswered(self, asked: None) -> Login:
        """Nothing waits in the queue."""
        raise AssertionError

    def answering(self, inbox: Inbox) -> Reading[None]:
        """What the server writes."""
        while True:
            text = yield from _text(inbox)
            if text is None:
                self.is_over = True
                return
            self._line = (self._line + text[-_PROMPT_LIMIT:])[-_PROMPT_LIMIT:].rpartition(b"\n")[2]
            prompt = (
                "secret" if _SECRET_PROMPT.search(self._line) else "name" if _NAME_PROMPT.search(self._line) else ""
            )
            if prompt and text:
                self._prompt = prompt
                self._typed.clear()
            elif b"\n" in text.strip(b"\r\n"):
                self._prompt = ""  # it goes on without what it asked for: too late, or too often

    def asking(self, inbox: Inbox) -> Reading[None]:
        """What the client types."""
        while True:
            yield from inbox.next_message()
            moment = inbox.moment
            text = yield from _text(inbox)
            if text is None:
                self.is_over = True
                return
            if self._prompt:
                self._type(moment, text)

    def _type(self, moment: Moment, text: bytes) -> None:
        """Keys, up to Enter."""
        for key in text[: 4 * _TYPED_LIMIT]:
            if key in b"\r\n":
                self._enter(moment, bytes(self._typed))
                return
            if key in _BACKSPACES:
                del self._typed[-1:]
            elif len(self._typed) < _TYPED_LIMIT:
                self._typed.append(key)

    def _enter(self, moment: Moment, typed: bytes) -> None:
        """What was asked for is complete."""
        if self._prompt == "name":
            self._user = typed
        elif typed:
            self.tell(
                Login(asked=moment, answered=None, protocol="telnet", method="prompt", user=self._user, secret=typed)
            )
        self._prompt = ""


def _text(inbox: Inbox) -> Reading[bytes | None]:
    """What comes next, without commands; None: it turns to encryption."""
    yield from inbox.next_message()
    size = inbox.next_size
    data = yield from inbox.prefix(size, size)
    if _ENCRYPTS.search(data):
        return None
    return _COMMANDS.sub(lambda command: command[1] or b"", data) if b"\xff" in data else data

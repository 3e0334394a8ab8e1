"""FTP (RFC 959), POP3 (RFC 1939, 5034), IMAP (RFC 9051), SMTP (RFC 5321, 4954) and NNTP (RFC 4643), as far as logins go.

In: turns. Out: `Login`. These protocols are lines of commands that are much alike; which one it is, the server's way to answer tells. What
is inside messages (DATA, BDAT, literals) is passed over. Nothing is read after STARTTLS.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pcapdig.protocols.conversation import Dialogue, Moment
from pcapdig.protocols.login import Login
from pcapdig.protocols.sasl import MECHANISMS, Exchange, Proof, decoded
from pcapdig.protocols.states import UNTIL_CLOSE, State

if TYPE_CHECKING:
    from pcapdig.protocols.inbox import Inbox, Reading

LINE_LIMIT = 64 << 10
"""Bytes of a line; a SASL response with a token is the longest (RFC 4954 section 4: 12,288)."""
_LITERAL_KEPT = 1024
_WORDS_LIMIT = 16
_LINE_END = re.compile(rb"\n")
_GREETING = re.compile(rb"220[ -]|\+OK[ \r]|\* (?:OK|PREAUTH)[ \r]|20[01] ")
_COMMAND = re.compile(
    rb"(?:USER [^ \r\n]|PASS [^ \r\n]+\r\n\Z|(?:EHLO|HELO|LHLO) |CAPA\r|AUTHINFO USER "
    rb"|AUTH (?:%b)\b|[^ \r\n\"{%%(]{1,64} (?:LOGIN|AUTHENTICATE|CAPABILITY)[ \r])" % MECHANISMS.encode(),
    re.IGNORECASE,
)
_REPLY = re.compile(rb"[1-5][0-9][0-9][ -]")
_SASL = re.compile(
    rb"(?:(AUTH)|[^ \"{]{1,64} (AUTHENTICATE)) \"?(%b)\"?(?: ([^ ]+))?" % MECHANISMS.encode(), re.IGNORECASE
)
_IMAP_LOGIN = re.compile(rb"(?!AUTH )[^ \"{]{1,64} LOGIN (.*)", re.IGNORECASE | re.DOTALL)
_LITERAL = re.compile(rb"\{([0-9]{1,9})(\+?)\}\r?\n\Z")
_WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"|([^ "{(]+)', re.DOTALL)
_UPGRADE = re.compile(
    rb"STARTTLS|STLS|AUTH (?:TLS|SSL|TLS-[CP])|COMPRESS DEFLATE|[^ \r\n\"{%(]{1,64} (?:STARTTLS|COMPRESS DEFLATE)",
    re.IGNORECASE,
)
_AGREED = re.compile(rb"220|234|206|382|\+OK|[^ \r\n*+]{1,64} OK\b")
"""Answers to them that agree: SMTP (RFC 3207), FTP (RFC 4217), NNTP (RFC 4642, 8054), POP3 (RFC 2595), IMAP (RFC 9051)."""
_ARTICLE = {b"POST": b"340", b"IHAVE": b"335"}
"""Commands of NNTP that an article follows, by the answer that lets it: RFC 3977 section 6.3."""
_ENCRYPTED = b"\x16\x03"
"""A TLS record with a handshake: RFC 8446 section 5.1."""


STATES = (
    State("upgrade", "STARTTLS, STLS, AUTH TLS, COMPRESS", "the answer decides", ("a refusal: it goes on in clear", "agreement")),
    State("encryption", "agreement, or a TLS record of the client", "TLS, or deflate", UNTIL_CLOSE),
    State("exchange", "AUTH, AUTHENTICATE", "lines of the client are responses",
          ("the last response", "* gives up", "an answer that asks for no more")),
    State("message", "DATA, answered 354", "lines of a mail", ("a line with a dot alone",)),
    State("chunk", "BDAT n", "so many bytes of a mail", ("n bytes, whatever the server answers", "LAST is a chunk too")),
    State("article", "POST, answered 340; IHAVE, answered 335; TAKETHIS", "lines of an article", ("a line with a dot alone",)),
    State("literal", "a line that ends in {n} or {n+}", "so many bytes of a word",
          ("n bytes, then the line goes on", "an answer without +: it was refused")),
    State("user", "USER", "the next PASS is its", ("PASS", "REIN", "another USER")),
)  # fmt: skip
"""What docs/protocol-states.md says of SMTP, LMTP, POP3, IMAP, NNTP and FTP. IDLE, RSET, ABOR and multi-line answers change nothing here: answers are
not paired."""


def starts(data: bytes, *, from_client: bool) -> bool:
    """A server greets, or a client begins to say who it is."""
    return (_COMMAND if from_client else _GREETING).match(data) is not None


class MailDialogue(Dialogue[Login, None]):
    """Reads one connection, from its beginning or later."""

    def __init__(self) -> None:
        super().__init__()
        self._kind = ""  # how the server speaks: pop3, imap, or reply: three digits
        self._said = b""  # the beginning of the server's last line
        self._is_news = False
        self._is_upgrading = False
        self._is_turned = True  # the client has spoken since the server did
        self._user: bytes | None = None
        self._unsure: tuple[Moment, bytes] | None = (
            None  # a password that came first of all: the server's answer tells what it is
        )
        self._exchange: Exchange | None = None
        self._exchange_kind = ""

    @property
    def is_idle(self) -> bool:
        """The server's way to speak is remembered."""
        return False

    def unanswered(self, asked: None) -> Login:
        """Nothing waits in the queue."""
        raise AssertionError

    def answering(self, inbox: Inbox) -> Reading[None]:
        """How the server speaks, and how its last line begins; the rest may be long."""
        while True:
            yield from inbox.next_message()
            data = inbox.peek()
            yield from inbox.prefix(inbox.next_size, 0)
            if self._is_upgrading and data:
                self._is_upgrading = False
                if _AGREED.match(data[data.rfind(b"\n", 0, max(len(data) - 2, 0)) + 1 :]):
                    self.is_over = True
                    return
            is_turned, self._is_turned = self._is_turned, False
            if not is_turned and self._kind:
                pass  # it goes on with a message, whose lines are no answers
            elif data.startswith((b"+OK", b"-ERR")):
                self._kind = "pop3"
            elif data.startswith(b"* "):
                self._kind = "imap"
            elif _REPLY.match(data):
                self._is_news |= not self._kind and data.startswith(b"20")
                self._kind = "reply"
            if self._unsure and self._kind in ("pop3", "reply"):
                self._tell_password(*self._unsure)
            self._unsure = None
            start = data.rfind(b"\n", 0, max(len(data) - 2, 0)) + 1
            self._said = data[start : start + 8]
            if self._exchange is not None and not self._said.startswith((b"334", b"+ ", b"+\r", b"383")):
                self._exchange = None  # refused, or over

    def asking(self, inbox: Inbox) -> Reading[None]:
        """Commands."""
        while not self.is_over:
            yield from inbox.next_message()
            moment = inbox.moment
            self._is_turned = True
            if inbox.peek(2) == _ENCRYPTED:
                self.is_over = True
                return
            line = yield from inbox.through(_LINE_END, LINE_LIMIT)
            if self._exchange is not None:
                self._respond(moment, line.rstrip(b"\r\n"))
            elif self._kind == "reply" and line[:5].upper() in (b"DATA\r", b"DATA\n", b"BDAT "):
                yield from self._skip_message(inbox, line)
            elif self._is_news and (article := line.partition(b" ")[0].strip().upper()) in (*_ARTICLE, b"TAKETHIS"):
                yield from self._skip_article(inbox, article)
            elif self._kind in ("imap", "") and _LITERAL.search(line):
                yield from self._read_literals(inbox, moment, line)
            else:
                self._command(moment, line.rstrip(b"\r\n"))

    def _skip_message(self, inbox: Inbox, line: bytes) -> Reading[None]:
        """A mail, if the server takes it: up to a line with a dot alone, or so many bytes (RFC 3030)."""
        count = line[5:].split()[:1]
        if count and count[0].isdigit() and len(count[0]) < 16:
            yield from inbox.prefix(int(count[0]), 0)
            return
        yield from inbox.something()
        while (
            self._said.startswith(b"354") and (yield from inbox.through(_LINE_END, LINE_LIMIT)).rstrip(b"\r\n") != b"."
        ):
            pass

    def _skip_article(self, inbox: Inbox, command: bytes) -> Reading[None]:
        """An article, if the server takes it: up to a line with a dot alone. That of TAKETHIS is not waited with (RFC 4644 section 2.5)."""
        yield from inbox.something()
        wanted = _ARTICLE.get(command)
        if wanted is None or self._said.startswith(wanted):
            while (yield from inbox.through(_LINE_END, LINE_LIMIT)).rstrip(b"\r\n") != b".":
                pass

    def _read_literals(self, inbox: Inbox, moment: Moment, line: bytes) -> Reading[None]:
        """A command whose words are literals (RFC 9051 section 4.3): their bytes follow, if the server agrees, then the line goes on."""
        words = [line]
        while (literal := _LITERAL.search(words[-1])) is not None:
            yield from inbox.something()
            if not literal[2] and not self._said.startswith(b"+"):
                return  # refused
            kept = yield from inbox.prefix(int(literal[1]), _LITERAL_KEPT)
            words[-1] = words[-1][: literal.start()]
            words.append(b'"' + kept.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"')
            words.append((yield from inbox.through(_LINE_END, LINE_LIMIT)))
            if len(words) > _WORDS_LIMIT:
                words = words[-1:]  # no login
        self._command(moment, b"".join(words).rstrip(b"\r\n"))

    def _command(self, moment: Moment, line: bytes) -> None:
        """One line of a client."""
        verb, _, rest = line.partition(b" ")
        verb = verb.upper()
        self._is_upgrading = _UPGRADE.fullmatch(line) is not None
        if verb == b"REIN":
            self._user = None
        if verb == b"AUTHINFO":
            self._is_news = True
            verb, _, rest = rest.partition(b" ")
            verb = verb.upper()
        if verb == b"USER" and rest:
            self._user = rest
        elif verb == b"PASS" and rest and (self._user is not None or self._kind):
            self._tell_password(moment, rest)
        elif verb == b"PASS" and rest:
            self._unsure = moment, rest
        elif sasl := _SASL.fullmatch(line):
            self._exchange = Exchange(sasl[3].decode().upper())
            self._exchange_kind = "imap" if sasl[2] else "pop3" if self._kind == "pop3" else "smtp"
            if sasl[4] is not None:
                self._respond(moment, sasl[4])
        elif login := _IMAP_LOGIN.fullmatch(line):
            self._imap_login(moment, login[1])

    def _tell_password(self, moment: Moment, secret: bytes) -> None:
        protocol = "nntp" if self._is_news else {"pop3": "pop3", "reply": "ftp"}.get(self._kind, "ftp or pop3")
        self._tell(moment, protocol, "AUTHINFO" if self._is_news else "USER/PASS", self._user, secret)
        self._user = None

    def _respond(self, moment: Moment, line: bytes) -> None:
        """A line of an exchange."""
        exchange, self._exchange = self._exchange, None
        data = decoded(line)
        if exchange is None or data is None:
            return
        proof = exchange.hear(data)
        if proof is True:
            self._exchange = exchange
        elif isinstance(proof, Proof):
            verb = "AUTHENTICATE" if self._exchange_kind == "imap" else "AUTH"
            self._tell(moment, self._exchange_kind, f"{verb} {exchange.mechanism}", *proof)

    def _imap_login(self, moment: Moment, rest: bytes) -> None:
        """Name and password, each an atom or a quoted string; literals were made such."""
        name = _WORD.match(rest)
        secret = _WORD.fullmatch(rest, name.end() + 1) if name and rest[name.end() : name.end() + 1] == b" " else None
        if name and secret and (plain := _unquoted(secret)):
            self._tell(moment, "imap", "LOGIN", _unquoted(name), plain)

    def _tell(self, moment: Moment, protocol: str, method: str, user: bytes | None, secret: bytes) -> None:
        self.tell(Login(asked=moment, answered=None, protocol=protocol, method=method, user=user, secret=secret))


def _unquoted(word: re.Match[bytes]) -> bytes:
    return re.sub(rb"\\(.)", rb"\1", word[1], flags=re.DOTALL) if word[1] is not None else word[2]

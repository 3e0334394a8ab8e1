"""Kind F in mail: what is inside DATA, BDAT and after a refused STARTTLS. Only logins are credentials, and each of them is."""

from __future__ import annotations

import base64
from random import Random

from traffic.connection import Exchange
from traffic.dialogues import Spoken, text
from traffic.kinds.drawing import Sample
from traffic.kinds.states import Line, played

TRAPS = b"USER trap\r\nPASS word\r\nAUTH PLAIN AHRyYXAAdHJhcA==\r\nMAIL FROM:<a@example.test>\r\n"
"""Lines of a message that look like logins (\\0trap\\0trap in base64)."""


class Sender:
    """An SMTP client (RFC 5321, 4954, 3030)."""

    def __init__(self, random: Random) -> None:
        self.random, self.count = random, 0
        self.exchanges = [Exchange(b"", b"220 mail.example.test ESMTP\r\n")]
        self.lines: list[Line] = []
        self.say(b"EHLO me.example.test", b"250-mail\r\n250-CHUNKING\r\n250 AUTH PLAIN LOGIN")

    def say(self, words: bytes, answer: bytes) -> None:
        """A line and its answer."""
        self.exchanges.append(Exchange(words + b"\r\n", answer + b"\r\n"))

    def plain(self) -> None:
        """AUTH PLAIN with its response at once or when it is wanted; taken or not."""
        self.count += 1
        user, secret = f"u{self.count}", text(self.random, 6).decode()
        proof = base64.b64encode(f"\0{user}\0{secret}".encode())
        answer = self.random.choice([b"235 ok", b"535 no"])
        if self.random.random() < 0.5:
            self.say(b"AUTH PLAIN " + proof, answer)
        else:
            self.say(b"AUTH PLAIN", b"334 ")
            self.say(proof, answer)
        self.lines.append((user, secret))

    def login(self) -> None:
        """AUTH LOGIN, given up by `*` now and then."""
        self.count += 1
        user, secret = f"u{self.count}", text(self.random, 6).decode()
        self.say(b"AUTH LOGIN", b"334 VXNlcm5hbWU6")
        if self.random.random() < 0.3:
            self.say(b"*", b"501 given up")
            return
        self.say(base64.b64encode(user.encode()), b"334 UGFzc3dvcmQ6")
        self.say(base64.b64encode(secret.encode()), self.random.choice([b"235 ok", b"535 no"]))
        self.lines.append((user, secret))

    def data(self) -> None:
        """A message by DATA, up to a dot alone; or DATA that is refused, after which commands go on."""
        self._envelope()
        if self.random.random() < 0.3:
            self.say(b"DATA", self.random.choice([b"554 no", b"503 no", b"451 later"]))
            return
        self.say(b"DATA", b"354 go on")
        dots = b"..stuffed\r\n" if self.random.random() < 0.5 else b""
        self.say(b"Subject: x\r\n\r\n" + TRAPS + dots + b".", self.random.choice([b"250 taken", b"554 no"]))

    def chunks(self) -> None:
        """A message by BDAT; what it counts is no command (RFC 3030 section 2)."""
        self._envelope()
        count = self.random.randint(1, 3)
        for i in range(count):
            part = TRAPS * self.random.randint(0, 2) + text(self.random, 5)
            last = b" LAST" if i == count - 1 else b""
            self.exchanges.append(Exchange(b"BDAT %d%s\r\n" % (len(part), last) + part, b"250 taken\r\n"))

    def other(self) -> None:
        """RSET, NOOP, and STARTTLS that is refused: the connection stays in clear."""
        choices = [(b"RSET", b"250 ok"), (b"NOOP", b"250 ok"), (b"STARTTLS", b"454 not now"), (b"STARTTLS", b"502 no")]
        self.say(*self.random.choice(choices))

    def _envelope(self) -> None:
        self.say(b"MAIL FROM:<a@example.test>", b"250 ok")
        self.say(b"RCPT TO:<b@example.test>", self.random.choice([b"250 ok", b"550 who"]))


def smtp_states(random: Random) -> Sample:
    """One SMTP connection through these, in any order; the last is a login."""
    sender = Sender(random)
    for _ in range(random.randint(2, 6)):
        random.choice([sender.data, sender.chunks, sender.other, sender.login, sender.plain])()
    random.choice([sender.login, sender.plain])()
    return played(random, Spoken("mail", 25, tuple(sender.exchanges), tuple(sender.lines)))


class Reader:
    """An IMAP client (RFC 9051)."""

    def __init__(self, random: Random) -> None:
        self.random, self.count = random, 0
        self.exchanges = [Exchange(b"", b"* OK IMAP4rev2 ready\r\n")]
        self.lines: list[Line] = []

    def say(self, words: bytes, answer: bytes = b"OK done", before: bytes = b"") -> None:
        """A command and its answer, with a tag of its own."""
        self.count += 1
        tag = b"a%d " % self.count
        self.exchanges.append(Exchange(tag + words + b"\r\n", before + tag + answer + b"\r\n"))

    def more(self, words: bytes) -> None:
        """A command that the server wants more of."""
        self.count += 1
        self.exchanges.append(Exchange(b"a%d " % self.count + words + b"\r\n", b"+ go on\r\n"))

    def then(self, words: bytes, answer: bytes = b"OK done") -> None:
        """What was wanted, and the answer to the command."""
        self.exchanges.append(Exchange(words + b"\r\n", b"a%d %s\r\n" % (self.count, answer)))

    def login(self) -> None:
        """LOGIN with words, strings or literals; taken or not."""
        user, secret = f"u{self.count}", text(self.random, 6).decode()
        answer = self.random.choice([b"OK in", b"NO no"])
        way = self.random.choice(["words", "strings", "literal"])
        if way == "literal":
            self.more(b"LOGIN %s {%d}" % (user.encode(), len(secret)))
            self.then(secret.encode(), answer)
        else:
            mark = b'"' if way == "strings" else b""
            self.say(b"LOGIN " + mark + user.encode() + mark + b" " + mark + secret.encode() + mark, answer)
        self.lines.append((user, secret))

    def authenticate(self) -> None:
        """AUTHENTICATE PLAIN, given up by `*` now and then."""
        user, secret = f"u{self.count}", text(self.random, 6).decode()
        self.more(b"AUTHENTICATE PLAIN")
        if self.random.random() < 0.3:
            self.then(b"*", b"BAD given up")
            return
        self.then(base64.b64encode(f"\0{user}\0{secret}".encode()), self.random.choice([b"OK in", b"NO no"]))
        self.lines.append((user, secret))

    def append(self) -> None:
        """A message as a literal, awaited or not; or refused, after which commands go on."""
        message = b"a9 LOGIN trap trap\r\n" * self.random.randint(1, 3)
        way = self.random.choice(["awaited", "at once", "refused"])
        if way == "awaited":
            self.more(b"APPEND box {%d}" % len(message))
            self.then(message)
        elif way == "at once":
            self.say(b"APPEND box {%d+}\r\n" % len(message) + message)
        else:
            self.say(b"APPEND box {%d}" % len(message), b"NO too large")

    def idle(self) -> None:
        """IDLE until DONE."""
        self.more(b"IDLE")
        if self.random.random() < 0.5:
            self.exchanges.append(Exchange(b"", b"* 3 EXISTS\r\n"))
        self.then(b"DONE")

    def other(self) -> None:
        """STARTTLS that is refused, and a message that is fetched: it holds what looks like an answer."""
        if self.random.random() < 0.5:
            self.say(b"STARTTLS", self.random.choice([b"NO not now", b"BAD what"]))
            return
        body = b"a1 OK in\r\n+ go on\r\n"
        self.say(b"FETCH 1 BODY[]", before=b"* 1 FETCH (BODY[] {%d}\r\n%s)\r\n" % (len(body), body))


def imap_states(random: Random) -> Sample:
    """One IMAP connection through these, in any order; the last is a login."""
    reader = Reader(random)
    for _ in range(random.randint(2, 6)):
        random.choice([reader.append, reader.append, reader.idle, reader.other, reader.login, reader.authenticate])()
    random.choice([reader.login, reader.authenticate])()
    return played(random, Spoken("mail", 143, tuple(reader.exchanges), tuple(reader.lines)))


MAIL_MODES = {"smtp states": smtp_states, "imap states": imap_states}

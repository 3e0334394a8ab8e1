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


MAIL_MODES = {"smtp states": smtp_states}

"""Logins of FTP, POP3, IMAP, SMTP and NNTP."""

from __future__ import annotations

import base64

import pytest

from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.mail import MailDialogue, starts


def heard(*lines: bytes) -> list[tuple[str, str, str | None, str]]:
    """(protocol, method, user, secret) of a dialogue; each line begins with S: or C:."""
    dialogue = MailDialogue()
    found = [
        login for line in lines for login in dialogue.feed(Turn(line[2:] + b"\r\n", line.startswith(b"C:"), Moment(0)))
    ] + dialogue.end()
    return [
        (one.protocol, one.method, None if one.user is None else one.user.decode(), one.secret.decode())
        for one in found
    ]


PLAIN = base64.b64encode(b"\0alice\0secret")
ALICE, SECRET = base64.b64encode(b"alice"), base64.b64encode(b"secret")


@pytest.mark.parametrize(
    "lines",
    [
        [b"C:PASS secret"],
        [b"C:PASS secret", b"S::irc.example 001 alice", b"S:200 x"],
        [b"C:PASS secret", b"S:hello", b"C:NICK alice"],
        [b"S:220 x", b"C:USER alice", b"S:331 x", b"C:PASS"],
        [b"S:220 x", b"C:AUTH PLAIN !!!"],
        [b"S:220 x", b"C:AUTH PLAIN " + base64.b64encode(b"alice")],
        [b"S:220 x", b"C:AUTH CRAM-MD5", b"S:334 abc", b"C:" + PLAIN],
        [b"S:220 x", b"C:AUTH LOGIN", b"S:334 abc", b"C:*", b"S:501 x", b"C:" + SECRET],
        [b"S:220 x", b"C:AUTH LOGIN", b"S:535 no", b"C:" + ALICE, b"S:500 x", b"C:" + SECRET],
        [b"C:AUTH PLAIN"],
        [b"S:* OK", b"C:a1 LOGIN"],
        [b"S:* OK", b"C:a1 LOGIN alice"],
        [b"S:* OK", b"C:a1 LOGIN alice {99999}", b"S:+ go", b"C:short"],
        [b"S:* OK", b'C:a1 LOGIN "alice secret'],
        [b"S:* OK", b"C:" + b"a1 LOGIN {1}\r\nx" * 20_000],
    ],
)
def test_no_credentials(lines: list[bytes]) -> None:
    """What is cut, refused, given up or hashed."""
    assert heard(*lines) == []


@pytest.mark.parametrize(
    ("greeting", "asks", "protocol"),
    [(b"S:220 x", b"S:331 x", "ftp"), (b"S:+OK x", b"S:+OK", "pop3"), (b"C:SYST", b"C:NOOP", "ftp or pop3")],
)
def test_user_and_pass(greeting: bytes, asks: bytes, protocol: str) -> None:
    """Blanks in a password belong to it; how the server speaks tells the protocol, if it was captured."""
    assert heard(greeting, b"C:user alice", asks, b"C:PASS se cret ") == [(protocol, "USER/PASS", "alice", "se cret ")]


def test_pipelined() -> None:
    """Several commands in one message."""
    assert heard(b"S:+OK", b"C:CAPA\r\nUSER alice\r\nPASS secret\r\nSTAT") == [("pop3", "USER/PASS", "alice", "secret")]


@pytest.mark.parametrize(
    ("greeting", "protocol", "command", "asks"),
    [
        (b"S:220 mail ESMTP", "smtp", b"C:AUTH", b"S:334 "),
        (b"S:+OK", "pop3", b"C:AUTH", b"S:+ "),
        (b"S:* OK", "imap", b"C:a7 authenticate", b"S:+ "),
    ],
)
def test_sasl(greeting: bytes, protocol: str, command: bytes, asks: bytes) -> None:
    """PLAIN and LOGIN, with and without an initial response."""
    verb = "AUTHENTICATE" if protocol == "imap" else "AUTH"
    plain, login = (protocol, f"{verb} PLAIN", "alice", "secret"), (protocol, f"{verb} LOGIN", "alice", "secret")
    assert heard(greeting, command + b" PLAIN " + PLAIN) == [plain]
    assert heard(greeting, command + b" plain", asks, b"C:" + PLAIN) == [plain]
    assert heard(greeting, command + b" LOGIN", asks, b"C:" + ALICE, asks, b"C:" + SECRET) == [login]
    assert heard(greeting, command + b" LOGIN " + ALICE, asks, b"C:" + SECRET) == [login]


def test_tried_again() -> None:
    """A refused exchange does not spoil the next."""
    refused = [b"C:AUTH LOGIN", b"S:334 ", b"C:" + ALICE, b"S:535 no"]
    assert heard(b"S:220 x", *refused, b"C:AUTH PLAIN " + PLAIN) == [("smtp", "AUTH PLAIN", "alice", "secret")]


@pytest.mark.parametrize(
    "commands",
    [
        [b"C:a1 LOGIN alice secret"],
        [b'C:a1 login "alice" "sec\\ret"'],
        [b"C:a1 LOGIN alice {6}", b"S:+ go", b"C:secret"],
        [b"C:a1 LOGIN {5}", b"S:+ go", b"C:alice {6}", b"S:+ go", b"C:secret"],
        [b"C:a1 LOGIN {5+}\r\nalice {6+}\r\nsecret"],
    ],
)
def test_imap_login(commands: list[bytes]) -> None:
    """Atoms, quoted strings, literals."""
    assert heard(b"S:* OK", *commands) == [("imap", "LOGIN", "alice", "secret")]


def test_a_password_whose_name_was_not_captured() -> None:
    """Is one all the same."""
    assert heard(b"S:331 x", b"C:PASS secret") == [("ftp", "USER/PASS", None, "secret")]


@pytest.mark.parametrize(
    ("answer", "protocol"), [(b"S:230 in", "ftp"), (b"S:530 no", "ftp"), (b"S:-ERR no", "pop3"), (b"S:+OK in", "pop3")]
)
def test_a_password_that_the_capture_begins_with(answer: bytes, protocol: str) -> None:
    """The server's answer tells what it was."""
    assert starts(b"PASS secret\r\n", from_client=True)
    assert heard(b"C:PASS secret", answer) == [(protocol, "USER/PASS", None, "secret")]


def test_tokens() -> None:
    """XOAUTH2 and OAUTHBEARER send what opens the mailbox."""
    token = base64.b64encode(b"user=alice@x.example\1auth=Bearer ya29.t\1\1")
    assert heard(b"S:220 x", b"C:AUTH XOAUTH2 " + token) == [("smtp", "AUTH XOAUTH2", "alice@x.example", "ya29.t")]
    token = base64.b64encode(b"n,a=alice@x.example,\1host=x\1port=143\1auth=Bearer t\1\1")
    expected = ("imap", "AUTHENTICATE OAUTHBEARER", "alice@x.example", "t")
    assert heard(b"S:* OK x", b"C:a AUTHENTICATE OAUTHBEARER", b"S:+ ", b"C:" + token) == [expected]


def test_news() -> None:
    """AUTHINFO."""
    lines = (b"S:200 news", b"C:AUTHINFO USER alice", b"S:381 more", b"C:AUTHINFO PASS secret")
    assert heard(*lines) == [("nntp", "AUTHINFO", "alice", "secret")]


@pytest.mark.parametrize(
    "lines",
    [
        [b"S:220 x", b"C:DATA", b"S:354 go", b"C:USER alice\r\nPASS secret\r\n.", b"S:250 ok"],
        [b"S:220 x", b"C:BDAT 25 LAST\r\nUSER alice\r\nPASS secret\r\n"],
        [b"S:* OK x", b"C:a APPEND box {24}", b"S:+ go", b"C:USER alice\r\nPASS secret\r\n"],
        [b"S:* OK x", b"C:a APPEND box {24+}\r\nb LOGIN alice 123456789\r\n"],
    ],
)
def test_what_is_in_a_mail_is_no_login(lines: list[bytes]) -> None:
    """It is passed over, and what follows is read."""
    kind = "imap" if lines[0].startswith(b"S:*") else "smtp"
    more = b"C:c LOGIN bob word" if kind == "imap" else b"C:AUTH PLAIN " + base64.b64encode(b"\0bob\0word")
    assert [(protocol, user) for protocol, _, user, _ in heard(*lines, more)] == [(kind, "bob")]


def test_a_command_in_pieces() -> None:
    """As typed by hand."""
    dialogue = MailDialogue()
    dialogue.feed(Turn(b"+OK\r\n", False, Moment(0)))
    said = b"USER alice\r\nPASS secret\r\n"
    found = [one for i in range(len(said)) for one in dialogue.feed(Turn(said[i : i + 1], True, Moment(0)))]
    assert [one.secret for one in found] == [b"secret"]


def test_nothing_is_read_after_starttls() -> None:
    """What looks like words in encrypted bytes is none."""
    dialogue = MailDialogue()
    dialogue.feed(Turn(b"220 x\r\n", False, Moment(0)))
    dialogue.feed(Turn(b"\x16\x03\x01", True, Moment(0)))
    assert dialogue.is_over


@pytest.mark.parametrize(("data", "is_start"), [
    (b"220 x", True), (b"+OK x", True), (b"* OK x", True), (b"HTTP/1.1 200", False), (b"+OK", False), (b"2200", False)
])  # fmt: skip
def test_starts(data: bytes, is_start: bool) -> None:
    """A server's greeting."""
    assert starts(data, from_client=False) is is_start

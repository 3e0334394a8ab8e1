"""Credentials in FTP, POP3, IMAP and SMTP."""

from __future__ import annotations

import base64

import pytest

from pcapdig.chisels.credentials.mail import MailEar


def heard(*lines: bytes) -> list[tuple[str, str, str | None, str]]:
    """(protocol, method, user, secret) of a dialogue; each line begins with S: or C:."""
    ear = MailEar()
    found = []
    for line in lines:
        found += [
            (c.protocol, c.method, c.user, c.secret) for c in ear.hear(line.startswith(b"C:"), line[2:] + b"\r\n")
        ]
    return found


PLAIN = base64.b64encode(b"\0alice\0secret")
ALICE, SECRET = base64.b64encode(b"alice"), base64.b64encode(b"secret")


@pytest.mark.parametrize(
    "lines",
    [
        [b"S:220 x", b"C:PASS secret"],
        [b"S:220 x", b"C:USER", b"C:PASS secret"],
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

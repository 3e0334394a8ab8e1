"""Credentials of any connection, by what is said."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from pcapdig.chisels.credentials.recognition import begin, credentials_of
from pcapdig.chisels.dialogues import Dialogues

BASIC = b"GET / HTTP/1.1\r\nAuthorization: Basic YWxpY2U6c2VjcmV0\r\n\r\n"
PG_STARTUP = b"\0\0\0\x22\0\3\0\0user\0alice\0database\0shop\0\0"
PG_CLEAR = b"R\0\0\0\x08\0\0\0\3"
GREETING_TEXT = b"\x0a5.5.5-x\0" + b"\1\0\0\x0012345678\0\xff\xff\x08\2\0\xff\x81" + bytes(23)
GREETING = len(GREETING_TEXT).to_bytes(3, "little") + b"\0" + GREETING_TEXT
LOGIN = struct.pack("<IIB23x", 0x88200, 1 << 24, 33) + b"alice\0\x07secret\0mysql_clear_password\0"
Heard = Callable[..., list[tuple[str, str, str | None, str]]]


def array(*words: bytes) -> bytes:
    """A Redis command as clients send it."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


@pytest.fixture
def heard(conversation: Callable[..., Any]) -> Heard:
    """(protocol, method, user, secret) of messages; those of the server begin with S:."""

    def hear(*messages: bytes) -> list[tuple[str, str, str | None, str]]:
        dialogues: Dialogues[Any] = Dialogues(begin)
        turns = [(not m.startswith(b"S:"), m.removeprefix(b"S:")) for m in messages]
        found = [*dialogues.feed(conversation(turns)), *dialogues.end()]
        return [(c.protocol, c.method, c.user, c.secret) for one in found for c in credentials_of(one.record)]

    return hear


@pytest.mark.parametrize(
    "messages",
    [
        [array(b"AUTH")],
        [array(b"AUTH", b"a", b"b", b"c")],
        [array(b"AUTH", b"secret")[:-9]],
        [array(b"SET", b"key", array(b"AUTH", b"secret"))],
        [array(b"HELLO", b"3", b"AUTH", b"alice")],
        [b"*9999999\r\n" + b"$4\r\nAUTH\r\n"],
        [b"S:220 mail\r\n", b"AUTH secret\r\n"],
        [b"AUTH NTLM\r\n", b"S:+ \r\n"],
        [b"AUTH CRAM-MD5\r\n", b"S:+ PDE+\r\n"],
        [PG_STARTUP, b"S:R\0\0\0\x0c\0\0\0\x05salt", b"p\0\0\0\x0bmd5beef\0"],
        [b"\x16\x03\1\0\5\1\0\0\1x", b"USER alice\r\nPASS secret\r\n"],
        [b"SSH-2.0-x\r\n", b"S:SSH-2.0-y\r\n"],
    ],
)
def test_no_credentials(heard: Heard, messages: list[bytes]) -> None:
    """What is cut, wrong, a value, hashed, encrypted, or another protocol."""
    assert heard(*messages) == []


@pytest.mark.parametrize(
    ("messages", "credential"),
    [
        ([BASIC], ("http", "Basic", "alice", "secret")),
        ([array(b"auth", b"se\r\ncret")], ("redis", "AUTH", None, "se\r\ncret")),
        ([array(b"AUTH", b"alice", b"secret")], ("redis", "AUTH", "alice", "secret")),
        ([b"AUTH alice secret\r\n"], ("redis", "AUTH", "alice", "secret")),
        ([array(b"PING"), b"S:+PONG\r\n", array(b"PING") + array(b"AUTH", b"secret")], ("redis", "AUTH", None, "secret")),
        ([array(b"HELLO", b"3", b"auth", b"alice", b"secret", b"SETNAME", b"x")], ("redis", "HELLO AUTH", "alice", "secret")),
        ([b"S:220 hi\r\n", b"USER alice\r\n", b"S:331 x\r\n", b"PASS secret\r\n"], ("ftp", "USER/PASS", "alice", "secret")),
        ([b"\x30\x18\2\1\1\x60\x13\2\1\3\4\5alice\x80\7secret!"], ("ldap", "simple bind", "alice", "secret!")),
        ([b"S:\xff\xfd\1login: ", b"alice\r\n", b"S:Password: ", b"secret\r\n"], ("telnet", "prompt", "alice", "secret")),
        (
            [PG_STARTUP, b"S:" + PG_CLEAR, b"p\0\0\0\x0bsecret\0", b"S:R\0\0\0\x08\0\0\0\0Z\0\0\0\5I"],
            ("postgresql", "password", "alice", "secret"),
        ),
        (
            [b"S:" + GREETING, len(LOGIN).to_bytes(3, "little") + b"\1" + LOGIN, b"S:\7\0\0\2\0\0\0\2\0\0\0"],
            ("mysql", "clear password", "alice", "secret"),
        ),
        ([len(LOGIN).to_bytes(3, "little") + b"\1" + LOGIN], ("mysql", "clear password", "alice", "secret")),
    ],
)  # fmt: skip
def test_each_protocol_is_known_by_what_is_said(
    heard: Heard, messages: list[bytes], credential: tuple[str, str, str | None, str]
) -> None:
    """On any port."""
    assert heard(*messages) == [credential]


def test_bodies_of_http_are_of_no_other_protocol(heard: Heard) -> None:
    """A mail that is uploaded is no login."""
    body = b"USER alice\nPASS secret\n"
    head = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert heard(head, b"S:HTTP/1.1 100 Continue\r\n\r\n", body) == []


def test_a_login_that_was_refused_is_heard(heard: Heard) -> None:
    """The password went over the wire."""
    refused = b"S:E\0\0\0\x0cC28P01\0\0"
    assert heard(PG_STARTUP, b"S:" + PG_CLEAR, b"p\0\0\0\x0bsecret\0", refused) == [
        ("postgresql", "password", "alice", "secret")
    ]

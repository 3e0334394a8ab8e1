"""Telnet logins."""

from __future__ import annotations

import pytest

from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.telnet import TelnetDialogue, starts


def heard(*turns: tuple[bool, bytes]) -> list[tuple[bytes | None, bytes]]:
    """(user, secret) of (by the client, what)."""
    dialogue = TelnetDialogue()
    return [
        (one.user, one.secret) for by_client, data in turns for one in dialogue.feed(Turn(data, by_client, Moment(0)))
    ]


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xff\1", b"login: ", b"\xff\xf0\1"])
def test_what_does_not_begin_a_connection(data: bytes) -> None:
    """Options do."""
    assert not starts(data)


def test_key_by_key_with_echo() -> None:
    """Backspaces are done; what the server echoes is no prompt."""
    turns = [(False, b"\xff\xfd\x18"), (True, b"\xff\xfb\x18"), (False, b"\xff\xfa\x18\1\xff\xf0host login: ")]
    for key in (b"a", b"x", b"\x7f", b"l"):
        turns += [(True, key), (False, key)]
    turns += [
        (True, b"\r\0"),
        (False, b"\r\nPassword: "),
        *((True, bytes([key])) for key in b"secret"),
        (True, b"\r\n"),
    ]
    assert heard(*turns) == [(b"al", b"secret")]


def test_line_by_line() -> None:
    """As many devices have it; a second password, of sudo, has no prompt for a name."""
    turns = [(False, b"User Name:"), (True, b"alice\r\n"), (False, b"Password:"), (True, b"secret\r\n"), (False, b"$ ")]
    turns += [(True, b"sudo id\r\n"), (False, b"[sudo] password for alice: "), (True, b"other\r\n")]
    assert heard(*turns) == [(b"alice", b"secret"), (b"alice", b"other")]


def test_commands_typed_are_no_password() -> None:
    """Without a prompt."""
    assert heard((False, b"Last login: Monday\r\n$ "), (True, b"password\r\n")) == []


def test_a_doubled_ff_is_a_byte() -> None:
    """IAC IAC, also where a command's byte follows."""
    assert heard((False, b"Password: "), (True, b"a\xff\xff\xfbb\r\n")) == [(None, b"a\xff\xfbb")]

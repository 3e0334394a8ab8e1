"""Redis AUTH."""

from __future__ import annotations

import pytest

from pcapdig.chisels.credentials.redis import RedisEar


def array(*words: bytes) -> bytes:
    """A command as clients send it."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def heard(*messages: bytes) -> list[tuple[str, str | None, str]]:
    """(method, user, secret) of a dialogue; the server's messages begin with S:."""
    ear = RedisEar()
    found = []
    for message in messages:
        by_client = not message.startswith(b"S:")
        found += [(c.method, c.user, c.secret) for c in ear.hear(by_client, message if by_client else message[2:])]
    return found


@pytest.mark.parametrize(
    "messages",
    [
        [array(b"AUTH")],
        [array(b"AUTH", b"a", b"b", b"c")],
        [array(b"AUTH", b"secret")[:-3]],
        [array(b"SET", b"key", array(b"AUTH", b"secret"))],
        [array(b"HELLO", b"3", b"AUTH", b"alice")],
        [b"*9999999\r\n" + b"$4\r\nAUTH\r\n"],
        [b"*2\r\n$999999999\r\nAUTH\r\n"],
        [b"S:220 mail", b"AUTH secret\r\n"],
    ],
)
def test_no_credentials(messages: list[bytes]) -> None:
    """What is cut, wrong, a value, or another protocol."""
    assert heard(*messages) == []


def test_auth() -> None:
    """A password alone, a name with it; binary words; inline."""
    assert heard(array(b"auth", b"se\r\ncret")) == [("AUTH", None, "se\r\ncret")]
    assert heard(array(b"AUTH", b"alice", b"secret")) == [("AUTH", "alice", "secret")]
    assert heard(b"AUTH alice secret\r\n") == [("AUTH", "alice", "secret")]
    assert heard(b"AUTH secret\n") == [("AUTH", None, "secret")]


def test_hello() -> None:
    """With other options around."""
    command = array(b"HELLO", b"3", b"auth", b"alice", b"secret", b"SETNAME", b"x")
    assert heard(command) == [("HELLO AUTH", "alice", "secret")]


def test_in_a_pipeline() -> None:
    """Between other commands, and later on the connection."""
    ping = array(b"PING")
    assert heard(ping, b"S:+PONG\r\n", ping + array(b"AUTH", b"secret") + ping) == [("AUTH", None, "secret")]

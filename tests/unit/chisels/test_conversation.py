"""All ears on one connection."""

from __future__ import annotations

from pcapdig.chisels.credentials.conversation import Conversation

BASIC = b"GET / HTTP/1.1\r\nAuthorization: Basic YWxpY2U6c2VjcmV0\r\n\r\n"


def heard(*messages: tuple[bool, bytes]) -> list[tuple[str, str | None, str]]:
    """(protocol, user, secret) of all that was heard."""
    conversation = Conversation()
    found = []
    for by_client, message in messages:
        found += [(c.protocol, c.user, c.secret) for c in conversation.hear(by_client, message)]
    return found


def test_told_once() -> None:
    """Basic goes with each request, and is one credential."""
    assert heard((True, BASIC), (False, b"HTTP/1.1 200 OK\r\n\r\n"), (True, BASIC * 2)) == [("http", "alice", "secret")]


def test_bodies_of_http_are_of_no_other_protocol() -> None:
    """A mail that is uploaded is no login."""
    body = b"USER alice\nPASS secret\n"
    head = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert heard((True, head), (False, b"HTTP/1.1 100 Continue\r\n\r\n"), (True, body)) == []


def test_nothing_is_heard_after_tls() -> None:
    """What looks like words in encrypted bytes is none."""
    assert heard((False, b"220 x\r\n"), (True, b"\x16\x03\x01"), (True, b"USER a\r\nPASS b\r\n")) == []


def test_each_protocol_is_known_by_what_is_said() -> None:
    """FTP on any port."""
    assert heard(
        (False, b"220 hello\r\n"), (True, b"USER alice\r\n"), (False, b"331 word?\r\n"), (True, b"PASS secret\r\n")
    ) == [("ftp", "alice", "secret")]

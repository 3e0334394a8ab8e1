"""PostgreSQL passwords in clear."""

from __future__ import annotations

import pytest

from pcapdig.chisels.credentials.postgres import PostgresEar

ASKS = b"R\x00\x00\x00\x08\x00\x00\x00\x03"
MD5 = b"R\x00\x00\x00\x0c\x00\x00\x00\x05salt"


def sized(body: bytes, kind: bytes = b"") -> bytes:
    """A message with its length."""
    return kind + (len(body) + 4).to_bytes(4, "big") + body


STARTUP = sized(b"\x00\x03\x00\x00user\0alice\0database\0shop\0\0")
PASSWORD = sized(b"secret\0", b"p")


def heard(*messages: bytes) -> list[tuple[str | None, str]]:
    """(user, secret) of a dialogue, client's turn first."""
    ear = PostgresEar()
    return [(c.user, c.secret) for i, message in enumerate(messages) for c in ear.hear(i % 2 == 0, message)]


@pytest.mark.parametrize(
    "messages",
    [
        [STARTUP, MD5, PASSWORD],
        [STARTUP[:-1], ASKS, PASSWORD],
        [STARTUP, ASKS[:-1], PASSWORD],
        [sized(b"\x00\x03\x00\x00\0"), ASKS, PASSWORD],
        [STARTUP, ASKS, sized(b"\0", b"p")],
        [STARTUP, ASKS, b"p"],
        [PASSWORD],
    ],
)
def test_no_credentials(messages: list[bytes]) -> None:
    """Hashed, cut, empty, without a user, without being asked."""
    assert heard(*messages) == []


def test_password() -> None:
    """Asked for in clear, sent in clear."""
    assert heard(STARTUP, ASKS, PASSWORD) == [("alice", "secret")]

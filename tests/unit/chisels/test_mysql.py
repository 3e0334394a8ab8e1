"""MySQL handshakes without TLS."""

from __future__ import annotations

import struct

import pytest

from pcapdig.chisels.credentials.mysql import MysqlEar

SALT = b"12345678"
NEW, SECURE, PLUGIN, WITH_DB, SSL, LENGTH_ENCODED = 0x200, 0x8000, 0x80000, 0x8, 0x800, 0x200000


def packet(sequence: int, payload: bytes) -> bytes:
    """A packet of the protocol."""
    return len(payload).to_bytes(3, "little") + bytes([sequence]) + payload


GREETING = packet(0, b"\x0a5.5.5-x\0" + b"\1\0\0\0" + SALT + b"\0" + bytes(20))


def response(flags: int, answer: bytes, *, after: bytes = b"") -> bytes:
    """Handshake response 41."""
    return packet(1, struct.pack("<IIB23x", flags | NEW, 1 << 24, 33) + b"alice\0" + answer + after)


def heard(*messages: tuple[bool, bytes]) -> list[tuple[str, str | None, str]]:
    """(method, user, secret) of (by the client, message)s."""
    ear = MysqlEar()
    return [(c.method, c.user, c.secret) for message in messages for c in ear.hear(*message)]


def after_greeting(*messages: bytes) -> list[tuple[str, str | None, str]]:
    """A dialogue, client's turn first."""
    return heard((False, GREETING), *((position % 2 == 0, message) for position, message in enumerate(messages)))


HASH = f"hash={b'abcdefgh'.hex()} salt={SALT.hex()}"
MODERN = response(SECURE | PLUGIN, b"\x14" + bytes(20), after=b"mysql_native_password\0")


@pytest.mark.parametrize(
    "messages",
    [
        [b""],
        [b"\x05\0\0\1ab"],
        [MODERN],
        [packet(1, struct.pack("<IIB23x", NEW | SSL, 1, 33)), b"\x16\x03\x01"],
        [MODERN, packet(2, b"\xfecaching_sha2_password\0salt"), packet(3, bytes(32))],
        [MODERN, packet(2, b"\0\0\0\2\0\0\0"), packet(0, b"\x03SELECT 'abcdefgh'")],
        [response(SECURE | PLUGIN, b"\0", after=b"mysql_clear_password\0")],
        [response(SECURE | LENGTH_ENCODED, b"\xfe\xff\xff")],
    ],
)
def test_no_credentials(messages: list[bytes]) -> None:
    """Cut, hashed well, encrypted, or no handshake any more."""
    assert after_greeting(*messages) == []


def test_nothing_without_a_greeting() -> None:
    """A connection seen from its middle on says nothing."""
    assert heard((True, response(0, b"abcdefgh\0"))) == []


@pytest.mark.parametrize("flags", [SECURE | PLUGIN, SECURE | PLUGIN | LENGTH_ENCODED, SECURE | PLUGIN | WITH_DB])
def test_clear_password_at_once(flags: int) -> None:
    """mysql_clear_password in the first answer."""
    after = (b"shop\0" if flags & WITH_DB else b"") + b"mysql_clear_password\0"
    assert after_greeting(response(flags, b"\x07secret\0", after=after)) == [("clear password", "alice", "secret")]


def test_clear_password_asked_for() -> None:
    """The server switches to it."""
    asked = packet(2, b"\xfemysql_clear_password\0")
    assert after_greeting(MODERN, asked, packet(3, b"secret\0")) == [("clear password", "alice", "secret")]


@pytest.mark.parametrize("asked", [b"\xfe", b"\xfemysql_old_password\0" + SALT + b"\0"])
def test_old_hash_asked_for(asked: bytes) -> None:
    """By the old switch, and by the new one."""
    assert after_greeting(MODERN, packet(2, asked), packet(3, b"abcdefgh\0")) == [("old hash", "alice", HASH)]


def test_old_hash_at_once() -> None:
    """A client that knows no other, of either generation of the protocol."""
    assert after_greeting(response(0, b"abcdefgh\0")) == [("old hash", "alice", HASH)]
    before_41 = packet(1, b"\x04\0" + b"\xff\xff\xff" + b"alice\0" + b"abcdefgh\0")
    assert after_greeting(before_41) == [("old hash", "alice", HASH)]

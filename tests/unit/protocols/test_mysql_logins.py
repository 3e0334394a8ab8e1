"""MySQL's connection phase: what a listener can read of it."""

from __future__ import annotations

import struct

import pytest

from pcapdig.protocols.mysql_logins import Login, read_change_user
from pcapdig.protocols.mysql_packets import CutPacketError

SALT = b"12345678"
NEW, SECURE, PLUGIN, WITH_DB, SSL, LENGTH_ENCODED = 0x200, 0x8000, 0x80000, 0x8, 0x800, 0x200000
GREETING = b"\x0a5.5.5-x\0" + b"\1\0\0\0" + SALT + b"\0\xff\xff\x08\2\0\xff\x81" + bytes(30)
HASH = f"hash={b'abcdefgh'.hex()} salt={SALT.hex()}".encode()


def response(flags: int, answer: bytes, after: bytes = b"") -> bytes:
    """Handshake response 41."""
    return struct.pack("<IIB23x", flags | NEW, 1 << 24, 33) + b"alice\0" + answer + after


MODERN = response(SECURE | PLUGIN, b"\x14" + b"x" * 20, b"mysql_native_password\0")


def login(answered: bytes, *later: bytes) -> Login:
    """After the greeting and the client's response; then the server's switch and the client's answer."""
    found = Login()
    found.greet(GREETING)
    found.respond(answered)
    if later:
        found.switch(later[0])
        found.hear(later[1])
    return found


@pytest.mark.parametrize("size", range(len(b"\x0a5.5.5-x\0") + 16))
def test_a_cut_greeting(size: int) -> None:
    """At each byte that is needed."""
    if size < len(b"\x0a5.5.5-x\0") + 15:
        with pytest.raises(CutPacketError):
            Login().greet(GREETING[:size])


@pytest.mark.parametrize("size", range(4, len(MODERN) - 22))
def test_a_cut_response(size: int) -> None:
    """Within user and answer."""
    with pytest.raises(CutPacketError):
        Login().respond(MODERN[:size])


def test_a_response_that_turns_to_tls() -> None:
    """Its first half, without a name."""
    assert not Login().respond(struct.pack("<IIB23x", NEW | SSL, 1, 33))


@pytest.mark.parametrize(
    "messages",
    [
        [MODERN],
        [MODERN, b"\xfecaching_sha2_password\0salt", b"y" * 32],
        [response(SECURE | PLUGIN, b"\0", b"mysql_clear_password\0")],
    ],
)
def test_no_secret(messages: list[bytes]) -> None:
    """Hashed well, or empty."""
    assert login(*messages).secret is None


@pytest.mark.parametrize("flags", [SECURE | PLUGIN, SECURE | PLUGIN | LENGTH_ENCODED, SECURE | PLUGIN | WITH_DB])
def test_clear_password_at_once(flags: int) -> None:
    """mysql_clear_password in the first answer."""
    after = (b"shop\0" if flags & WITH_DB else b"") + b"mysql_clear_password\0"
    found = login(response(flags, b"\x07secret\0", after))
    assert (found.user, found.secret and found.secret.text) == ("alice", b"secret")
    assert found.database == ("shop" if flags & WITH_DB else None)


@pytest.mark.parametrize(("plugin", "method"), [(b"mysql_clear_password", "clear password"), (b"dialog", "dialog")])
def test_clear_password_asked_for(plugin: bytes, method: str) -> None:
    """The server switches to it; dialog is MariaDB's PAM."""
    secret = login(MODERN, b"\xfe" + plugin + b"\0\4Password: ", b"secret\0").secret
    assert secret and (secret.method, secret.text) == (method, b"secret")


@pytest.mark.parametrize("asked", [b"\xfe", b"\xfemysql_old_password\0" + SALT + b"\0"])
def test_old_hash_asked_for(asked: bytes) -> None:
    """By the old switch, and by the new one."""
    secret = login(MODERN, asked, b"abcdefgh\0").secret
    assert secret and (secret.method, secret.text) == ("old hash", HASH)


@pytest.mark.parametrize(("flags", "rest"), [(b"\x04\0", b"abcdefgh\0"), (b"\x0c\0", b"abcdefgh\0shop\0")])
def test_a_client_of_before_4_1(flags: bytes, rest: bytes) -> None:
    """Old hash at once, with and without a database."""
    found = login(flags + b"\xff\xff\xff" + b"alice\0" + rest)
    assert found.is_old and found.secret and found.secret.text == HASH
    assert found.database == ("shop" if b"shop" in rest else None)


def test_flags_count_if_both_sides_have_them() -> None:
    """A client may offer what its server does not know."""
    found = login(response(SECURE | PLUGIN | 0x20 | 1 << 27, b"\x14" + b"x" * 20, b"mysql_native_password\0"))
    assert (found.is_compressed, found.has_attributes) == (True, False)


def test_change_user() -> None:
    """User and database."""
    assert read_change_user(b"\x11bob\0\2xyshop\0") == ("bob", "shop")
    assert read_change_user(b"\x11bob\0") == ("bob", None)

"""LDAP simple binds."""

from __future__ import annotations

import pytest

from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.ldap import LdapDialogue, starts


def element(tag: int, value: bytes, *, long_form: bool = False) -> bytes:
    """A BER element."""
    length = bytes([0x82, *len(value).to_bytes(2, "big")]) if long_form or len(value) > 127 else bytes([len(value)])
    return bytes([tag]) + length + value


def bind(name: bytes, secret: bytes, *, method: int = 0x80, long_form: bool = False) -> bytes:
    """A bind request of version 3."""
    body = element(2, b"\x03") + element(4, name, long_form=long_form) + element(method, secret)
    return element(0x30, element(2, b"\x01") + element(0x60, body), long_form=long_form)


BIND = bind(b"cn=admin,dc=example", b"secret")


def heard(message: bytes, *, by_client: bool = True) -> list[tuple[str, str]]:
    """(user, secret) of a message."""
    found = LdapDialogue().feed(Turn(message, by_client, Moment(0)))
    return [((one.user or b"").decode(), one.secret.decode()) for one in found]


@pytest.mark.parametrize("size", range(len(BIND)))
def test_a_cut_bind_is_none(size: int) -> None:
    """At each byte."""
    assert heard(BIND[:size]) == []


@pytest.mark.parametrize(
    "message",
    [
        bind(b"", b""),
        bind(b"cn=admin", b""),
        bind(b"cn=admin", b"GSSAPI", method=0xA3),
        b"\x30\x80" + BIND,
        b"\x30\x85\x00\x00\x00\x00\x10" + BIND,
        b"\x30\x84\xff\xff\xff\xff" + BIND,
        element(0x30, element(2, b"\x01") + element(0x63, b"search")),
    ],
)
def test_no_credentials(message: bytes) -> None:
    """Anonymous, SASL, indefinite or absurd lengths, other requests."""
    assert heard(message) == []


def test_answers_hold_none() -> None:
    """The client binds."""
    assert heard(BIND, by_client=False) == []


@pytest.mark.parametrize("long_form", [False, True])
def test_simple_bind(long_form: bool) -> None:
    """Lengths in either form."""
    assert heard(bind(b"cn=admin", b"secret", long_form=long_form)) == [("cn=admin", "secret")]


def test_after_other_requests() -> None:
    """All messages of a segment."""
    search = element(0x30, element(2, b"\x01") + element(0x63, b"search"))
    assert heard(search + BIND + search) == [("cn=admin,dc=example", "secret")]


def test_sasl_plain() -> None:
    """The other bind that sends a password itself."""
    body = element(2, b"\3") + element(4, b"") + element(0xA3, element(4, b"PLAIN") + element(4, b"\0alice\0secret"))
    assert heard(element(0x30, element(2, b"\1") + element(0x60, body))) == [("alice", "secret")]


def test_starts() -> None:
    """A request; nothing else that begins with a sequence."""
    assert starts(BIND) and starts(BIND[:12])
    assert not any(
        map(starts, (b"", b"\x30", b"\x30\x05\2\1\1\x04\0", b"\x30\x03\2\1\1\x60\x09", b"\x30\x80\2\1\1\x60\0"))
    )


def test_nothing_is_read_after_starttls() -> None:
    """A TLS record."""
    dialogue = LdapDialogue()
    dialogue.feed(Turn(b"\x16\x03\x01", True, Moment(0)))
    assert dialogue.is_over

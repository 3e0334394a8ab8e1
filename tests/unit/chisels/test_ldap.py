"""LDAP simple binds."""

from __future__ import annotations

import pytest

from pcapdig.chisels.credentials.ldap import LdapEar


def element(tag: int, value: bytes, *, long_form: bool = False) -> bytes:
    """A BER element."""
    length = bytes([0x82, *len(value).to_bytes(2, "big")]) if long_form or len(value) > 127 else bytes([len(value)])
    return bytes([tag]) + length + value


def bind(name: bytes, secret: bytes, *, method: int = 0x80, long_form: bool = False) -> bytes:
    """A bind request of version 3."""
    body = element(2, b"\x03") + element(4, name, long_form=long_form) + element(method, secret)
    return element(0x30, element(2, b"\x01") + element(0x60, body), long_form=long_form)


BIND = bind(b"cn=admin,dc=example", b"secret")


def heard(message: bytes, *, by_client: bool = True) -> list[tuple[str | None, str]]:
    """(user, secret) of a message."""
    return [(c.user, c.secret) for c in LdapEar().hear(by_client, message)]


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

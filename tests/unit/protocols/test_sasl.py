"""SASL exchanges."""

from __future__ import annotations

import pytest

from pcapdig.protocols.sasl import Exchange, Proof, decoded


@pytest.mark.parametrize("line", [b"*", b"!!!", b"YWxpY2U", b"\xff"])
def test_what_is_no_response(line: bytes) -> None:
    """Giving up, and what is no base64."""
    assert decoded(line) is None


@pytest.mark.parametrize(
    ("mechanism", "response"),
    [("PLAIN", b"alice"), ("PLAIN", b"\0alice\0"), ("XOAUTH2", b"user=a\1auth=Bearer"), ("OAUTHBEARER", b"")],
)
def test_what_proves_nothing(mechanism: str, response: bytes) -> None:
    """Cut, or without a secret."""
    assert Exchange(mechanism).hear(response) is False


def test_login_asks_twice() -> None:
    """Name, then password."""
    exchange = Exchange("LOGIN")
    assert exchange.hear(b"alice") is True
    assert exchange.hear(b"secret") == Proof(b"alice", b"secret")


def test_an_identity_to_act_as_is_not_who_proves() -> None:
    """PLAIN has three parts."""
    assert Exchange("PLAIN").hear(b"boss\0alice\0secret") == Proof(b"alice", b"secret")
    assert decoded(b"=") == b""

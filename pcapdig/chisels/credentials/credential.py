"""A name and a secret that went over the wire in clear."""

from __future__ import annotations

from dataclasses import dataclass

_TEXT_LIMIT = 256
"""Characters kept of a name or a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One credential, as it was sent."""

    protocol: str
    """`http`, `ftp`, `pop3`, `imap`, `smtp`, `nntp`, `ldap`, `telnet`, `redis`, `mysql`, `postgresql`."""
    method: str
    """How it was sent, in the protocol's words: `Basic`, `AUTH PLAIN`."""
    user: str | None
    """Who; None: the protocol has no name, or it was not seen."""
    secret: str
    """Password or token, or what can be turned into it at once."""


def text_of(raw: bytes) -> str:
    """Bytes from the wire as text: UTF-8, other bytes as \\xNN, cut at 256 characters."""
    return raw[: 4 * _TEXT_LIMIT].decode("utf-8", "backslashreplace")[:_TEXT_LIMIT]

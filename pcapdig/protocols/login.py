"""A name and a password that were sent to log in: the record of the protocols that are read for nothing else.

In: nothing; mail.py, ldap.py and telnet.py make these records. Out: the record type. Must not know any protocol.
"""

from __future__ import annotations

from dataclasses import dataclass

from pcapdig.protocols.conversation import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Login(Record):
    """What a client sent to prove who it is. `asked` is when the secret was sent; answers are not read."""

    protocol: str
    """ftp, pop3, imap, smtp, nntp, ldap, telnet; `ftp or pop3` where the server was not heard."""
    method: str
    """In the protocol's words: `USER/PASS`, `AUTH PLAIN`, `simple bind`."""
    user: bytes | None
    """None: it was not sent, or not captured."""
    secret: bytes
    """A password; of XOAUTH2 and OAUTHBEARER the token."""

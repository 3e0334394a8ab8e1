"""SASL exchanges that send a password or a token itself.

In: a mechanism's name and a client's responses. Out: user and secret. Source: RFC 4616 (PLAIN), draft-murchison-sasl-login (LOGIN), RFC 7628
(OAUTHBEARER), Google's "XOAUTH2 Mechanism". The others send proofs, from which no listener reads a password.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

MECHANISMS = "PLAIN|LOGIN|XOAUTH2|OAUTHBEARER"
"""Those that are read, as a pattern."""
NAMES = rf"(?:{MECHANISMS}|ANONYMOUS|CRAM-MD5|DIGEST-MD5|EXTERNAL|GSSAPI|GSS-SPNEGO|GS2-\S+|KERBEROS_V[45]|NTLM|OTP|SCRAM-\S+|SKEY|MSN|XOAUTH)"
"""All that are in use (IANA "SASL Mechanisms"), and what Microsoft has beside them: words that are no password."""
_TOKEN = re.compile(rb"\x01auth=Bearer ([^\x01]+)\x01", re.IGNORECASE)
_OAUTH_USER = re.compile(rb"\A(?:user=|n,a=)([^\x01,]+)")


class Proof(NamedTuple):
    """Who, and by what."""

    user: bytes
    secret: bytes


class Exchange:
    """One exchange, from its mechanism's name on."""

    def __init__(self, mechanism: str) -> None:
        self.mechanism = mechanism
        """In capitals."""
        self._user: bytes | None = None

    def hear(self, response: bytes) -> Proof | bool:
        """A response, decoded: what it proves; True: more has to come; False: it proves nothing."""
        if self.mechanism == "LOGIN" and self._user is None:
            self._user = response
            return True
        if self.mechanism == "LOGIN":
            return Proof(self._user or b"", response) if response else False
        if self.mechanism == "PLAIN":
            parts = response.split(b"\0")
            return Proof(parts[1], parts[2]) if len(parts) == 3 and parts[2] else False
        token, user = _TOKEN.search(response), _OAUTH_USER.match(response)
        return Proof(user[1] if user else b"", token[1]) if token else False


def decoded(line: bytes) -> bytes | None:
    """A response as mail protocols send it, in base64; `=` is an empty one; None: it is none (`*` gives up)."""
    if line == b"=":
        return b""
    try:
        return base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        return None

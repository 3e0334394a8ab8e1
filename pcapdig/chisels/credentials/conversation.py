"""All ears on one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcapdig.chisels.credentials.http import HttpEar, is_request
from pcapdig.chisels.credentials.ldap import LdapEar
from pcapdig.chisels.credentials.mail import MailEar
from pcapdig.chisels.credentials.mysql import MysqlEar
from pcapdig.chisels.credentials.postgres import PostgresEar
from pcapdig.chisels.credentials.redis import RedisEar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pcapdig.chisels.credentials.credential import Credential, Ear


_ENCRYPTED = (b"\x16\x03", b"SSH-")
"""A TLS handshake (RFC 8446 section 5.1), or SSH's first words (RFC 4253 section 4.2): nothing that follows is in clear."""


class Conversation:
    """What was said over one TCP connection so far, as far as credentials go."""

    __slots__ = ("_ears", "_is_http", "_told")

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._ears: tuple[Ear, ...] = (HttpEar(), MailEar(), LdapEar(), RedisEar(), MysqlEar(), PostgresEar())
        self._is_http = False
        self._told: set[Credential] = set()

    def hear(self, by_client: bool, message: bytes) -> Iterator[Credential]:
        """Take the next message; give credentials not given before. The same one sent again is not told twice."""
        if by_client and not self._is_http and is_request(message):
            self._is_http = True  # what its bodies hold is of no other protocol
            self._ears = self._ears[:1]
        if message.startswith(_ENCRYPTED):
            self._ears = ()
        for ear in self._ears:
            for credential in ear.hear(by_client, message):
                if credential not in self._told:
                    self._told.add(credential)
                    yield credential

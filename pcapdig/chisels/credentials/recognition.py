"""Which protocol a connection speaks whose records may hold credentials, and what is a credential in each kind of record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pcapdig.chisels.credentials.credential import Credential, text_of
from pcapdig.chisels.credentials.http import BODY_LIMIT_BYTES
from pcapdig.chisels.credentials.http import credentials_of as credentials_of_request
from pcapdig.protocols import http, ldap, mail, mysql, postgres_messages, redis, telnet
from pcapdig.protocols.http import HttpCall
from pcapdig.protocols.login import Login
from pcapdig.protocols.mysql import MysqlDialogue
from pcapdig.protocols.postgres import PostgresDialogue
from pcapdig.protocols.redis import RedisCall
from pcapdig.protocols.sasl import NAMES
from pcapdig.protocols.sql import SqlCall

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pcapdig.chisels.dialogues import Opening
    from pcapdig.protocols.conversation import Dialogue, Record

_REDIS_AUTH = re.compile(rb"\r\nAUTH\r\n", re.IGNORECASE)
"""A word of a command; only then it is worth reading commands."""
_INLINE_AUTH = re.compile(rb"AUTH (?!%b[ \r\n])[^ \r\n]+(?: [^ \r\n]+)?\r?\n" % NAMES.encode(), re.IGNORECASE)


_ENCRYPTED = (b"\x16\x03", b"SSH-")
"""A TLS handshake (RFC 8446 section 5.1), or SSH's first words (RFC 4253 section 4.2): nothing that follows is in clear."""


class _MysqlLogin(MysqlDialogue):
    """Nothing is read after the login."""

    def tell(self, record: SqlCall) -> None:
        super().tell(record)
        self.is_over = True


class _PostgresLogin(PostgresDialogue):
    """Nothing is read after the login."""

    def tell(self, record: SqlCall) -> None:
        super().tell(record)
        self.is_over = True


def begin(opening: Opening) -> Dialogue[Any, Any] | None:
    """A dialogue, if a protocol with logins begins with this message."""
    data, from_client = opening.data, opening.from_client
    if data.startswith(_ENCRYPTED):
        nothing = mail.MailDialogue()
        nothing.is_over = True
        return nothing
    if http.starts(data):
        return http.HttpDialogue(body_limit=BODY_LIMIT_BYTES)
    if from_client and (_INLINE_AUTH.match(data) or (redis.starts(data) and _REDIS_AUTH.search(data))):
        return redis.RedisDialogue()
    is_login = not from_client or data[3:4] == b"\1"  # a command of a client is none
    if is_login and mysql.starts(data, from_client=from_client):
        return _MysqlLogin()
    if data[:1] == b"\0" and postgres_messages.said_by_client(data):
        return _PostgresLogin()
    if mail.starts(data, from_client=from_client):
        return mail.MailDialogue()
    if from_client and ldap.starts(data):
        return ldap.LdapDialogue()
    return telnet.TelnetDialogue() if telnet.starts(data) else None


def credentials_of(record: Record) -> Iterator[Credential]:
    """The credentials in a record."""
    if isinstance(record, HttpCall):
        if record.request is not None:
            yield from credentials_of_request(record.request)
    elif isinstance(record, RedisCall):
        yield from _of_redis(record)
    elif isinstance(record, SqlCall):
        if record.secret is not None:
            secret = record.secret
            yield Credential(
                protocol=record.product, method=secret.method, user=record.user, secret=text_of(secret.text)
            )
    elif isinstance(record, Login):
        user = None if record.user is None else text_of(record.user)
        yield Credential(protocol=record.protocol, method=record.method, user=user, secret=text_of(record.secret))


def _of_redis(call: RedisCall) -> Iterator[Credential]:
    """AUTH [user] password; HELLO version AUTH user password."""
    words = call.words
    if call.name == "AUTH" and 2 <= call.word_count <= 3:
        user = words[1][:256] if len(words) == 3 else None
        yield Credential(protocol="redis", method="AUTH", user=user, secret=words[-1][:256])
    elif call.name == "HELLO":
        options = [word.upper() for word in words]
        at = options.index("AUTH", 1) if "AUTH" in options[1:] else len(words)
        if len(words) >= at + 3:
            yield Credential(
                protocol="redis", method="HELLO AUTH", user=words[at + 1][:256], secret=words[at + 2][:256]
            )

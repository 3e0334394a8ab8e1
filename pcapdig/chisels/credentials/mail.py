"""FTP (RFC 959), POP3 (RFC 1939, 5034), IMAP (RFC 9051) and SMTP (RFC 4954): lines of commands, and SASL's PLAIN and LOGIN.

PLAIN is RFC 4616. LOGIN is draft-murchison-sasl-login: name and password, each in base64, each asked for by the server.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from pcapdig.chisels.credentials.credential import Credential, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_PENDING_LIMIT_BYTES = 1 << 16
_LITERAL = re.compile(rb"\{([0-9]{1,5})\+?\}\r\n")
_IMAP_LOGIN = re.compile(rb"(?!AUTH )[^ \r\n\"{]{1,64} LOGIN ", re.IGNORECASE)
_IMAP_LITERAL_ENDS = re.compile(rb"\{[0-9]{1,5}\+?\}\r\n$")
_SASL = re.compile(rb"(?:(AUTH)|[^ \"{]{1,64} (AUTHENTICATE)) (PLAIN|LOGIN)(?: ([^ ]+))?$", re.IGNORECASE)
_REPLY = re.compile(rb"[1-5][0-9][0-9][ -]")


class MailEar:
    """Hears one connection."""

    __slots__ = ("_imap", "_kind", "_sasl", "_sasl_user", "_user")

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._kind = ""  # how the server speaks: pop3, imap, or reply: three digits
        self._user: bytes | None = None
        self._imap = b""  # a LOGIN whose literals are not all there
        self._sasl: tuple[str, str] | None = None  # protocol and mechanism of an exchange
        self._sasl_user: bytes | None = None

    def hear(self, by_client: bool, message: bytes) -> Iterator[Credential]:
        """Credentials in the next message."""
        if not by_client:
            self._server(message)
            return
        if self._imap or _IMAP_LOGIN.match(message):
            self._imap += message[:_PENDING_LIMIT_BYTES]
            if _IMAP_LITERAL_ENDS.search(self._imap) and len(self._imap) < _PENDING_LIMIT_BYTES:
                return  # the server asks for the literal first
            message, self._imap = self._imap, b""
            yield from _imap_login(message)
            return
        for line in message[:_PENDING_LIMIT_BYTES].removesuffix(b"\n").split(b"\n")[:1000]:
            yield from self._line(line.rstrip(b"\r"))

    def _server(self, message: bytes) -> None:
        if message.startswith((b"+OK", b"-ERR")):
            self._kind = "pop3"
        elif message.startswith(b"* "):
            self._kind = "imap"
        elif _REPLY.match(message):
            self._kind = "reply"
        if self._sasl is not None and not message.startswith((b"334", b"+")):
            self._sasl = None  # refused, or over

    def _line(self, line: bytes) -> Iterator[Credential]:
        if self._sasl is not None:
            yield from self._response(line)
            return
        verb, _, rest = line.partition(b" ")
        verb = verb.upper()
        if verb == b"USER" and rest:
            self._user = rest
        elif verb == b"PASS" and rest and self._user is not None:
            protocol = {"pop3": "pop3", "reply": "ftp"}.get(self._kind, "ftp or pop3")
            yield Credential(protocol=protocol, method="USER/PASS", user=text_of(self._user), secret=text_of(rest))
            self._user = None
        elif (sasl := _SASL.fullmatch(line)) is not None and (sasl[2] or self._kind):
            self._sasl = ("imap" if sasl[2] else "pop3" if self._kind == "pop3" else "smtp", sasl[3].decode().upper())
            self._sasl_user = None
            if sasl[4] is not None:
                yield from self._response(sasl[4])

    def _response(self, line: bytes) -> Iterator[Credential]:
        """A line of an exchange: base64, `=` for nothing, `*` to give up."""
        assert self._sasl is not None
        protocol, mechanism = self._sasl
        try:
            decoded = base64.b64decode(line, validate=True)
        except (binascii.Error, ValueError):
            self._sasl = None
            return
        method = f"{'AUTHENTICATE' if protocol == 'imap' else 'AUTH'} {mechanism}"
        if mechanism == "LOGIN" and self._sasl_user is None:
            self._sasl_user = decoded
            return
        self._sasl = None
        user, secret = self._sasl_user or b"", decoded
        if mechanism == "PLAIN":
            parts = decoded.split(b"\0")
            if len(parts) != 3:
                return
            _, user, secret = parts
        if secret:
            yield Credential(protocol=protocol, method=method, user=text_of(user), secret=text_of(secret))


def _imap_login(command: bytes) -> Iterator[Credential]:
    """`a1 LOGIN name password`, each an atom, a quoted string or a literal (RFC 9051 section 4.3)."""
    login = _IMAP_LOGIN.match(command)
    assert login is not None
    words: list[bytes] = []
    at = login.end()
    while len(words) < 2:
        found = _imap_word(command, at)
        if found is None:
            return
        word, at = found
        words.append(word)
        if len(words) == 1:
            if command[at : at + 1] != b" ":
                return
            at += 1
    if words[1]:
        yield Credential(protocol="imap", method="LOGIN", user=text_of(words[0]), secret=text_of(words[1]))


def _imap_word(command: bytes, at: int) -> tuple[bytes, int] | None:
    """The word at an offset, and the offset after it."""
    literal = _LITERAL.match(command, at)
    if literal is not None:
        end = literal.end() + int(literal[1])
        return (command[literal.end() : end], end) if end <= len(command) else None
    quoted = re.compile(rb'"((?:[^"\\\r\n]|\\.)*)"').match(command, at)
    if quoted is not None:
        return re.sub(rb"\\(.)", rb"\1", quoted[1]), quoted.end()
    atom = re.compile(rb'[^ "\r\n{(]+').match(command, at)
    return None if atom is None else (atom[0], atom.end())

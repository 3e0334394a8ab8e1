"""LDAP simple bind (RFC 4511 sections 4.1.1 and 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcapdig.chisels.credentials.credential import Credential, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEQUENCE, _INTEGER, _OCTETS, _BIND_REQUEST, _SIMPLE = 0x30, 0x02, 0x04, 0x60, 0x80


class LdapEar:
    """Hears one connection."""

    __slots__ = ()

    def hear(self, by_client: bool, message: bytes) -> Iterator[Credential]:
        """Bind requests with a name and a password; anonymous ones are no credentials."""
        if not by_client:
            return
        at = 0
        while (envelope := _element(message, at, len(message))) is not None and envelope[0] == _SEQUENCE:
            _, start, at = envelope
            values = _values(message, start, at, (_INTEGER, _BIND_REQUEST))
            if values is None:
                continue
            parts = _values(message, *values[1], (_INTEGER, _OCTETS, _SIMPLE))
            if parts is None:
                continue
            name, secret = (message[slice(*part)] for part in parts[1:])
            if secret:
                yield Credential(protocol="ldap", method="simple bind", user=text_of(name), secret=text_of(secret))


def _values(data: bytes, at: int, end: int, tags: tuple[int, ...]) -> list[tuple[int, int]] | None:
    """Where the values of these elements, one after the other, begin and end; None if there are others."""
    found = []
    for tag in tags:
        element = _element(data, at, end)
        if element is None or element[0] != tag:
            return None
        _, start, at = element
        found.append((start, at))
    return found


def _element(data: bytes, at: int, end: int) -> tuple[int, int, int] | None:
    """Tag, start and end of the value of a BER element with a definite length (X.690 section 8.1); None if it is not whole."""
    if end - at < 2:
        return None
    tag, length = data[at], data[at + 1]
    at += 2
    if length & 0x80:
        digits = length & 0x7F
        if not 1 <= digits <= 4 or end - at < digits:
            return None
        length = int.from_bytes(data[at : at + digits], "big")
        at += digits
    return (tag, at, at + length) if length <= end - at else None

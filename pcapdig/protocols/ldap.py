"""LDAP: simple binds, and binds by SASL PLAIN.

In: turns. Out: `Login`. Source: RFC 4511 sections 4.1.1 (messages), 4.2 (bind), 4.14 (StartTLS); X.690 section 8.1 (BER). Anonymous binds, which
have no password, are no logins. Nothing is read after StartTLS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pcapdig.protocols.conversation import Dialogue
from pcapdig.protocols.inbox import LostPlaceError
from pcapdig.protocols.login import Login
from pcapdig.protocols.sasl import Exchange, Proof
from pcapdig.protocols.states import UNTIL_CLOSE, State

if TYPE_CHECKING:
    from pcapdig.protocols.inbox import Inbox, Reading

_KEPT = 16 << 10
_SEQUENCE, _INTEGER, _OCTETS = 0x30, 0x02, 0x04
_BIND, _SIMPLE, _SASL = 0x60, 0x80, 0xA3
_REQUESTS = frozenset({0x60, 0x42, 0x63, 0x66, 0x68, 0x4A, 0x6C, 0x6E, 0x50, 0x77})
"""Tags of requests: bind, unbind, search, modify, add, delete, modify DN, compare, abandon, extended."""
_TLS = 0x16
_UNBIND = 0x42

STATES = (
    State("StartTLS", "an extended request with its OID", "the answer decides", ("a refusal: it goes on in clear", "a TLS record of the client")),
    State("encryption", "a TLS record of the client", "TLS", UNTIL_CLOSE),
    State("bind in steps", "a SASL bind without credentials", "the next bind has them", ("a bind with credentials", "a bind of another kind")),
    State("over", "unbind", "nothing", UNTIL_CLOSE),
)  # fmt: skip
"""What docs/protocol-states.md says of LDAP. Abandon has no answer and changes nothing here: answers are not paired."""


class _Element(NamedTuple):
    tag: int
    content: bytes


def starts(data: bytes) -> bool:
    """A request begins here: a sequence of a message number and a request of that size, as far as it is there."""
    header = _header(data, 0)
    if header is None or header[0] != _SEQUENCE:
        return False
    _, size, at = header
    number = _header(data, at)
    if number is None or number[0] != _INTEGER or not 1 <= number[1] <= 4:
        return False
    request = _header(data, number[2] + number[1])
    return request is not None and request[0] in _REQUESTS and request[2] + request[1] <= at + size


class LdapDialogue(Dialogue[Login, None]):
    """Reads one connection."""

    def unanswered(self, asked: None) -> Login:
        """Nothing waits in the queue."""
        raise AssertionError

    def asking(self, inbox: Inbox) -> Reading[None]:
        """Requests."""
        while True:
            yield from inbox.next_message()
            moment = inbox.moment
            tag, size = yield from inbox.exactly(2)
            if tag == _TLS:
                self.is_over = True
                return
            if size & 0x80:
                if not 1 <= size & 0x7F <= 4:
                    raise LostPlaceError
                size = int.from_bytes((yield from inbox.exactly(size & 0x7F)))
            if tag != _SEQUENCE:
                raise LostPlaceError
            message = yield from inbox.prefix(size, _KEPT)
            parts = _elements(message[:16])
            if len(parts) > 1 and parts[1].tag == _UNBIND:
                self.is_over = True
                return
            proof = _read_bind(message)
            if proof is not None:
                method, user, secret = proof
                self.tell(Login(asked=moment, answered=None, protocol="ldap", method=method, user=user, secret=secret))

    def answering(self, inbox: Inbox) -> Reading[None]:
        """Passed over."""
        while True:
            yield from inbox.next_message()
            yield from inbox.prefix(inbox.next_size, 0)


def _read_bind(message: bytes) -> tuple[str, bytes, bytes] | None:
    """Method, name and password of a bind request; None: it is none, or has no password."""
    parts = _elements(message)
    if len(parts) < 2 or parts[0].tag != _INTEGER or parts[1].tag != _BIND:
        return None
    fields = _elements(parts[1].content)
    if len(fields) < 3 or (fields[0].tag, fields[1].tag) != (_INTEGER, _OCTETS):
        return None
    proof = fields[2]
    if proof.tag == _SIMPLE and proof.content:
        return "simple bind", fields[1].content, proof.content
    if proof.tag == _SASL:
        words = _elements(proof.content)
        if (
            len(words) == 2
            and words[0].content == b"PLAIN"
            and isinstance(found := Exchange("PLAIN").hear(words[1].content), Proof)
        ):
            return "SASL PLAIN", *found
    return None


def _elements(data: bytes) -> list[_Element]:
    """The elements that stand side by side, up to the first that is cut."""
    elements, at = list[_Element](), 0
    while (header := _header(data, at)) is not None and header[2] + header[1] <= len(data):
        tag, size, start = header
        at = start + size
        elements.append(_Element(tag, data[start:at]))
    return elements


def _header(data: bytes, at: int) -> tuple[int, int, int] | None:
    """Tag, size and start of the content of an element with a definite length; None if it is not there."""
    if at + 2 > len(data):
        return None
    tag, size = data[at], data[at + 1]
    at += 2
    if size & 0x80:
        digits = size & 0x7F
        if not 1 <= digits <= 4 or at + digits > len(data):
            return None
        size = int.from_bytes(data[at : at + digits])
        at += digits
    return tag, size, at

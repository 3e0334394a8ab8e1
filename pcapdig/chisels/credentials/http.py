"""HTTP/1: Basic authentication (RFC 7617), and passwords in forms, JSON bodies and query strings."""

from __future__ import annotations

import base64
import binascii
import json
import re
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from pcapdig.chisels.credentials.credential import Credential, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_REQUEST = re.compile(rb"[A-Z]{3,20} ([^ \r\n]{1,65536}) HTTP/1\.[01]\r?\n")
"""A request line (RFC 9112 section 3)."""
_LATER_REQUEST = re.compile(rb"(?<=\n)" + _REQUEST.pattern)
"""One after bytes that were not understood, as where some are missing."""
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_HEAD_LIMIT_BYTES = 1 << 16
_BODY_LIMIT_BYTES = 1 << 20
_FIELD_LIMIT = 1000
_SECRET_NAME = re.compile(
    r"passw(?:or[dt]|d)?(?![a-z])|passphrase|passcode|pwd|secret"
    r"|(?:^|[^a-z]|user|login|log|my|old|new|re|db|ftp|mail|admin|j_)pass(?![a-z])|^pw$|[_-]pw$|^contrase[nñ]a$|^kennwort$|^mot_?de_?passe$"
)
"""Names of fields that hold passwords, in lower case."""
_USER_NAME = re.compile(
    r"^(?:.*[^a-z])?(?:user|usr|login|log|uname|name|e?mail|account|nick)(?:[ _-]?(?:name|id))?[^a-z]*$|user|login"
)
"""Names of fields that hold the user's name, in lower case."""


def is_request(message: bytes) -> bool:
    """Whether a client's message begins an HTTP/1 request."""
    return _REQUEST.match(message) is not None


class HttpEar:
    """Hears the requests of one connection."""

    __slots__ = ("_kind", "_part", "_wanted")

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._kind = ""  # content type of a body that is not whole yet
        self._part = b""
        self._wanted = 0

    def hear(self, by_client: bool, message: bytes) -> Iterator[Credential]:
        """Credentials in the requests of a message, and in a body that an earlier one began."""
        if not by_client:
            return
        at = 0
        if self._wanted:
            at = self._wanted - len(self._part)
            yield from self._body(message[:at])
        while (request := _REQUEST.match(message, at) or _LATER_REQUEST.search(message, at)) is not None:
            end = _HEAD_END.search(message, request.end() - 1, request.end() + _HEAD_LIMIT_BYTES)
            if end is None:
                return
            head = _headers(message[request.end() : end.start()])
            yield from _from_head(request[1], head)
            size = _content_length(head)
            at = end.end() + size
            self._kind, self._part, self._wanted = head.get(b"content-type", ""), b"", min(size, _BODY_LIMIT_BYTES)
            yield from self._body(message[end.end() : at])

    def _body(self, part: bytes) -> Iterator[Credential]:
        """Take more of a body; what is in it, once it is whole."""
        self._part += part[: self._wanted - len(self._part)]
        if self._wanted and len(self._part) >= self._wanted:
            yield from _credentials(_fields(self._kind, self._part), _method(self._kind))
            self._part, self._wanted = b"", 0


def _headers(head: bytes) -> dict[bytes, str]:
    fields: dict[bytes, str] = {}
    for line in head.split(b"\n"):
        name, _, value = line.partition(b":")
        fields.setdefault(name.strip().lower(), value.strip().decode("latin-1"))
    return fields


def _content_length(head: dict[bytes, str]) -> int:
    text = head.get(b"content-length", "0")
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text, re.ASCII) else 0


def _from_head(target: bytes, head: dict[bytes, str]) -> Iterator[Credential]:
    for name in (b"authorization", b"proxy-authorization"):
        scheme, _, value = head.get(name, "").partition(" ")
        if scheme.lower() == "basic":
            try:
                decoded = base64.b64decode(value.strip().encode("latin-1"), validate=True)
            except (binascii.Error, ValueError):
                continue
            user, colon, secret = decoded.partition(b":")
            if colon:
                method = "Basic" if name == b"authorization" else "proxy Basic"
                yield Credential(protocol="http", method=method, user=text_of(user), secret=text_of(secret))
    query = target.partition(b"?")[2].partition(b"#")[0]
    yield from _credentials(_pairs(query), "query")


def _method(kind: str) -> str:
    return "JSON" if "json" in kind.lower() else "form"


def _fields(kind: str, body: bytes) -> Iterable[tuple[str, str]]:
    """Names and values in a body of a kind that has them."""
    media = kind.partition(";")[0].strip().lower()
    if media == "application/x-www-form-urlencoded":
        return _pairs(body)
    if media == "multipart/form-data":
        return _parts(kind, body)
    if media == "application/json" or media.endswith("+json"):
        return _members(body)
    return ()


def _pairs(text: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text.decode("latin-1"), max_num_fields=_FIELD_LIMIT) if b"=" in text else []
    except ValueError:
        return []  # more fields than a login has


def _parts(kind: str, body: bytes) -> Iterator[tuple[str, str]]:
    """Fields of multipart/form-data (RFC 7578), uploaded files left out."""
    boundary = re.search(r'boundary="?([^";]{1,70})', kind, re.IGNORECASE)
    if boundary is None:
        return
    for part in islice(body.split(b"--" + boundary[1].encode("latin-1")), 1, _FIELD_LIMIT):
        head, blank, value = part.partition(b"\r\n\r\n")
        name = re.search(rb'[; ]name="([^"\r\n]{1,256})"', head)
        if blank and name is not None and b"filename" not in head:
            yield text_of(name[1]), text_of(value.removesuffix(b"\r\n"))


def _members(body: bytes) -> Iterator[tuple[str, str]]:
    """Texts in the objects of a JSON document."""
    try:
        waiting = [json.loads(body)]
    except (ValueError, RecursionError):
        return
    for _ in range(_FIELD_LIMIT):
        if not waiting:
            return
        value = waiting.pop(0)
        if isinstance(value, dict):
            yield from ((name, text) for name, text in value.items() if isinstance(text, str))
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value[:_FIELD_LIMIT]


def _credentials(fields: Iterable[tuple[str, str]], method: str) -> Iterator[Credential]:
    """Each password among some fields, with the name beside it."""
    user = None
    secrets: list[str] = []
    for name, value in fields:
        lowered = name[:256].lower()
        if _SECRET_NAME.search(lowered):
            if value and value not in secrets:
                secrets.append(value[:256])
        elif user is None and value and _USER_NAME.search(lowered):
            user = value[:256]
    for secret in secrets:
        yield Credential(protocol="http", method=method, user=user, secret=secret)

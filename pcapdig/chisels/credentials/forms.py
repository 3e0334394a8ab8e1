"""Fields that people fill in: in query strings, forms and JSON documents; and which of them are passwords.

In: bytes. Out: names and values, credentials. Source: WHATWG URL section 5 (urlencoded), RFC 7578 (multipart/form-data), RFC 8259 (JSON).
"""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from pcapdig.chisels.credentials.credential import Credential, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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


def pairs(text: bytes, *, is_whole: bool = True) -> list[tuple[str, str]]:
    """`a=1&b=2`; the last pair of what is cut is left out."""
    if not is_whole:
        text = text.rpartition(b"&")[0]
    try:
        return parse_qsl(text.decode("latin-1"), max_num_fields=_FIELD_LIMIT) if b"=" in text else []
    except ValueError:
        return []  # more fields than a login has


def parts(kind: str, body: bytes, *, is_whole: bool = True) -> Iterator[tuple[str, str]]:
    """Fields of multipart/form-data, uploaded files left out, and the last part of what is cut. `kind`: the Content-Type."""
    boundary = re.search(r'boundary="?([^";]{1,70})', kind, re.IGNORECASE)
    if boundary is None:
        return
    found = body.split(b"--" + boundary[1].encode("latin-1", "replace"), _FIELD_LIMIT)[1:]
    for part in found if is_whole else found[:-1]:
        head, blank, value = part.partition(b"\r\n\r\n")
        name = re.search(rb'[; ]name="([^"\r\n]{1,256})"', head)
        if blank and name is not None and b"filename" not in head:
            yield text_of(name[1]), text_of(value.removesuffix(b"\r\n"))


def members(body: bytes) -> Iterator[tuple[str, str]]:
    """Texts in the objects of a JSON document."""
    try:
        waiting = [json.loads(body)]
    except (ValueError, RecursionError):
        return
    for value in islice(_growing(waiting), _FIELD_LIMIT):
        if isinstance(value, dict):
            yield from ((name, text) for name, text in value.items() if isinstance(text, str))
            waiting += islice(value.values(), _FIELD_LIMIT)
        elif isinstance(value, list):
            waiting += value[:_FIELD_LIMIT]


def _growing(values: list[object]) -> Iterator[object]:
    """The values of a list to which more may be added meanwhile."""
    at = 0
    while at < len(values):
        yield values[at]
        at += 1


def credentials(fields: Iterable[tuple[str, str]], method: str) -> Iterator[Credential]:
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

"""HTTP/1 requests: Basic (RFC 7617), Bearer (RFC 6750) and tokens like it, and passwords in forms, JSON bodies and query strings."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from pcapdig.chisels.credentials.credential import Credential, text_of
from pcapdig.chisels.credentials.forms import credentials, members, pairs, parts
from pcapdig.protocols.bodies import CodingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pcapdig.protocols.http import HttpRequest

BODY_LIMIT_BYTES = 1 << 20
"""Bytes of a body that are looked at, as sent and without content coding."""
_TOKENS = {"bearer": "Bearer", "token": "Token"}
"""Schemes whose word is all that is needed; Token is what GitHub's and other services' interfaces take."""
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
"""A JSON Web Token (RFC 7519) that is sent without a scheme: base64 of `{"`, of its claims, and the signature."""
_AUTHORIZATION = {"authorization": "", "proxy-authorization": "proxy "}


def credentials_of(request: HttpRequest) -> Iterator[Credential]:
    """Credentials in a request's header, target and body."""
    kind = ""
    for name, value in request.headers:
        if name in _AUTHORIZATION:
            yield from _authorization(_AUTHORIZATION[name], value)
        elif name == "content-type":
            kind = kind or value
    _, mark, query = request.target.partition("?")
    if mark:
        yield from credentials(pairs(query.partition("#")[0].encode("utf-8", "surrogateescape")), "query")
    yield from _in_body(request, kind)


def _authorization(prefix: str, value: str) -> Iterator[Credential]:
    words = value.split(None, 1)
    scheme, proof = words[0].lower() if words else "", words[1] if len(words) > 1 else ""
    if scheme in _TOKENS and proof:
        yield Credential(
            protocol="http", method=f"{prefix}{_TOKENS[scheme]}", user=None, secret=text_of(proof.encode())
        )
    elif scheme == "basic":
        try:
            raw = base64.b64decode(
                proof.encode("latin-1") + b"=" * (-len(proof) % 4), validate=True
            )  # some leave them out
        except (binascii.Error, ValueError):
            return
        user, colon, secret = raw.partition(b":")
        if colon:
            yield Credential(protocol="http", method=f"{prefix}Basic", user=text_of(user), secret=text_of(secret))
    elif len(words) == 1 and _JWT.fullmatch(value):
        yield Credential(protocol="http", method=f"{prefix}JWT", user=None, secret=text_of(value.encode()))


def _in_body(request: HttpRequest, kind: str) -> Iterator[Credential]:
    """Of a body that was cut, or is over BODY_LIMIT_BYTES, the fields that are whole."""
    body = request.body
    media = kind.partition(";")[0].strip().lower()
    is_json = media == "application/json" or media.endswith("+json")
    if not body.kept or not (is_json or media in ("application/x-www-form-urlencoded", "multipart/form-data")):
        return
    try:
        content = body.content(BODY_LIMIT_BYTES)
    except CodingError:
        return
    is_whole = body.is_complete and len(body.kept) == body.size_bytes and len(content) < BODY_LIMIT_BYTES
    fields: Iterable[tuple[str, str]]
    if is_json:
        fields = members(content) if is_whole else ()
    elif media == "multipart/form-data":
        fields = parts(kind, content, is_whole=is_whole)
    else:
        fields = pairs(content, is_whole=is_whole)
    yield from credentials(fields, "JSON" if is_json else "form")

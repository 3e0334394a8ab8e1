"""Credentials in HTTP requests."""

from __future__ import annotations

import base64
import gzip

import pytest

from pcapdig.chisels.credentials.http import BODY_LIMIT_BYTES, credentials_of
from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.http import HttpDialogue


def heard(*messages: bytes, by_client: bool = True) -> list[tuple[str, str | None, str]]:
    """(method, user, secret) of a client's messages."""
    dialogue = HttpDialogue(body_limit=BODY_LIMIT_BYTES)
    calls = [
        call for message in messages for call in dialogue.feed(Turn(message, by_client, Moment(0)))
    ] + dialogue.end()
    return [(c.method, c.user, c.secret) for call in calls if call.request for c in credentials_of(call.request)]


def post(body: bytes, kind: str = "application/x-www-form-urlencoded", *, size: int | str | None = None) -> bytes:
    """A POST request."""
    length = len(body) if size is None else size
    return (
        f"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n".encode() + body
    )


def basic(value: bytes, header: str = "Authorization") -> bytes:
    """A GET request with Basic authentication."""
    return b"GET / HTTP/1.1\r\n" + header.encode() + b": Basic " + value + b"\r\n\r\n"


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"GET / HTTP/2\r\n\r\n",
        b"get / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nAuthorization: Basic YWxpY2U6c2VjcmV0",  # head is not whole
        basic(b"!!!"),
        basic(b"YWxpY2U"),
        basic(b"\xff\xfe"),
        basic(base64.b64encode(b"no colon")),
        b"GET / HTTP/1.1\r\nAuthorization: Digest username=a, response=b\r\n\r\n",
        b"GET / HTTP/1.1\r\nAuthorization: \r\n\r\n",
        b"GET / HTTP/1.1\r\nAuthorization: Bearer \r\n\r\n",
        b"GET / HTTP/1.1\r\nAuthorization: Negotiate YII=\r\n\r\n",
        b"GET / HTTP/1.1\r\nAuthorization: eyJhbGciOi.eyJuYW1l\r\n\r\n",
        post(b"user=alice&passenger=bob&passport=X1&compass=n"),
        post(b"user=alice&password="),
        post(b"password=secret", "text/plain"),
        post(b"password=secret", size=99),
        post(b"password=secret", size="1e9"),
        post(b'{"password": ', "application/json"),
        post(b"[" * 100_000, "application/json"),
        post(b"--x\r\n", "multipart/form-data"),
        post(b"&".join([b"a=b"] * 2000 + [b"password=x"])),
    ],
)
def test_no_credentials(message: bytes) -> None:
    """What is cut, wrong, hostile, or no password."""
    assert heard(message) == []


@pytest.mark.parametrize(("header", "method"), [("Authorization", "Basic"), ("proxy-AUTHORIZATION", "proxy Basic")])
def test_basic(header: str, method: str) -> None:
    """A colon in the password belongs to it; no user is an empty one."""
    assert heard(basic(base64.b64encode(b"alice:se:cret"), header)) == [(method, "alice", "se:cret")]
    assert heard(basic(base64.b64encode(b":token"), header)) == [(method, "", "token")]


def test_basic_without_padding() -> None:
    """And with other blanks."""
    assert heard(basic(b"\t " + base64.b64encode(b"alice:abc").rstrip(b"="))) == [("Basic", "alice", "abc")]


@pytest.mark.parametrize(
    ("value", "method", "secret"),
    [
        ("bearer  abc", "Bearer", "abc"),
        ("Token abc", "Token", "abc"),
        ("eyJhIjoxfQ.e30.x_-9", "JWT", "eyJhIjoxfQ.e30.x_-9"),
    ],
)
def test_tokens(value: str, method: str, secret: str) -> None:
    """A word that opens by itself; a JSON Web Token also without a scheme."""
    message = f"GET / HTTP/1.1\r\nAuthorization: {value}\r\n\r\n".encode()
    assert heard(message) == [(method, None, secret)]


@pytest.mark.parametrize(
    ("body", "user", "secret"),
    [
        (b"user=alice&password=open-sesame", "alice", "open-sesame"),
        (b"log=admin&pwd=p%26q+r", "admin", "p&q r"),
        (b"j_username=a&j_password=b", "a", "b"),
        (b"user%5Bemail%5D=a%40b.c&user%5Bpassword%5D=x", "a@b.c", "x"),
        (b"LoginName=a&txtPasswd=b", "a", "b"),
        (b"csrf=1&userPass=b", None, "b"),
        (b"client_secret=s", None, "s"),
    ],
)
def test_forms(body: bytes, user: str | None, secret: str) -> None:
    """Fields as frameworks name them."""
    assert heard(post(body)) == [("form", user, secret)]


def test_a_password_typed_twice_is_one() -> None:
    """And two different ones are two."""
    assert heard(post(b"user=a&password=b&password2=b")) == [("form", "a", "b")]
    assert heard(post(b"user=a&old_password=b&new_password=c")) == [("form", "a", "b"), ("form", "a", "c")]


def test_query_strings() -> None:
    """Of a GET."""
    assert heard(b"GET /api?user=alice&password=secret HTTP/1.0\r\n\r\n") == [("query", "alice", "secret")]


def test_json() -> None:
    """Wherever in the document."""
    body = b'{"auth": [{"username": "alice", "password": "secret"}], "n": 1}'
    assert heard(post(body, "application/json; charset=utf-8")) == [("JSON", "alice", "secret")]


def test_multipart() -> None:
    """Fields, and no files."""
    parts = [b'name="user"\r\n\r\nalice', b'name="pwd"\r\n\r\nse=cret', b'name="secret"; filename="x"\r\n\r\nbytes']
    body = b"".join(b"--b0\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts) + b"--b0--\r\n"
    assert heard(post(body, "multipart/form-data; boundary=b0")) == [("form", "alice", "se=cret")]


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_body_in_two_messages(cut: int) -> None:
    """As after 100 Continue; what follows it is the next request."""
    body = b"user=alice&pass=word"
    message = post(body)
    at = len(message) - len(body) + cut
    assert heard(message[:at], message[at:] + basic(b"YTpi")) == [("form", "alice", "word"), ("Basic", "a", "b")]


def test_pipelined_requests() -> None:
    """All of a message, bodies stepped over."""
    assert heard(post(basic(b"eDp5"), "text/plain") + basic(b"YTpi") + post(b"user=c&password=d")) == [
        ("Basic", "a", "b"),
        ("form", "c", "d"),
    ]


def test_bearer() -> None:
    """A token opens the door as a password does."""
    assert heard(b"GET / HTTP/1.1\r\nAuthorization: bearer abc.def\r\n\r\n") == [("Bearer", None, "abc.def")]


def test_chunked_and_compressed_bodies() -> None:
    """Read as the server reads them."""
    body = gzip.compress(b"user=alice&password=secret")
    head = b"POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert heard(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)) == [("form", "alice", "secret")]


def test_of_a_cut_body_what_is_whole() -> None:
    """The last field may be half there."""
    assert heard(post(b"user=alice&password=secret&pwd2=ha", size=99)) == [("form", "alice", "secret")]

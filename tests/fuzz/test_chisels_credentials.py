"""Any two ends saying anything: credentials are heard without failing, in bounded text."""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pcapdig.chisels.credentials.recognition import begin, credentials_of
from pcapdig.chisels.dialogues import Opening
from pcapdig.protocols.conversation import Dialogue, Moment, Turn

PIECES = [
    *(b"USER alice\r\n", b"PASS secret\r\n", b"AUTH PLAIN", b"AUTH LOGIN ", b"a1 LOGIN ", b"{5}\r\n", b'"', b"a1 AUTHENTICATE PLAIN\r\n"),
    *(b"220 x\r\n", b"+OK\r\n", b"* OK\r\n", b"334 \r\n", b"+ \r\n", base64.b64encode(b"\0a\0b"), b"\r\n", b" ", b"\0"),
    *(b"GET /?password=x HTTP/1.1\r\n", b"POST / HTTP/1.0\r\n", b"Content-Length: 9\r\n", b"Content-Length: 999999999999\r\n"),
    *(b"Content-Type: application/json\r\n", b"Content-Type: multipart/form-data; boundary=b\r\n", b"--b", b'{"password":"x"}'),
    *(b"Authorization: Basic ", b"*2\r\n$4\r\nAUTH\r\n", b"$6\r\nsecret\r\n", b"*9999999\r\n", b"HELLO"),
    *(b"\x30\x1b\x02\x01\x01\x60", b"\x30\x84\xff\xff\xff\xff", b"\x80\x06secret", b"\xff" * 9),
    *(b"\x10\0\0\0\x0a5.5\0", b"\x40\0\0\1\0\x82\0\0", b"\1\0\0\2\xfe", b"mysql_clear_password\0", b"\x09\0\0\3abcdefgh\0"),
    *(b"login: ", b"Password: ", b"\xff\xfd\1", b"\xff\xfa", b"200 x\r\n", b"AUTHINFO USER a\r\n", b"DATA\r\n", b"354 x\r\n", b"AUTH XOAUTH2 "),
    *(b"\0\0\0\x14\0\3\0\0user\0alice\0\0", b"R\0\0\0\x08\0\0\0\3", b"p\0\0\0\x0bsecret\0", b"\x16\x03", b"SSH-"),
]  # fmt: skip
MESSAGE = st.lists(st.sampled_from(PIECES) | st.binary(max_size=20), max_size=6).map(b"".join)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), MESSAGE), max_size=8))
@example([(True, b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab"), (True, b"c"), (True, b"cde" * 5)])
@example([(False, b"\x00\x00\x00\x00"), (True, b"\x30"), (True, b"*")])
def test_anything_said_is_heard(messages: list[tuple[bool, bytes]]) -> None:
    """Never an error; texts of bounded length."""
    dialogue: Dialogue[Any, Any] | None = None
    records = []
    for time_ns, (by_client, data) in enumerate(messages):
        dialogue = dialogue or begin(Opening(data, by_client, False))
        records += dialogue.feed(Turn(data, by_client, Moment(time_ns))) if dialogue else []
    records += dialogue.end() if dialogue else []
    for credential in (one for record in records for one in credentials_of(record)):
        assert len(credential.secret) <= 256 and len(credential.user or "") <= 256
        assert credential.protocol and credential.method

"""HTTP's short way for turns that are one whole message says what the long one says."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st
from targets.conversations import SlowHttpDialogue, told

from pcapdig.protocols.bodies import Body
from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.http import HttpDialogue

PIECES = (
    *(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /a b HTTP/1.1\n\n", b"HEAD / HTTP/1.0\r\n\r\n", b"GET /\r\n", b"GET /x\r\n\r\n"),
    *(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", b"HTTP/2.0  200ok\r\n\r\n", b"HTTP/1.1 101 x\r\n\r\n", b"\r\n", b"\n", b"junk", b"\0"),
    *(b"CONNECT h:1 HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"\x16\x03\x01", b"PROXY TCP4 a b 1 2\r\n"),
    *(b"PRI * HTTP/2.0\r\n\r\n", b"SM\r\n\r\n"),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.lists(st.sampled_from(PIECES), min_size=1, max_size=3)), max_size=6))
@example([(False, [b"PROXY TCP4 a b 1 2\r\n", b"GET /\r\n"])])
def test_both_ways(story: list[tuple[bool, list[bytes]]]) -> None:
    """Turns of both sides, of messages that are odd and what may stand between them."""
    turns = [Turn(b"".join(pieces), by_client, Moment(i)) for i, (by_client, pieces) in enumerate(story)]
    fast, slow = (told(make(body_limit=100), turns)[0] for make in (HttpDialogue, SlowHttpDialogue))
    for call in (*fast, *slow):
        for part in (call.request, call.response):
            if part is not None and not part.body.size_bytes:
                part.body = Body(is_complete=part.body.is_complete)  # how nothing is coded, one way may leave out
    assert repr(fast) == repr(slow)

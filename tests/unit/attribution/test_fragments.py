"""Fragments without ports."""

from __future__ import annotations

from story import BOUND, UDP, Story, event


def test_later_fragments_follow_the_first():
    """Without ports, the identification tells the datagram; another one, or one much later, tells nothing."""
    peer, port = ("127.0.0.1", 5001), ("127.0.0.1", 53)
    story = Story(event(BOUND, 100, 1, port, peer, 71, protocol=UDP))
    assert story.packet(110, peer, port, protocol=UDP, ip_id=9) == ("unknown", "p71")
    later = {"protocol": UDP, "later_fragment": True}
    assert story.packet(111, (peer[0], 0), (port[0], 0), ip_id=9, **later) == ("unknown", "p71")
    assert story.packet(111, (peer[0], 0), (port[0], 0), ip_id=9 + 1024, **later) == ("unknown", "unknown")
    assert story.packet(2000, (peer[0], 0), (port[0], 0), ip_id=9, **later) == ("unknown", "unknown")

"""Datagrams out of IP fragments: whole, in any order, cut, overlapping, never finished, too many."""

from __future__ import annotations

from pcapdig.streams.fragments import LIFETIME_NS, MOST_WAITING, Datagram, Fragments

UDP, UDP_LITE = 17, 136


def add(
    fragments: Fragments,
    offset: int,
    data: bytes,
    *,
    more: bool = True,
    identification: int = 7,
    protocol: int = UDP,
    length: int | None = None,
    time_ns: int = 0,
) -> list[Datagram]:
    """One fragment, `offset` bytes into the IP payload; the first one's data comes without its UDP header."""
    size = len(data) if length is None else length
    return fragments.add(0, True, protocol, identification, offset << 1 | more, data, size, b"told", time_ns)


def text(datagram: Datagram) -> list[tuple[bytes, int]]:
    """Its parts."""
    return list(datagram.parts())


def test_a_datagram_is_whole_with_its_last_fragment() -> None:
    """The first one's 8 bytes of header count as places in the IP payload."""
    fragments = Fragments()
    assert add(fragments, 0, b"01234567") == []
    assert add(fragments, 16, b"89abcdef") == []
    (whole,) = add(fragments, 24, b"gh", more=False)
    assert b"".join(data for data, _ in whole.parts()) == b"0123456789abcdefgh"
    assert (whole.flow, whole.forward, whole.told) == (0, True, b"told")
    assert fragments.flush() == []


def test_fragments_come_in_any_order() -> None:
    """As long as the first one was seen, which says whose they are."""
    fragments = Fragments()
    add(fragments, 0, b"01234567")
    assert add(fragments, 24, b"gh", more=False) == []
    (whole,) = add(fragments, 16, b"89abcdef")
    assert text(whole) == [(b"01234567", 8), (b"89abcdef", 8), (b"gh", 2)]


def test_other_protocols_have_no_header_to_skip() -> None:
    """Their payload is all that follows IP."""
    fragments = Fragments()
    add(fragments, 0, b"01234567", protocol=UDP_LITE)
    (whole,) = add(fragments, 8, b"89", more=False, protocol=UDP_LITE)
    assert text(whole) == [(b"01234567", 8), (b"89", 2)]


def test_the_copy_seen_first_counts() -> None:
    """Overlaps are a way to say two things at once; a repeated fragment is the common case."""
    fragments = Fragments()
    add(fragments, 0, b"01234567")
    add(fragments, 16, b"89abcdef")
    add(fragments, 16, b"XXXXXXXX")
    (whole,) = add(fragments, 20, b"YYYYgh", more=False)
    assert b"".join(data for data, _ in whole.parts()) == b"0123456789abcdefgh"


def test_cut_fragments_keep_their_lengths() -> None:
    """What the snap length cut off is missing, and its size is known."""
    fragments = Fragments()
    add(fragments, 0, b"0123", length=8)
    (whole,) = add(fragments, 16, b"89", more=False, length=5)
    assert text(whole) == [(b"0123", 8), (b"89", 5)]


def test_a_fragment_that_never_comes_is_missing() -> None:
    """At the end what is there is handed out."""
    fragments = Fragments()
    add(fragments, 0, b"01234567")
    assert add(fragments, 32, b"xy", more=False) == []
    (left,) = fragments.flush()
    assert text(left) == [(b"01234567", 8), (b"", 16), (b"xy", 2)]


def test_an_identification_may_be_used_again() -> None:
    """The first fragment of another datagram ends the one that waits."""
    fragments = Fragments()
    add(fragments, 0, b"01234567")
    (given_up,) = add(fragments, 0, b"another ")
    assert text(given_up) == [(b"01234567", 8)]
    (whole,) = add(fragments, 16, b"one", more=False)
    assert text(whole) == [(b"another ", 8), (b"one", 3)]


def test_copies_of_fragments_are_nothing_new() -> None:
    """Of the first one while its datagram waits, of later ones also when it was whole; half a minute later they are another's."""
    fragments = Fragments()
    add(fragments, 0, b"01234567")
    add(fragments, 0, b"01234567")
    (whole,) = add(fragments, 16, b"89", more=False)
    assert text(whole) == [(b"01234567", 8), (b"89", 2)]
    assert add(fragments, 16, b"89", more=False, time_ns=LIFETIME_NS - 1) == fragments.flush() == []
    add(fragments, 16, b"89", more=False, time_ns=LIFETIME_NS)
    assert [text(each) for each in fragments.flush()] == [[(b"", 8), (b"89", 2)]]


def test_few_datagrams_that_were_whole_are_remembered() -> None:
    """As many as may wait."""
    fragments = Fragments()
    for number in range(MOST_WAITING + 1):
        add(fragments, 0, b"01234567", identification=number)
        add(fragments, 16, b"89", more=False, identification=number)
    for number in (0, 1):
        add(fragments, 16, b"89", more=False, identification=number)
    assert len(fragments.flush()) == 1


def test_fragments_wait_half_a_minute() -> None:
    """As long as a kernel waits for them."""
    fragments = Fragments()
    add(fragments, 0, b"01234567", time_ns=0)
    assert add(fragments, 0, b"01234567", identification=8, time_ns=LIFETIME_NS) == []
    (given_up,) = add(fragments, 0, b"01234567", identification=9, time_ns=LIFETIME_NS + 1)
    assert text(given_up) == [(b"01234567", 8)]


def test_many_small_fragments_cost_little() -> None:
    """As many as fit, backwards and never finished: no fragment makes all others be looked at again."""
    fragments = Fragments()
    for offset in range(65528, 8, -8):
        assert add(fragments, offset, b"01234567") == []
    (left,) = fragments.flush()
    assert (left.reached, len(left.pieces), len(left.ahead)) == (0, 8190, 8190)


def test_few_datagrams_wait() -> None:
    """A flood of first fragments takes bounded memory; the oldest is given up."""
    fragments = Fragments()
    given_up = [over for number in range(5000) for over in add(fragments, 0, b"01234567", identification=number)]
    assert len(given_up) == 5000 - MOST_WAITING
    assert len(fragments.flush()) == MOST_WAITING

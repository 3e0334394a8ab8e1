"""What waits is bounded in number and bytes, the oldest goes first and is counted."""

from __future__ import annotations

from pcapdig.dig.held import Held, Remembered


def test_the_oldest_goes_where_there_is_no_room() -> None:
    """By number."""
    held: Held[str, int] = Held(most=3)
    for number, key in enumerate("aabcd"):
        held.add(key, number, 1)
    assert (len(held), held.evicted) == (3, 2)
    assert [held.take(key) for key in "abcd"] == [[], [2], [3], [4]]
    assert len(held) == 0


def test_bytes_are_a_limit_too() -> None:
    """One piece may be too much alone."""
    held: Held[str, int] = Held(most_bytes=10)
    held.add("a", 1, 6)
    held.add("b", 2, 6)
    assert (held.take("a"), held.take("b"), held.evicted) == ([], [2], 1)
    held.add("c", 3, 11)
    assert (len(held), held.evicted) == (0, 2)


def test_pieces_of_a_key_keep_their_order() -> None:
    """And are given once."""
    held: Held[str, int] = Held()
    for number in range(3):
        held.add("a", number, 1)
    assert "a" in held
    assert (held.take("a"), held.take("a"), "a" in held) == ([0, 1, 2], [], False)


def test_clearing_counts() -> None:
    """What waited, not what was given up before."""
    held: Held[str, int] = Held(most=2)
    for key in "abc":
        held.add(key, 0, 1)
    assert (held.clear(), held.clear(), held.evicted, held.take("c")) == (2, 0, 1, [])


def test_the_key_seen_longest_ago_is_forgotten() -> None:
    """Seeing it again makes it young."""
    seen: Remembered[str] = Remembered(most=2)
    assert [seen.add(key) for key in "abac"] == [True, True, False, True]
    assert ("a" in seen, "b" in seen, "c" in seen, seen.evicted, len(seen)) == (True, False, True, 1, 2)
    seen.clear()
    assert "a" not in seen

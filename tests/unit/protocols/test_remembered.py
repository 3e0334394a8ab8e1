"""What connections have named is bounded."""

from __future__ import annotations

from pcapdig.protocols.remembered import Remembered


def test_too_many() -> None:
    """The oldest is forgotten first; naming something anew makes it the newest."""
    names: Remembered[str, int] = Remembered(2, 100)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        names.put(key, value, 1)
    assert (names.get("a"), names.get("b"), names.get("c"), len(names), names.evicted) == (3, None, 4, 2, 1)


def test_too_many_bytes() -> None:
    """What is forgotten or replaced counts no longer. One that is too large alone is kept."""
    names: Remembered[int, str] = Remembered(100, 10)
    for number in range(50):
        names.put(number, "x", 5)
    assert len(names) == 2
    names.put(0, "large", 50)
    assert (len(names), names.get(0)) == (1, "large")
    names.put(0, "small", 1)
    names.put(1, "small", 9)
    assert len(names) == 2
    names.forget(0)
    names.forget(7)
    names.clear()
    assert len(names) == 0 and names.get(1) is None

"""Suggestions."""

from pcapdig.cli.nearest import nearest


def test_a_near_word_is_suggested() -> None:
    """One, the nearest."""
    assert ", did you mean topconns?" == nearest("topcons", ["topconns", "topprocs_net"])


def test_a_far_word_suggests_nothing() -> None:
    """No guess is better than a wild one."""
    assert "" == nearest("zzz", ["topconns"])

"""The option table is whole."""

import pytest

from pcapdig.cli.options import BY_NAME, GROUPS, LONG, OPTIONS, SHORT, Option


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_can_be_written_and_is_explained(option: Option) -> None:
    """A letter or a word, a known group, a sentence."""
    assert option.short or option.long
    assert option.group in GROUPS
    assert option.help.endswith(".")


def test_indexes_hold_every_option() -> None:
    """`-cl` alone has no letter of its own: it is -c with the value l."""
    assert {option.name for option in OPTIONS} == set(BY_NAME)
    assert {option.long for option in OPTIONS if option.long} == set(LONG)
    assert {option.short for option in OPTIONS if option.short} - {"cl"} == set(SHORT)


def test_a_spelling_is_the_short_one_where_there_is_one() -> None:
    """As errors name options."""
    assert ("-w", "--interface") == (BY_NAME["write"].spelling, BY_NAME["interface"].spelling)

"""Bytes and durations as text: the figures of sysdig's reference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcapdig.render.units import bytes_text, duration_text


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [
        (0, "0B"),
        (1, "1B"),
        (1024, "1024B"),
        (1025, "1.00KB"),
        (339640, "331.68KB"),
        (1048576, "1024.00KB"),
        (1048577, "1.00M"),
        (1 << 30, "1024.00M"),
        ((1 << 30) + 1, "1.00G"),
        ((1 << 40) + 1, "1.00T"),
        ((1 << 50) + 1, "1.00P"),
        (-5, "-5B"),
    ],
)
def test_bytes_change_unit_only_above_each_power(size_bytes: int, expected: str) -> None:
    """A power of 1024 itself stays in the unit below, KB has a B and the larger ones have none."""
    assert expected == bytes_text(size_bytes)


@pytest.mark.parametrize(
    ("duration_ns", "expected"),
    [
        (0, "0ns"),
        (999, "999ns"),
        (1_000, "1.00us"),
        (1_639, "1.63us"),
        (9_999, "9.99us"),
        (12_999, "12us"),
        (3_949_999, "3.94ms"),
        (39_999_999, "39ms"),
        (999_999_999, "999ms"),
        (1_059_999_999, "1.05s"),
        (61_000_000_000, "61.00s"),
        (-7, "-7ns"),
    ],
)
def test_durations_are_cut_not_rounded(duration_ns: int, expected: str) -> None:
    """Two decimals below ten of a unit, whole numbers above, never rounded up."""
    assert expected == duration_text(duration_ns)


@given(st.integers(min_value=0, max_value=(1 << 60) - 1))
def test_bytes_fit_a_column_of_ten(size_bytes: int) -> None:
    """Below 2^60 a blank always follows in a column of ten."""
    assert len(bytes_text(size_bytes)) <= 9

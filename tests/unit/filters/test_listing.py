"""-l, -lv and docs/fields.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from pcapdig.filters.catalogue import CLASSES, FIELDS
from pcapdig.filters.listing import field_list, markdown

FIELDS_PAGE = Path(__file__).parents[3] / "docs" / "fields.md"


def test_the_page_is_current() -> None:
    """docs/fields.md is what `python -m pcapdig.filters.listing --markdown` prints."""
    assert FIELDS_PAGE.read_text() == markdown()


def test_every_field_is_listed_once() -> None:
    """At the start of a line, in the order of the catalogue."""
    starts = [line.split()[0] for line in field_list().splitlines() if line[:1].isalnum()]
    assert [name for name in starts if name not in ("Field", "Description:")] == list(FIELDS)


@pytest.mark.parametrize("types", [False, True])
def test_the_layout_is_sysdigs(types: bool) -> None:
    """Names to column 30, at most 120 columns, a blank after each word, a rule of 31 before each class."""
    lines = field_list(types=types).splitlines()
    assert max(map(len, lines)) <= 120
    assert lines.count("-" * 31) == len(CLASSES)
    assert lines[1] == "Field Class:                  evt"
    assert lines[2].startswith("Description:                  One end's view")
    for line in lines:
        if line and not line.startswith(("---", "Field Class:")):
            assert line.endswith(" ")
            assert line[29] == " "


def test_a_long_text_goes_on_below_itself() -> None:
    """Indented by 30 blanks."""
    lines = field_list().splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("evt.type "))
    assert lines[first + 1].startswith(" " * 30)
    assert lines[first + 1][30] != " "


def test_filter_only_fields_say_so() -> None:
    """After the type under -lv."""
    assert "fd.ip                         (FILTER ONLY) client's or server's" in field_list()
    assert "fd.ip                         (Type: IPADDR) (FILTER ONLY) client's or server's" in field_list(types=True)


def test_types_are_shown_only_if_asked_for() -> None:
    """-l has none."""
    assert "(Type:" not in field_list()
    assert field_list(types=True).count("(Type: ") == len(FIELDS)

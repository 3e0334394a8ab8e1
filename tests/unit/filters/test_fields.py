"""A field's values: by row, for one row, by flow or process, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pcapdig.filters.catalogue import FIELDS
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.rows import rows_of

if TYPE_CHECKING:
    from pcapdig.trace.rows import Rows

SHOWN = [name for name, field in FIELDS.items() if not field.filter_only and not field.print_only]


@pytest.mark.parametrize("name", ["fd.ip", "evt.around", "evt.outputtime", "evt.info"])
def test_a_field_without_a_single_value_has_none_to_give(rows: Rows, name: str) -> None:
    """Callers ask filter_only and print_only first."""
    with pytest.raises(TypeError, match=name):
        FIELDS[name].values(rows)


@pytest.mark.parametrize("name", ["evt.num", "fd.lip", "fd.net"])
def test_only_flows_and_processes_have_values_by_id(rows: Rows, name: str) -> None:
    """What belongs to a row or to an end is refused."""
    with pytest.raises(TypeError, match=name):
        FIELDS[name].values_of(rows.trace, [0])


@pytest.mark.parametrize("name", SHOWN)
def test_one_row_has_the_value_it_has_among_all(rows: Rows, name: str) -> None:
    """`value` and `values` agree."""
    assert [FIELDS[name].value(rows, i) for i in range(len(rows))] == FIELDS[name].values(rows)


@pytest.mark.parametrize("name", SHOWN)
def test_no_rows_have_no_values(name: str) -> None:
    """An empty batch is no special case."""
    assert FIELDS[name].values(rows_of(Packets.from_payloads(Tables(), []))) == []


def test_values_by_id_come_in_the_order_asked(rows: Rows) -> None:
    """Any flows or processes, twice if asked twice."""
    assert FIELDS["proc.name"].values_of(rows.trace, [1, 0, 1]) == ["httpd", "curl", "httpd"]
    assert FIELDS["fd.sport"].values_of(rows.trace, [2, 3]) == [53, None]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("proc.pid", 7, "7"),
        ("evt.rawtime.ns", 17052, "000017052"),
        ("evt.reltime", 4385679, "004385679"),
        ("evt.reltime", 12_000_000_000, "12000000000"),
        ("evt.is_io", True, "true"),
        ("evt.is_io", False, "false"),
        ("proc.name", "httpd", "httpd"),
    ],
)
def test_text(name: str, value: int | str, text: str) -> None:
    """Nanoseconds keep their zeros."""
    assert FIELDS[name].text(value) == text

"""The catalogue: every field is whole, and a wrong name is answered with the right one."""

from __future__ import annotations

import pytest

from pcapdig.errors import UsageError
from pcapdig.filters.catalogue import CLASSES, FIELDS, longest_known_prefix, lookup
from pcapdig.filters.syntax import Check, parse


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fd.sportx", "unknown field fd.sportx; did you mean fd.sport?"),
        ("proc.nam", "unknown field proc.nam; did you mean proc.name?"),
        ("FD.NAME", "unknown field FD.NAME; -l lists them"),
        ("qqq", "unknown field qqq; -l lists them"),
        ("fd.num", "field fd.num has no meaning for packets; use fd.name"),
        ("thread.tid", "field thread.tid has no meaning for packets; use proc.pid"),
        ("evt.type.is.open", "field evt.type.is.open has no meaning for packets"),
        ("evt.cpu", "field evt.cpu has no meaning for packets"),
        ("k8s.pod.name", "field k8s.pod.name has no meaning for packets"),
        ("group.gid", "field group.gid has no meaning for packets"),
    ],
)
def test_a_wrong_name_is_refused(name: str, message: str) -> None:
    """With the nearest field, or the reason why there is none."""
    with pytest.raises(UsageError) as caught:
        lookup(name)
    assert str(caught.value) == message


def test_no_two_fields_have_one_name() -> None:
    """The table would lose one."""
    assert len(FIELDS) == sum(len(each.fields) for each in CLASSES)


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_can_be_found_and_written_in_a_filter(name: str) -> None:
    """The grammar takes its name whole."""
    check = parse(f"{name} exists")
    assert isinstance(check, Check)
    assert (check.field, lookup(name).name) == (name, name)


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_has_one_source_of_values_and_a_sentence(name: str) -> None:
    """None only if it depends on the output's options."""
    field = FIELDS[name]
    sources = [field.of_flows, field.of_process, field.of_rows, field.of_argument, field.ends, field.either]
    assert sum(source is not None for source in sources) == (0 if field.print_only else 1)
    assert field.help.endswith(".")
    assert "\n" not in field.help


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("proc.name:", "proc.name"),
        ("proc.pidx", "proc.pid"),
        ("evt.time.sx", "evt.time.s"),
        ("evt.timex", "evt.time"),
        ("fd.name_", "fd.name"),
        ("evt.num.", "evt.num"),
    ],
)
def test_the_longest_name_is_taken(text: str, name: str) -> None:
    """Whatever follows."""
    field = longest_known_prefix(text)
    assert field is not None
    assert field.name == name


def test_no_name_is_no_field() -> None:
    """None, not the nearest."""
    assert longest_known_prefix("fd.") is None


@pytest.mark.parametrize("name", ["fd.name_changed", "evt.count.error", "proc.pname"])
def test_a_longer_name_of_sysdig_is_not_taken_for_ours(name: str) -> None:
    """%fd.name_changed is not %fd.name and `_changed`."""
    if name in FIELDS:
        assert longest_known_prefix(name) is FIELDS[name]
        return
    with pytest.raises(UsageError, match="no meaning for packets"):
        longest_known_prefix(name)

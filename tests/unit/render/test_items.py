"""The item types: values that cannot be changed after they were handed out."""

import dataclasses

import pytest

from pcapdig.render.items import Column, Event, Exchange, Gap, Line, Table


@pytest.mark.parametrize("kind", [Column, Event, Exchange, Gap, Line, Table])
def test_items_are_frozen(kind: type) -> None:
    """A chisel cannot change what it gave away."""
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert not any("dict" in str(field.type) or "list" in str(field.type) for field in dataclasses.fields(kind))

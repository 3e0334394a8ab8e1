"""The item types: values that cannot be changed after they were handed out."""

import pytest

from pcapdig.render.items import Column, Event, Exchange, Extract, Gap, Line, Table


@pytest.mark.parametrize("kind", [Column, Event, Exchange, Extract, Gap, Line, Table])
def test_items_are_frozen(kind: type) -> None:
    """A chisel cannot change what it gave away."""
    assert issubclass(kind, tuple)
    assert not any("dict" in str(type_) or "list" in str(type_) for type_ in kind.__annotations__.values())

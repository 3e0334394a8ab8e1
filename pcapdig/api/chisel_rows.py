"""A chisel's output as dicts, keyed as `-j` keys them; values are Python's: bytes stay bytes, what is not known is None."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pcapdig.errors import UsageError
from pcapdig.render.items import NOT_KNOWN, Exchange, Line, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pcapdig.chisels.chisel import Chisel
    from pcapdig.render.items import Item

Row = dict[str, Any]


def rows_of_item(item: Item) -> Iterator[Row]:
    """A table gives a dict a row, everything else one dict; headings none."""
    if isinstance(item, Table):
        for value, keys in item.rows:
            texts = (None if text == NOT_KNOWN else text for text in keys)
            yield {key.field: text for key, text in zip(item.keys, texts, strict=True)} | {item.value.field: value}
    elif isinstance(item, Exchange):
        yield {
            "evt.rawtime": item.time_ns,
            "evt.io_dir": "write" if item.is_write else "read",
            "fd.name": item.connection,
            "proc.name": item.process,
            "proc.pid": item.pid,
            "container.id": item.container_id,
            "evt.rawres": item.size_bytes,
            "evt.arg.data": item.buffer,
            "missing_bytes": sum(gap.size_bytes for gap in item.gaps),
        }
    elif isinstance(item, Line) and not item.is_heading:
        time = {} if item.time_ns is None else {"evt.rawtime": item.time_ns}
        yield {**time, **(dict(item.fields) if item.fields else {"text": item.text})}


def chisel_of(
    name: str | type[Chisel], given: tuple[object, ...], named: dict[str, object], where: list[str]
) -> Chisel:
    """Make a chisel; its arguments are written as texts, as on a command line.

    Raises:
        UsageError: there is no such chisel or directory, or its arguments are too few, too many or wrong.
    """
    from pcapdig.chisels.library import Library

    kind = Library(where).find(name) if isinstance(name, str) else name
    names = [argument.name for argument in kind.args]
    if len(given) > len(names):
        raise UsageError(f"chisel {kind.name} takes at most {len(names)} arguments, {len(given)} were given")
    arguments = dict(zip(names, given, strict=False))
    for key, value in named.items():
        if key not in names:
            raise UsageError(f"chisel {kind.name} has no argument {key}; it has: {', '.join(names) or 'none'}")
        if key in arguments:
            raise UsageError(f"chisel {kind.name}: argument {key} is given twice")
        arguments[key] = value
    for argument in kind.args:
        if not argument.optional and argument.name not in arguments:
            raise UsageError(f"chisel {kind.name} needs an argument: [{argument.type}] {argument.name}")
    make: Callable[..., Chisel] = kind
    return make(**{key: str(value) for key, value in arguments.items()})

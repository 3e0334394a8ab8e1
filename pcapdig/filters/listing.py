"""The catalogue as text: -l, -lv and docs/fields.md (`python -m pcapdig.filters.listing --markdown`)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pcapdig.filters.catalogue import CLASSES
from pcapdig.filters.comparisons import operators
from pcapdig.filters.fields import FieldType

if TYPE_CHECKING:
    from pcapdig.filters.fields import Field

_COLUMN = 30
_WIDTH = 120


def field_list(*, types: bool = False) -> str:
    """All fields with their meaning, in sysdig's layout.

    Args:
        types: name the type of each field too (-lv).
    """
    lines: list[str] = []
    for field_class in CLASSES:
        lines.append("-" * 31)
        lines.append(f"{'Field Class:':{_COLUMN}}{field_class.name}")
        lines += _entry("Description:", field_class.description)
        lines.append("")
        for field in field_class.fields:
            kind = f"(Type: {field.type.value}) " if types else ""
            lines += _entry(field.name, kind + _meaning(field))
        lines.append("")
    return "\n".join(lines) + "\n"


def markdown() -> str:
    """docs/fields.md."""
    lines = [
        "# Fields",
        "",
        "Made from the catalogue by `python -m pcapdig.filters.listing --markdown`. What filters do with them: [filters](filters.md).",
        "",
    ]
    for field_class in CLASSES:
        lines += [f"## {field_class.name}", "", field_class.description, ""]
        lines += ["Name | Type | Meaning", ":----|:-----|:-------"]
        lines += [f"`{field.name}` | {field.type.value} | {_escaped(_meaning(field))}" for field in field_class.fields]
        lines.append("")
    lines += ["## Types", "", "Type | What it is | Operators", ":----|:-----|:---------"]
    for kind in FieldType:
        signs = " ".join(f"`{operator}`" for operator in (*operators(kind), "exists"))
        lines.append(f"{kind.value} | {_TYPE_MEANING[kind]} | {signs}")
    return "\n".join(lines) + "\n"


_TYPE_MEANING = {
    FieldType.TEXT: "text",
    FieldType.BYTES: "bytes",
    FieldType.BOOL: "`true` or `false`",
    FieldType.UNSIGNED: "integer, 0 or more",
    FieldType.SIGNED: "integer",
    FieldType.ABSOLUTE_TIME: "time, ns since 1970 unless the field says otherwise",
    FieldType.RELATIVE_TIME: "duration in ns unless the field says otherwise",
    FieldType.ADDRESS: "IPv4 or IPv6 address",
    FieldType.NETWORK: "network, ADDRESS/BITS",
    FieldType.PORT: "port number, or a service's name in a filter",
}


def _meaning(field: Field) -> str:
    mark = "(FILTER ONLY) " if field.filter_only else "(OUTPUT ONLY) " if field.print_only else ""
    return mark + field.help


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("->", "-&gt;")


def _entry(name: str, text: str) -> list[str]:
    """A name and a text beside it, wrapped at 120 columns. Every word is followed by a blank, the last of a line too."""
    lines = []
    line = f"{name:{_COLUMN}}"
    if len(name) > _COLUMN:
        lines.append(name)
        line = " " * _COLUMN
    for word in text.split(" "):
        if len(line) + len(word) + 1 > _WIDTH and line.strip():
            lines.append(line)
            line = " " * _COLUMN
        line += word + " "
    return [*lines, line]


if __name__ == "__main__":
    sys.stdout.write(markdown() if "--markdown" in sys.argv[1:] else field_list(types="--types" in sys.argv[1:]))

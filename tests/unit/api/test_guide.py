"""docs/guides/from-python.md and the README's section: their examples run and print what stands below them.

`pytest --update-golden` writes the outputs anew.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pcapdig.api import tables
from pcapdig.trace.columns import Tables

ROOT = Path(__file__).resolve().parents[3]
PAGES = (ROOT / "docs" / "guides" / "from-python.md", ROOT / "README.md")
EXAMPLE = re.compile(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)
MARK = "-- an example ends here --"


def outputs(page: Path, folder: Path, python: Any) -> list[str]:
    """What each example of a page prints, run one after the other."""
    (folder / "fixtures").symlink_to(ROOT / "fixtures")
    (folder / "act1.pcapng.gz").symlink_to(ROOT / "fixtures" / "lamp.pcapng.gz")
    program = "".join(f"{code}\nprint({MARK!r})\n" for code, _ in EXAMPLE.findall(page.read_text(encoding="utf-8")))
    printed: str = python(program)
    return printed.split(f"{MARK}\n")[:-1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_print_what_the_page_says(page: Path, tmp_path: Path, python: Any, golden: Any) -> None:
    """To the letter."""
    text = page.read_text(encoding="utf-8")
    printed = iter(outputs(page, tmp_path, python))

    def renewed(match: re.Match[str]) -> str:
        output = next(printed)
        assert output == "" or match[2] is not None, "the example prints something that the page does not show"
        return f"```python\n{match[1]}```\n" + (f"\n```text\n{output}```\n" if match[2] is not None else "")

    true = EXAMPLE.sub(renewed, text)
    assert "```python" in text
    if golden.update:
        page.write_text(true, encoding="utf-8")
    assert true == page.read_text(encoding="utf-8")


def test_the_page_names_every_column() -> None:
    """Of every table, and every attribute of events and flows."""
    import pcapdig
    from pcapdig.api.packets import joined

    text = PAGES[0].read_text(encoding="utf-8")
    columns = {
        *tables.joined(joined([], Tables())),
        *tables.flow_columns([], []),
        *tables.process_columns([]),
        *tables.interface_columns([]),
    }
    attributes = {
        name for kind in (pcapdig.Event, pcapdig.Flow) for name in kind.__dataclass_fields__ if name[0] != "_"
    }
    assert [name for name in sorted(columns | attributes) if f"`{name}`" not in text] == []

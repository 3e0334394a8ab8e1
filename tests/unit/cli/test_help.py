"""--help: complete, within its columns, and the same in docs/cli.md."""

from pathlib import Path

import pytest

from pcapdig.cli.help import EXAMPLES, WIDTH, help_text
from pcapdig.cli.options import OPTIONS, Option
from pcapdig.cli.scanner import COMMANDS

DOCUMENT = Path(__file__).parents[3] / "docs" / "cli.md"


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_is_listed(option: Option) -> None:
    """With each of its spellings and what it takes."""
    lines = [line for line in help_text().splitlines() if line.startswith("  -")]
    left = [line[: 28 + len(option.value)] for line in lines]
    spellings = [*([f"-{option.short}"] if option.short else []), *([f"--{option.long}"] if option.long else [])]
    assert any(all(spelling in text.replace(",", "").split() for spelling in spellings) for text in left)


def test_commands_and_examples_are_listed() -> None:
    """So that they are found."""
    text = help_text()
    assert [command for command, _ in EXAMPLES if command not in text] == []
    assert [command for command in COMMANDS if f"  {command} " not in text] == []


def test_no_line_is_wider_than_said() -> None:
    """It fits a terminal of a hundred columns, and no line ends in a blank."""
    lines = help_text().splitlines()
    assert [line for line in lines if len(line) > WIDTH or line != line.rstrip()] == []


def test_the_document_is_current() -> None:
    """docs/cli.md holds this very text."""
    assert f"```text\n{help_text()}```" in DOCUMENT.read_text()

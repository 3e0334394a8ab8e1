"""What all log lines share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pcapdig.chisels.logs import one_line, value_text
from pcapdig.chisels.redislog import Redislog


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "<NA>"),
        ("", '""'),
        ("plain", "plain"),
        (3, "3"),
        ("two words", '"two words"'),
        ('"', r'"\""'),
        ("\x1b[31m", r'"\u001b[31m"'),
    ],
)
def test_values(value: object, text: str) -> None:
    """Quoted where a reader could misread them."""
    assert value_text(value) == text


def test_one_line() -> None:
    """White space of any kind is one blank."""
    assert one_line(" a\n\t b\r\n") == "a b"


def test_nothing_goes_by_seconds(conversation: Callable[..., Any]) -> None:
    """Lines come when they are complete."""
    chisel = Redislog()
    chisel.feed(conversation([]))
    assert (list(chisel.interval(0)), list(chisel.end())) == ([], [])

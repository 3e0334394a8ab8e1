"""What SQL protocols share."""

from __future__ import annotations

import pytest

from pcapdig.protocols.sql import SqlError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (SqlError(code=1064, state="42000", message="near 'x'"), "1064 (42000) near 'x'"),
        (SqlError(code=None, severity="FATAL", state="28P01", message="no"), "FATAL 28P01: no"),
    ],
)
def test_errors_read_as_in_each_products_client(error: SqlError, text: str) -> None:
    """A number and its state; severity and state."""
    assert error.text == text

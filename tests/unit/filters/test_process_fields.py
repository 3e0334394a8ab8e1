"""proc.*, user.* and container.* over the sample trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pcapdig.filters.catalogue import FIELDS

if TYPE_CHECKING:
    from pcapdig.trace.rows import Rows

CURL, HTTPD, SHELL, NOBODY = 6, 7, 14, 16


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("proc.name", ["curl", "httpd", "sh", None]),
        ("proc.pid", [200, 300, 400, None]),
        ("proc.ppid", [100, 1, None, None]),
        ("proc.pname", ["bash", "systemd", None, None]),
        ("proc.exe", ["curl", "/usr/sbin/httpd", None, None]),
        ("proc.exepath", [None, "/usr/sbin/httpd", None, None]),
        ("proc.args", ["-s http://x/y", "-k start", None, None]),
        ("proc.cmdline", ["curl -s http://x/y", "/usr/sbin/httpd -k start", None, None]),
        ("proc.exeline", ["curl -s http://x/y", "/usr/sbin/httpd -k start", None, None]),
        ("user.uid", [1000, 33, 0, None]),
        ("user.name", ["alice", "www-data", None, None]),
        ("container.id", [None, "0123456789ab", "host", None]),
        ("container.name", [None, None, "host", None]),
    ],
)
def test_values(rows: Rows, name: str, expected: list[object]) -> None:
    """What is not known is None; uid 0 is known."""
    found = FIELDS[name].values(rows)
    assert [found[row] for row in (CURL, HTTPD, SHELL, NOBODY)] == expected

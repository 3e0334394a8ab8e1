"""Optional libraries."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import pcapdig
from pcapdig.api.extras import MissingLibraryError, need


@pytest.mark.parametrize(
    ("library", "extra", "use"),
    [
        ("pyarrow", "arrow", lambda trace, folder: trace.to_arrow()),
        ("pyarrow", "arrow", lambda trace, folder: trace.to_parquet(folder / "new")),
        ("pandas", "pandas", lambda trace, folder: trace.to_pandas()),
        ("scapy", "scapy", lambda trace, folder: trace.scapy()),
    ],
)
def test_a_missing_library_is_named(
    monkeypatch: pytest.MonkeyPatch, lamp: Path, tmp_path: Path, library: str, extra: str, use: Any
) -> None:
    """With the command that installs it, before anything is read or written."""
    for name in [name for name in sys.modules if name.split(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Without(library), *sys.meta_path])
    with pytest.raises(pcapdig.HostError, match=rf"this needs {library}: pip install 'pcapdig\[{extra}\]'"):
        use(pcapdig.open(lamp), tmp_path)
    assert issubclass(MissingLibraryError, ImportError)
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_lacks_something_itself_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is installed, and installing it would not help."""
    (tmp_path / "half_there.py").write_text("import a_module_nobody_has\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="a_module_nobody_has"):
        need("half_there", "half")


class _Without:
    """Hides a library, as if it were not installed."""

    def __init__(self, library: str) -> None:
        self._library = library

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Raises what a missing module raises."""
        if name.split(".")[0] == self._library:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

"""`import pcapdig` in a process of its own: what it loads, and what it never loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import pcapdig

RECORDER = {"record", "tracer", "capture", "attribution", "cli"}


def test_importing_loads_nothing(python: Any) -> None:
    """Neither numpy nor another room."""
    code = "import pcapdig, sys; print(*sorted(m for m in sys.modules if m.split('.')[0] in ('numpy', 'pcapdig')))"
    assert python(code).strip() == "pcapdig"


def test_opening_loads_no_numpy(python: Any, lamp: Path) -> None:
    """Only what looks at the file's beginning."""
    assert python("import pcapdig, sys; pcapdig.open(sys.argv[1]); print('numpy' in sys.modules)", lamp) == "False\n"


def test_nothing_of_the_recorder_is_loaded(python: Any, lamp: Path) -> None:
    """Whatever is asked of a capture."""
    code = (
        "import pcapdig, sys, tempfile\n"
        "t = pcapdig.open(sys.argv[1])\n"
        "list(t.events('evt.buffer contains form')), t.packets(), list(t.flows()), list(t.chisel('topconns'))\n"
        "t.to_arrow(), t.to_pandas(), t.to_parquet(tempfile.mkdtemp()), list(t.scapy('evt.num=1'))\n"
        "print(*sorted({m.split('.')[1] for m in sys.modules if m.startswith('pcapdig.')}))"
    )
    assert not RECORDER & set(python(code, lamp).split())


def test_extras_are_not_loaded_for_others(python: Any, lamp: Path) -> None:
    """Events and columns need none of them."""
    code = (
        "import pcapdig, sys; t = pcapdig.open(sys.argv[1]); list(t); t.packets(); list(t.flows())\n"
        "print(*{'pandas', 'pyarrow', 'scapy', 'dpkt', 'brotli'} & set(sys.modules))"
    )
    assert python(code, lamp).strip() == ""


def test_every_public_name_is_there() -> None:
    """And listed by dir()."""
    assert set(pcapdig.__all__) <= set(dir(pcapdig))
    assert all(getattr(pcapdig, name).__name__ == name for name in pcapdig.__all__)


def test_other_names_are_not() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="module 'pcapdig' has no attribute 'opne'"):
        pcapdig.opne  # type: ignore[attr-defined]  # noqa: B018


def test_types_are_shipped() -> None:
    """PEP 561."""
    assert (Path(pcapdig.__file__).parent / "py.typed").exists()

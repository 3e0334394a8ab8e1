"""Which capabilities are missing."""

from pathlib import Path

import pytest

from pcapdig.tracer.privileges import missing_capabilities


@pytest.mark.parametrize(
    ("effective", "missing"),
    [
        ("0000000000000000", ("bpf", "perfmon", "net_admin")),
        ("000001ffffffffff", ()),
        ("0000000000200000", ("net_admin",)),
        (f"{1 << 39 | 1 << 38 | 1 << 12:016x}", ()),
        (f"{1 << 39 | 1 << 12:016x}", ("perfmon",)),
    ],
)
def test_by_the_effective_set(tmp_path: Path, effective: str, missing: tuple[str, ...]) -> None:
    """CAP_SYS_ADMIN stands for bpf and perfmon, not for net_admin."""
    status = tmp_path / "status"
    status.write_text(f"Name:\tx\nCapPrm:\tffffffffffffffff\nCapEff:\t{effective}\n")
    assert missing_capabilities(status) == missing

"""Numbers and paths of cgroups."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pcapdig.procs.cgroups import Cgroups

MOUNTINFO = "41 31 0:38 / /c\\040g rw,relatime - cgroup2 cgroup2 rw\n"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A made /proc with a made hierarchy."""
    (tmp_path / "1" / "root" / "c g" / "a" / "b").mkdir(parents=True)
    (tmp_path / "1" / "mountinfo").write_text(MOUNTINFO)
    return tmp_path


@pytest.mark.parametrize("text", ["", "0::/nosuch", "0::/../a", "1:cpu:/a", "0:/a", "nonsense", "0::/a/../.."])
def test_what_names_no_cgroup_has_no_number(text: str, proc: Path) -> None:
    """Nor what lies outside of what we see."""
    assert Cgroups(proc).id_of(text) == 0


@pytest.mark.parametrize("mountinfo", [None, "", "41 31 0:38 /part /c\\040g rw - cgroup2 cgroup2 rw\n", "41 - cgroup2"])
def test_where_nothing_is_mounted(mountinfo: str | None, proc: Path) -> None:
    """A part of the hierarchy does not do: paths begin elsewhere there."""
    (proc / "1" / "mountinfo").unlink()
    if mountinfo is not None:
        (proc / "1" / "mountinfo").write_text(mountinfo)
    assert (Cgroups(proc).id_of("0::/a"), Cgroups(proc).text_of(2)) == (0, None)


def test_the_number_is_the_directorys(proc: Path) -> None:
    """Among lines of version 1 too."""
    assert Cgroups(proc).id_of("4:memory:/x\n0::/a/b\n") == (proc / "1" / "root" / "c g" / "a" / "b").stat().st_ino


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may open a cgroup by its number")
def test_a_number_leads_back_while_the_cgroup_is_there() -> None:
    """On this machine's own hierarchy; what is gone, or never was, leads nowhere."""
    cgroups = Cgroups(Path("/proc"))
    root = cgroups._find()
    if root is None or not os.access(root, os.W_OK):
        pytest.skip("cgroup v2 is not mounted here, or cannot be written")
    made = Path(root) / f"pcapdig-test-{os.getpid()}"
    made.mkdir()
    try:
        number = cgroups.id_of(f"0::/{made.name}")
        assert cgroups.text_of(number) == f"0::/{made.name}"
    finally:
        made.rmdir()
    assert (cgroups.text_of(number), cgroups.text_of((1 << 64) - 1)) == (None, None)

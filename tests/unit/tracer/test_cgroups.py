"""Finding cgroup v2 in mountinfo."""

from pathlib import Path

import pytest

from pcapdig.tracer.cgroups import find_cgroup2

V1 = "33 31 0:30 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"


def test_nowhere(tmp_path: Path) -> None:
    """Only v1 is mounted."""
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(V1)
    assert find_cgroup2(mountinfo) is None


def test_a_part_of_the_hierarchy_does_not_do(tmp_path: Path) -> None:
    """A bind mount of one container's cgroup sees only that container."""
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(V1 + "41 31 0:38 /docker/abc /mnt rw shared:3 - cgroup2 cgroup2 rw\n")
    assert find_cgroup2(mountinfo) is None


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw", "/sys/fs/cgroup/unified"),
        ("24 1 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 whatever rw,nsdelegate", "/sys/fs/cgroup"),
        (r"24 1 0:22 / /mnt/with\040blank rw shared:4 master:2 - cgroup2 none rw", "/mnt/with blank"),
    ],
)
def test_it_is_found_by_type(tmp_path: Path, line: str, place: str) -> None:
    """Wherever it is, whatever its source is called, with any optional fields."""
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(V1 + "\ngarbage\n" + line + "\n")
    assert find_cgroup2(mountinfo) == Path(place)

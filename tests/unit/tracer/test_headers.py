"""Kernel headers, found and merged."""

from pathlib import Path

import pytest

from pcapdig.tracer.headers import Headers, find_headers, one_tree


def install(modules: Path, release: str, *, is_split: bool) -> None:
    """Headers as Debian (split) or others (one tree) install them."""
    place = modules / release
    build = place / "build"
    source = place / "source" if is_split else build
    for tree, parts in (
        (build, ("include/generated", "arch/x86/include/generated")),
        (source, ("include/linux", "arch/x86/include/asm")),
    ):
        for part in parts:
            (tree / part).mkdir(parents=True)
            (tree / part / "made.h").write_text(f"{release} {part}")
    (source / "include/linux/kconfig.h").write_text("")


def test_none_are_installed(tmp_path: Path) -> None:
    """No directory, an empty one, a build link that leads nowhere."""
    assert find_headers("6.1", tmp_path / "nowhere") is None
    (tmp_path / "6.1").mkdir()
    (tmp_path / "6.1" / "build").symlink_to(tmp_path / "gone")
    assert find_headers("6.1", tmp_path) is None


def test_half_of_them_do_not_do(tmp_path: Path) -> None:
    """Only Debian's -amd64 tree, without -common."""
    install(tmp_path, "6.1", is_split=True)
    (tmp_path / "6.1/source/include/linux/kconfig.h").unlink()
    assert find_headers("6.1", tmp_path) is None


@pytest.mark.parametrize("is_split", [True, False])
def test_the_running_kernels_come_first(tmp_path: Path, is_split: bool) -> None:
    """Newer ones of another kernel are not taken."""
    install(tmp_path, "6.1", is_split=is_split)
    install(tmp_path, "6.9", is_split=is_split)
    found = find_headers("6.1", tmp_path)
    assert found is not None
    assert found.release == "6.1"


def test_those_of_another_kernel_are_better_than_none(tmp_path: Path) -> None:
    """The newest by name."""
    install(tmp_path, "6.1", is_split=True)
    install(tmp_path, "6.9", is_split=True)
    found = find_headers("6.18", tmp_path)
    assert found is not None
    assert found.release == "6.9"


@pytest.mark.parametrize("is_split", [True, False])
def test_one_tree_has_both_halves_and_goes_away(tmp_path: Path, is_split: bool) -> None:
    """Every directory that the compiler is pointed to."""
    install(tmp_path, "6.1", is_split=is_split)
    found = find_headers("6.1", tmp_path)
    assert isinstance(found, Headers)
    with one_tree(found, "x86_64") as tree:
        for part in ("include/linux", "include/generated", "arch/x86/include/asm", "arch/x86/include/generated"):
            assert (tree / part / "made.h").read_text() == f"6.1 {part}"
    assert not tree.exists()

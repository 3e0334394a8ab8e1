"""tests/conftest.py itself: what becomes of live tests and golden files, seen in a pytest run of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"


def run_pytest(directory: Path, body: str, *arguments: str, ci: bool) -> subprocess.CompletedProcess[str]:
    """Run pytest on one small file under a copy of tests/conftest.py."""
    tests = directory / "tests"
    tests.mkdir()
    shutil.copy(CONFTEST, tests)
    (tests / "test_it.py").write_text(f"import pytest\n\n{body}\n")
    (directory / "pytest.ini").write_text("[pytest]\nmarkers = live: x\n")
    environment = {name: value for name, value in os.environ.items() if name not in {"CI", "PYTEST_ADDOPTS"}}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", *arguments],
        cwd=directory,
        env=environment | ({"CI": "true"} if ci else {}),
        capture_output=True,
        text=True,
        check=False,
    )


SKIPPED_LIVE = "@pytest.mark.live\ndef test_record():\n    pytest.skip('no eBPF')"
REASON = "no eBPF" if os.geteuid() == 0 else "needs root"
"""What a skipped live test says: its own reason, or the rule's for other users than root."""
SKIPPED_OTHER = "def test_other():\n    pytest.skip('no zoneinfo')"
GOLDEN = "def test_text(golden):\n    golden('a.txt', 'new')"


def test_skipped_live_test_fails_in_ci(tmp_path: Path) -> None:
    """With CI=true a live test that skips is a failure that names its reason."""
    result = run_pytest(tmp_path, SKIPPED_LIVE, ci=True)
    assert result.returncode == 1
    assert "a live test may not be skipped here" in result.stdout
    assert "It said: " in result.stdout
    assert REASON in result.stdout


def test_skipped_live_test_is_allowed_elsewhere(tmp_path: Path) -> None:
    """Without CI it is a skip with its reason."""
    result = run_pytest(tmp_path, SKIPPED_LIVE, ci=False)
    assert result.returncode == 0
    assert REASON in result.stdout


def test_other_tests_may_skip_in_ci(tmp_path: Path) -> None:
    """The rule is for live tests only."""
    assert run_pytest(tmp_path, SKIPPED_OTHER, ci=True).returncode == 0


def test_golden_difference_fails(tmp_path: Path) -> None:
    """A text that differs from its golden file fails."""
    (tmp_path / "fixtures" / "golden").mkdir(parents=True)
    (tmp_path / "fixtures" / "golden" / "a.txt").write_text("old")
    assert run_pytest(tmp_path, GOLDEN, ci=False).returncode == 1


def test_missing_golden_file_fails(tmp_path: Path) -> None:
    """A golden file that was forgotten fails, it is not written by the way."""
    result = run_pytest(tmp_path, GOLDEN, ci=False)
    assert result.returncode == 1
    assert not (tmp_path / "fixtures" / "golden" / "a.txt").exists()


def test_update_golden_writes(tmp_path: Path) -> None:
    """--update-golden writes the text."""
    assert run_pytest(tmp_path, GOLDEN, "--update-golden", ci=False).returncode == 0
    assert (tmp_path / "fixtures" / "golden" / "a.txt").read_text() == "new"


def test_update_golden_is_refused_in_ci(tmp_path: Path) -> None:
    """CI never writes a golden file."""
    result = run_pytest(tmp_path, GOLDEN, "--update-golden", ci=True)
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert not (tmp_path / "fixtures").exists()

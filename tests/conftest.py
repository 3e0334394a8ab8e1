"""Rules for all tests: live tests need root, in CI none may be skipped, golden files.

Knows nothing of any room. Fixtures of the live tests are in tests/live/conftest.py.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

GOLDEN_DIRECTORY = Path(__file__).resolve().parent.parent / "fixtures" / "golden"


def in_ci() -> bool:
    """Whether CI=true: nothing may be skipped quietly, and no golden file is written."""
    return os.environ.get("CI", "").lower() in {"1", "true"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --update-golden."""
    parser.addoption(
        "--update-golden", action="store_true", help="write the files of fixtures/golden anew; then read the git diff"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse --update-golden where nobody would read the difference."""
    if config.getoption("--update-golden") and in_ci():
        raise pytest.UsageError("--update-golden is refused with CI=true: a person must read the difference")


def pytest_report_header() -> str:
    """Name the pcapdig under test: the installed one (make test) or the checkout's."""
    import pcapdig

    return f"pcapdig {pcapdig.__version__} from {Path(pcapdig.__file__).parent}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip live tests where this user may not record."""
    if os.geteuid() == 0:
        return
    skip = pytest.mark.skip(reason="live: needs root (sudo make test)")
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker(skip)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """Turn a skipped live test into a failure with CI=true."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.get_closest_marker("live") and in_ci():
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"CI=true: a live test may not be skipped here. It said: {reason}"
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """Compares text with files of fixtures/golden."""

    directory: Path
    update: bool

    def __call__(self, name: str, text: str) -> None:
        """Check that `text` equals the golden file `name`; with --update-golden write it."""
        path = self.directory / name
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        if not path.exists():
            pytest.fail(f"fixtures/golden/{name} does not exist: pytest --update-golden writes it")
        assert text == path.read_text(encoding="utf-8"), f"differs from fixtures/golden/{name}"


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """`golden("topconns.txt", text)` compares text with fixtures/golden/topconns.txt."""
    return Golden(directory=GOLDEN_DIRECTORY, update=request.config.getoption("--update-golden"))

"""What the live tests stand on: a folder that servers can read, a network namespace, the servers, and the small C client."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import open_folder
from namespace import Namespace
from servers import Lamp


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for one test, removed after it."""
    made = open_folder("live")
    yield made
    shutil.rmtree(made)


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    """A network namespace for one test."""
    with Namespace("test") as made:
        yield made


@pytest.fixture(scope="session")
def lamp() -> Iterator[Lamp]:
    """httpd, mysqld and sshd in a namespace of their own, for all tests."""
    made = open_folder("lamp")
    try:
        with Namespace("lamp") as namespace, Lamp(made, namespace=namespace) as servers:
            yield servers
    finally:
        shutil.rmtree(made)


@pytest.fixture(scope="session")
def shortlived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled C client."""
    program = tmp_path_factory.mktemp("shortlived") / "shortlived"
    source = Path(__file__).with_name("shortlived.c")
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source], check=True, timeout=60)
    return program

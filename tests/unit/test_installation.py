"""What pip put into the environment: the command, the version, the probe. Skipped where the checkout hides it."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import pcapdig
from pcapdig.tracer import bcc

PACKAGE = Path(pcapdig.__file__).parent
CHECKOUT = Path(__file__).resolve().parents[2] / "pcapdig"
EM_BPF = 247
"""ELF machine number of kernel bytecode (linux/elf-em.h)."""


@pytest.fixture(autouse=True)
def _installed() -> None:
    if PACKAGE == CHECKOUT:
        assert not os.environ.get("CI"), "CI must test the installed package, and the checkout is imported"
        pytest.skip("the checkout's pcapdig is imported, not an installed one (make test installs it)")


def test_probe_object_is_installed() -> None:
    """The compiled probe lies beside the tracer that loads it, and is bytecode with BTF."""
    elf = (PACKAGE / "tracer" / "socktrace.bpf.o").read_bytes()
    assert elf[:4] == b"\x7fELF"
    assert struct.unpack_from("<H", elf, 18) == (EM_BPF,)
    assert b".BTF.ext\0" in elf


def test_bcc_sources_are_installed() -> None:
    """What bcc compiles at run time lies beside the tracer, with every header it includes."""
    tracer = PACKAGE / "tracer"
    wanted = set(bcc.SOURCES)
    assert [name for name in sorted(wanted) if not (tracer / name).exists()] == []
    included = {
        header
        for name in wanted
        for header in re.findall(r'^#include "(.+)"', (tracer / name).read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert [name for name in sorted(included) if not (tracer / name).exists()] == []


def test_version_is_the_package_version() -> None:
    """`pcapdig.__version__` is the only place that says it."""
    assert metadata.version("pcapdig") == pcapdig.__version__


def test_command_runs() -> None:
    """The entry point starts and says its version."""
    command = Path(sys.executable).parent / "pcapdig"
    result = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert pcapdig.__version__ in result.stdout
    assert result.stderr == ""

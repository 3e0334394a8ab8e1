"""The table of programs beside the object they come from."""

from pathlib import Path

import pytest

from pcapdig.tracer.core import OBJECT
from pcapdig.tracer.programs import PROGRAMS, REQUIRED

_bpf = pytest.importorskip("pcapdig.tracer._bpf")


def test_the_required_one_is_in_the_table() -> None:
    """Without it there is no tracer."""
    assert REQUIRED in {program.name for program in PROGRAMS}


def test_the_table_is_the_objects() -> None:
    """Every program of the object is listed, with the hook it has there."""
    sections = _bpf.BpfObject(str(OBJECT)).programs()
    assert {program.name for program in PROGRAMS} == set(sections)
    for program in PROGRAMS:
        section = sections[program.name]
        assert section.startswith("cgroup") == program.cgroup
        assert section.startswith("iter/") == program.iterator
        if section.startswith("tp_btf/"):
            assert program.needs == "btf_trace_" + section.removeprefix("tp_btf/")


def test_the_readme_tells_of_each() -> None:
    """probe/README.md: program, hook, event, oldest kernel, cost."""
    readme = Path(__file__).parents[3].joinpath("probe/README.md").read_text()
    assert [program.name for program in PROGRAMS if f"`{program.name}`" not in readme] == []

"""What the CO-RE tracer says when it is refused, from libbpf's own words."""

from pathlib import Path

import pytest

from pcapdig.errors import HostError
from pcapdig.tracer import core
from pcapdig.tracer.core import CoreTracer, failed_program, last_words, refusal

VERIFIER = """libbpf: prog 'packet_sent': BPF program load failed: Permission denied
libbpf: prog 'packet_sent': -- BEGIN PROG LOAD LOG --
0: R1=ctx() R10=fp0
237: (bf) r8 = r0
238: (4f) r8 |= r5
R8 bitwise operator |= on pointer prohibited
processed 1366 insns (limit 1000000) max_states_per_insn 0 total_states 67 peak_states 67 mark_read 0
-- END PROG LOAD LOG --
libbpf: prog 'packet_sent': failed to load: -13
libbpf: failed to load object 'socktrace.bpf.o'
"""
MISSING = """libbpf: prog 'tcp_writes': failed to find kernel BTF type ID of 'tcp_sendmsg_locked': -3
libbpf: failed to load object 'socktrace.bpf.o'
"""


@pytest.mark.parametrize(
    ("log", "program"), [(VERIFIER, "packet_sent"), (MISSING, "tcp_writes"), ("", ""), ("libbpf: map 'x': failed", "")]
)
def test_the_failed_program_is_read_from_the_log(log: str, program: str) -> None:
    """The verifier's refusal, a missing hook, or none named."""
    assert failed_program(log) == program


def test_the_reason_is_the_verifiers_sentence() -> None:
    """Not the log around it."""
    assert refusal(VERIFIER) == "R8 bitwise operator |= on pointer prohibited"
    assert refusal(MISSING).startswith("prog 'tcp_writes': failed to find")
    assert refusal("") == last_words("") == ""


def test_without_rights_it_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, before anything is tried."""
    monkeypatch.setattr(core, "missing_capabilities", lambda: ("bpf", "perfmon"))
    with pytest.raises(HostError, match="capabilities bpf, perfmon: try sudo"):
        CoreTracer().start()


def test_without_btf_it_names_the_other_tracer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The kernel file is named."""
    monkeypatch.setattr(core, "missing_capabilities", tuple)
    monkeypatch.setattr(core, "BTF", tmp_path / "vmlinux")
    with pytest.raises(HostError, match="no BTF .*bcc"):
        CoreTracer().start()


def test_without_its_object_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installation that is not whole."""
    monkeypatch.setattr(core, "missing_capabilities", tuple)
    monkeypatch.setattr(core, "BTF", tmp_path)
    with pytest.raises(HostError, match="nothing.o is missing"):
        CoreTracer(object_path=tmp_path / "nothing.o").start()


def test_not_started_it_has_nothing() -> None:
    """No events, no loss, nothing to close."""
    tracer = CoreTracer()
    assert (tracer.poll(), tracer.lost_events(), tracer.snapshot()) == (b"", 0, b"")
    tracer.close()

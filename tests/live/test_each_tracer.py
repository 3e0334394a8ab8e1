"""Whole recordings with each tracer, judged by the ground truth: whatever one cannot see it leaves out, and none names a wrong process."""

from __future__ import annotations

from pathlib import Path

import pytest
from captured import read_packets
from judge import Facts, Verdict, judge
from namespace import Namespace
from program import program, record_while

pytestmark = pytest.mark.live

SCENARIOS = (
    "prefork short_lived accept_then_fork dual_stack open_before refused apart two_lanes "
    "udp_connected udp_wildcard same_port"
).split()


def judged(tracer: str, scenario: str, folder: Path, namespace: Namespace, shortlived: Path) -> Verdict:
    """Record a scenario with that tracer, and compare."""
    arguments = (str(shortlived),) if scenario == "short_lived" else ()
    with program(folder, scenario, *arguments, namespace=namespace) as running:
        file = record_while(folder, namespace, running, options=("--tracer", tracer))
    verdict = judge(Facts.read(running.truth), read_packets(file))
    print(verdict)
    return verdict


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_bcc_names_right(scenario: str, folder: Path, namespace: Namespace, shortlived: Path) -> None:
    """The tracer for kernels without BTF: no wrong name, and nothing that was sent is missing."""
    verdict = judged("bcc", scenario, folder, namespace, shortlived)
    assert verdict.wrong == [], str(verdict)
    assert (verdict.not_in_truth, verdict.not_recorded) == ([], []), str(verdict)


@pytest.mark.parametrize("scenario", ["prefork", "dual_stack", "open_before", "apart"])
def test_bcc_names_all(scenario: str, folder: Path, namespace: Namespace, shortlived: Path) -> None:
    """Of the common uses of sockets it names every end."""
    verdict = judged("bcc", scenario, folder, namespace, shortlived)
    assert verdict.is_perfect, str(verdict)


def test_procfs_names_what_it_can_see(folder: Path, namespace: Namespace, shortlived: Path) -> None:
    """The tracer without eBPF polls: of sockets with one holder it names nothing wrong, and all that lasted half a second."""
    verdict = judged("procfs", "apart", folder, namespace, shortlived)
    assert verdict.wrong == [], str(verdict)
    assert (verdict.not_in_truth, verdict.not_recorded) == ([], []), str(verdict)
    assert verdict.ends_named >= 5 * 2 * 8, str(verdict)
    assert set(verdict.evidence) <= {"procfs", "listener"}, str(verdict)


def test_none_names_nobody(folder: Path, namespace: Namespace, shortlived: Path) -> None:
    """Packets only."""
    verdict = judged("none", "prefork", folder, namespace, shortlived)
    assert (verdict.ends_named, verdict.wrong, verdict.not_recorded) == (0, [], [])

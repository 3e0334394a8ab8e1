"""The share of ends that were named."""

from __future__ import annotations

from pcapdig.record.statistics import Statistics


def statistics(**ends: object) -> Statistics:
    """Totals of which only the ends matter."""
    return Statistics(
        elapsed_ns=1,
        packets=1,
        wire_bytes=1,
        file_bytes=1,
        kernel_drops=0,
        lost_events=0,
        **ends,  # type: ignore[arg-type]
    )


def test_without_a_nameable_end_there_is_no_share() -> None:
    """Only kernel-made packets: no percentage, not 0 or 100."""
    assert statistics(ends_kernel=5).attributed_percent is None


def test_kernel_made_ends_do_not_lower_the_share() -> None:
    """An RST from a closed port cannot be named, so it does not count against the tracer."""
    assert (
        statistics(ends_by_evidence={"socket": 2, "listener": 1}, ends_unknown=1, ends_kernel=90).attributed_percent
        == 75.0
    )

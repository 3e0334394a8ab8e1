"""The tracer that tells nothing."""

from pcapdig.tracer import EventSource
from pcapdig.tracer.none import NoTracer


def test_it_tells_nothing() -> None:
    """Packets only."""
    tracer = NoTracer()
    assert tracer.start() == EventSource(kind="none")
    assert (tracer.snapshot(), tracer.poll(), tracer.lost_events(), tracer.notes) == (b"", b"", 0, [])
    tracer.close()

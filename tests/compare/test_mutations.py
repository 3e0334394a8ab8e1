"""Captures after what tools and accidents do to them: other formats, cut, thinned, doubled, merged, with bit errors.

Of a damaged packet tshark and pcapdig may see different things, but each packet is there, with its time and lengths, and none is in a
conversation with addresses that its own header does not name.
"""

from __future__ import annotations

import numpy as np
from by_pcapdig import pcapdig
from by_tshark import tshark


def test_packets_are_those_of_tshark(mutation) -> None:  # type: ignore[no-untyped-def]
    """Each whole packet is there with its time, its length on the wire and its length in the file."""
    ours = pcapdig(mutation)
    expected = [(f.time_ns, f.number("frame.len"), f.number("frame.cap_len")) for f in tshark(mutation).frames]
    columns = [ours.column(name).tolist() for name in ("time_ns", "original", "captured")]
    assert list(zip(*columns, strict=True)) == expected
    assert (ours.damage is not None) == mutation.name.startswith("cut")

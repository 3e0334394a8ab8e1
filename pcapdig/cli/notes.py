"""The line about packets that belong to no connection, after a dig that could have used them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pcapdig.cli.settings import Settings
    from pcapdig.trace.trace import Trace
    from pcapdig.trace.unread import Unread

MOST_KINDS = 6
"""Named in one line; further ones are added up."""


def unread_notes(trace: Trace, settings: Settings) -> Iterator[str]:
    """One line, or none where silence misleads nobody.

    Chisels without a filter could have used any packet. With a filter, and where each packet is a line of its own, only those matter that may
    hide a connection: ARP is none. A dig that stops at -n has not seen all, and -q asks for silence.
    """
    if settings.quiet or settings.limit is not None:
        return
    unread = trace.unread
    if settings.filter_text or not settings.chisels:
        unread = [each for each in unread if each.kind.hides_connections]
    apart = [each for each in unread if not each.kind.is_tunnel]
    inside = [each for each in unread if each.kind.is_tunnel]
    parts = []
    if apart:
        count = _sum(apart)
        verb = "belongs" if count == 1 else "belong"
        parts.append(f"{count:,} of {trace.packet_count:,} packets {verb} to no connection: {_listed(apart)}")
    if inside:
        count = _sum(inside)
        whole = "" if apart else f" of {trace.packet_count:,} packets"
        verb = "is in a tunnel" if count == 1 else "are in tunnels"
        parts.append(f"{count:,}{whole} {verb}, which --decap looks into: {_listed(inside)}")
    if parts:
        yield "; ".join(parts)


def _sum(unread: Sequence[Unread]) -> int:
    return sum(each.packets for each in unread)


def _listed(unread: Sequence[Unread]) -> str:
    """Each kind with its number, the largest first."""
    shown = [f"{each.packets:,} {each.kind.name}" for each in unread[:MOST_KINDS]]
    rest = unread[MOST_KINDS:]
    return ", ".join([*shown, f"{_sum(rest):,} others"] if rest else shown)

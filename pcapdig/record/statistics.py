"""What a recording has done so far: every packet, loss and attribution, counted."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceStatistics:
    """Counters of one captured interface, as libpcap's pcap_stats gives them, and what was written."""

    name: str
    """Interface name."""
    received: int
    """Packets that passed the BPF filter in the kernel (tp_packets, drops included)."""
    dropped: int
    """Packets the kernel dropped because the ring was full (tp_drops)."""
    written: int
    """Packets handed to the sink from this interface."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """A recording's totals at one moment. Counts are from the start of the recording."""

    elapsed_ns: int
    """Time since capture started."""
    packets: int
    """Packets that the sink kept, in time order."""
    wire_bytes: int
    """Their lengths on the wire (original lengths)."""
    file_bytes: int
    """Bytes of pcapng blocks handed to the sink, before compression."""
    kernel_drops: int
    """Packets the kernel dropped for want of ring space, all interfaces."""
    lost_events: int
    """Socket or process events the tracer's buffer could not take; ends may be unattributed because of them."""
    ends_by_evidence: dict[str, int] = field(default_factory=dict)
    """Local packet ends named, by evidence: socket, snapshot, listener, procfs."""
    ends_kernel: int = 0
    """Local ends that no process owns by nature: ARP, RST from a closed port, ICMP the kernel answers."""
    ends_unknown: int = 0
    """Local ends of sockets whose process was not learnt in time."""
    late_packets: int = 0
    """Packets that came out of the kernel so late that later ones were already written; they are in the file, out of order."""
    released_early: int = 0
    """Packets written before their hold-back ended because more than the memory limit was waiting."""
    interfaces: tuple[InterfaceStatistics, ...] = ()
    """Per interface, in the file's order."""
    tracer: str = "none"
    """Which tracer ran."""
    notes: tuple[str, ...] = ()
    """What the tracer had to leave out and why, interfaces that went away; one line each."""

    @property
    def attributed_percent(self) -> float | None:
        """Share of the nameable local ends that were named, 0-100; None when there was none."""
        named = sum(self.ends_by_evidence.values())
        total = named + self.ends_unknown
        return 100.0 * named / total if total else None

"""What a copy carries beside the packets that are kept: the blocks that describe those, and no others (docs/decisions/0014).

Blocks come in one by one. One that describes something waits until a kept packet needs it and is written before that packet, or at once
when it was needed before; so one pass is enough, also for a pipe. Waiting is bounded (held.py), and what was given up is counted.
"""

from __future__ import annotations

import struct
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from pcapdig.dig.carried_journal import CarriedJournal
from pcapdig.dig.carried_names import CarriedNames
from pcapdig.dig.carried_names import written as written_names
from pcapdig.dig.carried_processes import CarriedProcesses
from pcapdig.dig.carried_secrets import CarriedSecrets
from pcapdig.dig.carried_secrets import written as written_secrets
from pcapdig.dig.carried_section import CarriedSection, bare
from pcapdig.dig.held import Held
from pcapdig.dig.hellos import ESP, ZIGBEE_LINKS, Seams, ids_at, ids_in, protocol_of, transport_of
from pcapdig.dig.kept_options import MOST_CACHED, KeptOptions, References, renumbered
from pcapdig.pcapng.blocks import (
    APPLE_PROCESS,
    CUSTOM,
    CUSTOM_NOT_COPIED,
    DECRYPTION_SECRETS,
    ENHANCED_PACKET,
    INTERFACE_DESCRIPTION,
    INTERFACE_STATISTICS,
    JOURNAL_ENTRY,
    NAME_RESOLUTION,
    OBSOLETE_PACKET,
    SECTION_HEADER,
    SIMPLE_PACKET,
)
from pcapdig.pcapng.layout import block
from pcapdig.trace.addresses import addresses_of

if TYPE_CHECKING:
    from pcapdig.trace.columns import Dimensions
    from pcapdig.trace.renumbering import Renumbering

_CUSTOM = (CUSTOM, CUSTOM_NOT_COPIED)
_NUMBER_OF = {ENHANCED_PACKET: "I", OBSOLETE_PACKET: "H"}
"""How wide an interface's number is."""
HEAD_BYTES, _SIMPLE_HEAD = 28, 12
"""Bytes of a block before its packet."""
_TCP = 6


class KeptPacket(NamedTuple):
    """What the trace says of a packet that passes."""

    captured: int
    """Bytes of it that its block has."""
    time_ns: int
    flow: int
    """Row in the trace's flows; -1: none."""
    forward: bool
    writer: int
    """Row in the trace's processes of the one at that end; -1: not known."""
    reader: int
    """The same of the other end."""
    has_evidence: bool
    """pcapdig's own comments name them, so that no block is needed to know them."""
    payload: bytes
    """Behind the transport header."""

    @property
    def processes(self) -> list[int]:
        """Rows in the trace's processes that are at its ends."""
        return [end for end in (self.writer, self.reader) if end >= 0]


_Key: TypeAlias = tuple[bytes, bytes, int, int]
"""A packet's interface as its block has it, its options, and the rows of its writer and reader."""


class _Settled(NamedTuple):
    """How packets with some key go into the copy, which has all that they need, but what their bytes ask for."""

    number: bytes
    options: bytes
    is_unchanged: bool
    link_type: int


class Carrier:
    """Takes the blocks of a capture in order, and gives those that the copy has."""

    def __init__(self, trace: Dimensions, *, at_once: bool = False) -> None:
        """Nothing was taken yet.

        Args:
            trace: the tables that packets point into.
            at_once: sections, interfaces and statistics go out as they come: of a recording under way, which is this machine's own, and
                which is to open at any moment.
        """
        self._trace = trace
        self._at_once = at_once
        self._section = CarriedSection()
        self._options = KeptOptions()
        self._processes = CarriedProcesses()
        self._names = CarriedNames()
        self._secrets = CarriedSecrets()
        self._journal = CarriedJournal()
        self._statistics: Held[int, bytes] = Held()
        self._seams = Seams()
        self._transports = bytearray()
        """By flow: its transport where packets of it were kept, else 0."""
        self._settled: dict[_Key, _Settled] = {}
        self._left_out: Counter[str] = Counter()
        self._out_order = ""
        """Byte order of the section that the copy is in; "" before the first."""
        self._link_types: list[int] = []

    # -- blocks ------------------------------------------------------------------------------------------------------

    def describe(self, kind: int, whole: bytes) -> bytes:
        """Take a block that holds no packet; what goes into the copy at once."""
        order = self._section.order
        body = whole[8:-4]
        if kind == SECTION_HEADER:
            return self._begin_section(whole)
        if kind == INTERFACE_DESCRIPTION:
            self._section.add_interface(body)
            self._link_types.append(self._section.link_type(-1))
            return self._section.passed(whole) if self._at_once else b""
        if kind == INTERFACE_STATISTICS:
            return whole if self._at_once else self._statistics_of(whole)
        if kind == NAME_RESOLUTION:
            return written_names(self._names.add(body, order), self._out_order)
        if kind == DECRYPTION_SECRETS:
            return written_secrets(self._secrets.add(body, order), self._out_order)
        if kind == JOURNAL_ENTRY:
            return self._journal.add(body, whole)
        found = self._processes.add(kind, body, whole, order) if kind == APPLE_PROCESS or kind in _CUSTOM else None
        self._settled.clear()  # a process id may mean another block now
        if found is None:
            self._left_out["custom block" if kind in _CUSTOM else "block of another kind"] += 1
            return b""
        return found

    def packet(self, kind: int, whole: bytes, packet: KeptPacket) -> bytes:
        """Take a packet that passes and its block: it goes into the copy behind all that it needs and the copy does not have yet."""
        at = HEAD_BYTES + packet.captured + -packet.captured % 4
        key = (whole[8:12], whole[at:-4], packet.writer, packet.reader)
        settled = self._settled.get(key) if kind == ENHANCED_PACKET else None
        transport = self._transport(packet.flow)
        if settled is None or not transport:
            return self._first_of_its_kind(kind, whole, packet, key)
        secrets = self._secrets_of(
            packet, whole[HEAD_BYTES : HEAD_BYTES + packet.captured], transport, settled.link_type
        )
        if settled.is_unchanged:
            return secrets + whole if secrets else whole
        return secrets + block(kind, settled.number + whole[12:at] + settled.options, self._section.order)

    def passes_plainly(self, key: _Key, flow: int, *, forward: bool) -> bool:
        """Does an enhanced packet block go into the copy as it is, and nothing before it?

        Args:
            key: of the packet.
            flow: its row in the trace's flows; -1: none.
            forward: KeptPacket.forward.

        Its bytes must be plain, as plain_packets.py sees them.
        """
        settled = self._settled.get(key)
        if settled is None or not settled.is_unchanged or settled.link_type in ZIGBEE_LINKS:
            return False
        return self._transport(flow) not in (0, ESP) and (flow, forward) not in self._seams

    def _first_of_its_kind(self, kind: int, whole: bytes, packet: KeptPacket, key: _Key) -> bytes:
        """A packet that may need what the copy does not have: of a new flow, with options not seen before, without a flow."""
        section, order = self._section, self._section.order
        is_simple = kind == SIMPLE_PACKET
        interface = 0 if is_simple else struct.unpack_from(f"{order}{_NUMBER_OF[kind]}", whole, 8)[0]
        at = _SIMPLE_HEAD if is_simple else HEAD_BYTES
        data = whole[at : at + packet.captured]
        parts = []
        # A simple packet is always of its section's first interface.
        if not section.is_written or (is_simple and section.has_interfaces and section.number_of(0) != 0):
            parts.append(self._header())
        number = section.number_of(interface)
        link_type = section.link_type(interface)
        addresses, transport = self._ends(packet, data, link_type)
        if number is None:
            parts.append(section.description(interface, addresses))
            number = section.number_of(interface)
            parts += [self._renumbered(one, number) for one in self._statistics.take(interface)]
        options = b"" if is_simple else key[1]
        references = self._options.read(options, order)
        numbers = self._process_blocks(packet, references, parts)
        parts.append(written_names(self._names.needed(addresses), order))
        parts.append(self._secrets_of(packet, data, transport, link_type))
        parts.append(self._journal_of(packet, references))
        field = b"" if is_simple else struct.pack(f"{order}{_NUMBER_OF[kind]}", number)
        changed = options
        if any(index != to for index, to in numbers.items()):
            changed = renumbered(options, order, numbers)
        if kind == ENHANCED_PACKET and not self._depends_on_time(packet, references, numbers):
            self._remember(key, _Settled(field, changed, field == key[0] and changed is options, link_type))
        if field == whole[8 : 8 + len(field)] and changed is options:
            return b"".join([*parts, whole])
        body = field + whole[8 + len(field) : len(whole) - 4 - len(options)] + changed
        return b"".join([*parts, block(kind, body, order)])

    def begin_again(self) -> None:
        """The copy and the capture have lost all process blocks so far, as when somebody cut the file of a recording."""
        self._left_out["process block"] += self._processes.begin_section()
        self._settled.clear()

    def renumber(self, renumbering: Renumbering) -> None:
        """Rows of the trace's flow table go, the others get new numbers."""
        self._transports = bytearray(renumbering.column(np.frombuffer(bytes(self._transports), np.uint8)))
        self._seams.renumber(renumbering)

    def finish(self) -> bytes:
        """The capture has ended: what a copy without packets needs to be opened; b"" for any other."""
        self._end_section()
        self._left_out["name"] += len(self._names.held) + self._names.left_out
        self._left_out["line of secrets"] += len(self._secrets.lines) + self._secrets.left_out
        self._left_out["block of secrets"] += len(self._secrets.whole)
        self._left_out["comment or option of a section or interface"] += self._section.options_left_out
        if self._out_order or self._at_once:
            return b""
        return bare(self._link_types[0] if self._link_types else 1)

    @property
    def left_out(self) -> dict[str, int]:
        """After `finish`: how many blocks, and parts of blocks, are in no copy, by what one of them is called."""
        return {kind: count for kind, count in self._left_out.items() if count}

    @property
    def notes(self) -> list[str]:
        """After `finish`: what a reader of the copy should know, a line each."""
        said = [
            f"secrets of {protocol} do not say which connection they are of: all of the capture are kept"
            for protocol in sorted(self._secrets.untied)
        ]
        given_up = (
            (self._processes.evicted, "process blocks"),
            (self._names.held.evicted, "names"),
            (self._secrets.lines.evicted + self._secrets.whole.evicted, "secrets"),
            (self._journal.held.evicted, "journal entries"),
            (self._statistics.evicted, "statistics"),
        )
        said += [
            f"{count} {what} were given up before a packet could need them: more were waiting than memory is for"
            for count, what in given_up
            if count
        ]
        return said

    # -- sections and interfaces -------------------------------------------------------------------------------------

    def _begin_section(self, whole: bytes) -> bytes:
        self._end_section()
        self._settled.clear()
        self._section.begin(whole)
        if not self._at_once:
            return b""
        self._out_order = self._section.order
        self._section.is_written = True
        return whole

    def _end_section(self) -> None:
        """Count what of the section at hand is in no copy."""
        if self._section.has_begun and not self._section.is_written:
            self._left_out["section"] += 1
        if not self._at_once:
            self._left_out["interface"] += self._section.unused
        self._left_out["process block"] += self._processes.begin_section()
        self._left_out["journal entry"] += self._journal.begin_section() + self._journal.left_out
        self._journal.left_out = 0
        self._left_out["statistics block"] += self._statistics.clear()

    def _header(self) -> bytes:
        self._processes.begin_output()
        self._settled.clear()
        self._out_order = self._section.order
        return self._section.header()

    def _statistics_of(self, whole: bytes) -> bytes:
        (interface,) = struct.unpack_from(f"{self._section.order}I", whole, 8)
        number = self._section.number_of(interface)
        if number is None:
            self._statistics.add(interface, whole, len(whole))
            return b""
        return self._renumbered(whole, number)

    def _renumbered(self, whole: bytes, number: int | None) -> bytes:
        return whole[:8] + struct.pack(f"{self._section.order}I", number) + whole[12:]

    # -- what a packet needs -----------------------------------------------------------------------------------------

    def _ends(self, packet: KeptPacket, data: bytes, link_type: int) -> tuple[list[bytes], int]:
        """The addresses of a packet and of its flow, and its transport."""
        flows, flow = self._trace.flows, packet.flow
        found, protocol = addresses_of(data, link_type)
        if flow < 0:
            return found, protocol
        found += [flows.client[flow].tobytes(), flows.server[flow].tobytes()]
        ports = int(flows.client_port[flow]), int(flows.server_port[flow])
        transport = transport_of(int(flows.protocol[flow]), ports)
        if flow >= len(self._transports):
            self._transports += bytes(max(flow + 1 - len(self._transports), len(self._transports)))
        self._transports[flow] = transport
        return found, transport

    def _transport(self, flow: int) -> int:
        """IPPROTO number of a flow of which packets were kept; 0 for another."""
        return self._transports[flow] if 0 <= flow < len(self._transports) else 0

    def _depends_on_time(self, packet: KeptPacket, references: References, numbers: dict[int, int | None]) -> bool:
        """What a process id means may change with the packet's time; beside a number it is for Wireshark's entries alone."""
        if not references.pids and (packet.has_evidence or not packet.processes):
            return False
        return self._processes.has_entries or not any(number is not None for number in numbers.values())

    def _remember(self, key: _Key, settled: _Settled) -> None:
        if len(self._settled) >= MOST_CACHED:
            self._settled.clear()
        self._settled[key] = settled

    def _process_blocks(self, packet: KeptPacket, references: References, parts: list[bytes]) -> dict[int, int | None]:
        """Put the process blocks of a packet into `parts`; number of an Apple block in the file -> in the copy."""
        numbers: dict[int, int | None] = {}
        for index in references.indexes:
            numbers[index], described = self._processes.number_of(index)
            parts.append(described)
        pids = dict.fromkeys(references.pids)
        if not packet.has_evidence:
            known = self._trace.processes
            pids |= dict.fromkeys(pid for row in packet.processes if (pid := known[row].pid))
        has_apple = any(number is not None for number in numbers.values())
        parts += [self._processes.of_pid(pid, packet.time_ns, wireshark_only=has_apple) for pid in pids]
        return numbers

    def _secrets_of(self, packet: KeptPacket, data: bytes, transport: int, link_type: int) -> bytes:
        ids = ids_in(data) + ids_at(packet.payload)
        if transport == _TCP and packet.payload:
            seam = self._seams.joined((packet.flow, packet.forward), packet.payload)
            if seam:
                ids += ids_in(seam)
        opened = protocol_of(packet.payload, transport, link_type)
        return written_secrets(self._secrets.needed(ids, opened), self._out_order) if ids or opened else b""

    def _journal_of(self, packet: KeptPacket, references: References) -> bytes:
        ends = [self._trace.processes[row] for row in packet.processes]
        named = [
            (process.pid, None if process.name is None else process.name.encode())
            for process in ends
            if process.pid is not None
        ]
        bare = set(references.pids) - {pid for pid, _ in named}
        named += [(pid, None) for pid in sorted(bare)]
        return b"".join(self._journal.needed(pid, name) for pid, name in named)

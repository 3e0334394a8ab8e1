"""What is right: what became of each connection, as far as the taps together saw it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from traffic.connection import Connection
from traffic.dialogues import Spoken
from traffic.frames import FIN, RST, SYN
from traffic.world import Passage

STRANGERS = frozenset({"forged", "wrong ack", "other syn+ack", "late", "answer to a wrong ack"})
"""Labels of what the receiver refused. It counts as a packet, and as out of window."""


@dataclass(slots=True, kw_only=True)
class Row:
    """A connection as `conns` shows it. None: not claimed."""

    name: str
    state: str | None = None
    client_bytes: int | None = None
    server_bytes: int | None = None
    client_packets: int | None = None
    server_packets: int | None = None
    retransmits: int | None = None
    out_of_window: int | None = None


@dataclass(slots=True, kw_only=True)
class Answers:
    """The right answers of one capture."""

    rows: list[Row] = field(default_factory=list)
    logs: dict[str, Counter[tuple[object, ...]]] = field(default_factory=dict)
    """By protocol: lines of its log, `fd.name` first."""
    are_logs_whole: bool = True
    """False: other lines may be there too."""
    are_lines_lost: bool = False
    """Packets are missing, so lines may be; but no line pairs what does not belong together."""
    messages: list[tuple[str, tuple[tuple[bool, bytes], ...]]] | None = None
    """A connection each: name, and what was said in turn: whether by the client, and the bytes. None: not claimed."""
    is_strict: bool = True
    """No other rows than these. False: half-open ones without a byte may be there too."""
    packets: int | None = None
    """Of all rows together; None: not claimed."""
    out_of_window: int | None = None
    """Of all rows together. A late segment may be in the row of its own connection or of the one that it came into."""
    copies: int = 1
    """Events that each message is: 2 where both ends are local."""
    filters: dict[str, int] = field(default_factory=dict)
    """Payload bytes of all connections that pass a filter, `topconns`."""
    ports: dict[int, int] | None = None
    """Payload bytes by server port, `topports_server`."""


def name_of(connection: Connection) -> str:
    """`client:port->server:port`."""
    return f"{connection.plan.client}->{connection.plan.server}"


def is_genuine(passage: Passage) -> bool:
    """Sent by an end of its connection."""
    return passage.label not in STRANGERS


def seen_bytes(seen: list[Passage], from_client: bool) -> int:
    """Payload bytes of one end's stream that were seen, each once."""
    spans = sorted(
        (passage.offset, passage.offset + len(passage.segment.data))
        for passage in seen
        if passage.segment is not None
        and passage.from_client is from_client
        and passage.label in ("", "doubled")
        and passage.segment.data
    )
    total, until = 0, 0
    for start, stop in spans:
        total += max(0, stop - max(start, until))
        until = max(until, stop)
    return total


def state_of(seen: list[Passage]) -> str:
    """Zeek's word (its documentation of base/protocols/conn), from what the ends sent, in the order of sending."""
    own = [passage for passage in seen if is_genuine(passage) and passage.segment is not None]
    own.sort(key=lambda passage: passage.sent_ns)
    spoke = [any(passage.from_client is side for passage in own) for side in (True, False)]
    has_syn, has_synack, fins, resets = False, False, dict[bool, int](), dict[bool, int]()
    for i, passage in enumerate(own):
        flags = passage.segment.flags if passage.segment else 0
        if flags & SYN and passage.from_client:
            has_syn = True
        if flags & SYN and not passage.from_client:
            has_synack = True
        if flags & FIN:
            fins.setdefault(passage.from_client, i)
        if flags & RST:
            resets.setdefault(passage.from_client, i)
    if len(fins) == 2 and max(fins.values()) < min(resets.values(), default=len(own)):
        return "SF"
    if resets:
        if min(resets, key=lambda side: resets[side]):
            return "RSTO" if spoke[1] else "RSTOS0"
        return "REJ" if has_syn and not has_synack else "RSTR" if spoke[0] else "RSTRH"
    if True in fins:
        return "S2" if spoke[1] else "SH"
    if False in fins:
        return "S3" if spoke[0] else "SHR"
    if has_syn:
        return "S1" if has_synack else "OTH" if spoke[1] else "S0"
    return "OTH"


def retransmits(seen: list[Passage]) -> int:
    """Segments with bytes, a SYN or a FIN that were seen before. `seen` in the order of one tap."""
    total = 0
    for side in (True, False):
        known: set[int] = set()
        syns = fins = 0
        for passage in seen:
            segment = passage.segment
            if segment is None or passage.from_client is not side or passage.label not in ("", "doubled"):
                continue
            span = range(passage.offset, passage.offset + len(segment.data))
            syns += bool(segment.flags & SYN)
            fins += bool(segment.flags & FIN) and not segment.data
            total += any(place in known for place in span)
            known.update(span)
        total += max(0, syns - 1) + max(0, fins - 1)
    return total


def _is_order_unsaid(seen: list[Passage]) -> bool:
    """Resets of both ends, or a reset beside FINs of both: which came first only clocks say."""
    own = [passage for passage in seen if is_genuine(passage) and passage.segment is not None]
    resets = {passage.from_client for passage in own if passage.segment and passage.segment.flags & RST}
    fins = {passage.from_client for passage in own if passage.segment and passage.segment.flags & FIN}
    return len(resets) == 2 or bool(resets and len(fins) == 2)


def row_of(connection: Connection, seen: list[Passage], *, is_single_tap: bool) -> Row:
    """The row of a connection of which these passages were seen; packets and what was sent again are claimed for one tap alone."""
    mine = [passage for passage in seen if passage.connection is connection]
    unique = list({id(passage): passage for passage in mine}.values())
    row = Row(
        name=name_of(connection),
        state=None if _is_order_unsaid(unique) and not is_single_tap else state_of(unique),
        client_bytes=seen_bytes(unique, True),
        server_bytes=seen_bytes(unique, False),
    )
    if is_single_tap:
        row.client_packets = sum(passage.from_client for passage in mine)
        row.server_packets = len(mine) - row.client_packets
        row.retransmits = retransmits(mine)
    row.out_of_window = sum(not is_genuine(passage) for passage in unique)
    return row


def take_together(answers: Answers) -> None:
    """Claim packets and what was out of window for all rows together, no more for each."""
    answers.packets = sum((row.client_packets or 0) + (row.server_packets or 0) for row in answers.rows)
    answers.out_of_window = sum(row.out_of_window or 0 for row in answers.rows)
    for row in answers.rows:
        row.client_packets = row.server_packets = row.retransmits = row.out_of_window = None


def turns_of(spoken: Spoken) -> tuple[tuple[bool, bytes], ...]:
    """What was said in turn, when each waited for the other."""
    turns: list[tuple[bool, bytes]] = []
    for exchange in spoken.exchanges:
        for from_client, data in ((True, exchange.request), (False, exchange.answer)):
            if data and turns and turns[-1][0] is from_client:
                turns[-1] = (from_client, turns[-1][1] + data)
            elif data:
                turns.append((from_client, data))
    return tuple(turns)


def lines_of(spoken: Spoken, name: str) -> Counter[tuple[object, ...]]:
    """The lines of a conversation's log, with the connection's name first."""
    return Counter((name, *line) for line in spoken.lines)

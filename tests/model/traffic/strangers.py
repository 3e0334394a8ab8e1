"""Segments that no receiver accepts: late ones of an older connection, forged ones, second SYN+ACKs.

Each is far from the window (more than any window is long), or wrong in a way that RFC 9293 section 3.10.7 or RFC 5961 refuses wherever it
is. The ends of the model judge them like any other segment, so a test can see that nothing changed.
"""

from __future__ import annotations

from random import Random

from traffic.connection import Connection
from traffic.endpoint import signed
from traffic.frames import ACK, FIN, PSH, RST, SYN, Segment
from traffic.world import Passage

FAR = 1 << 27
"""Sequence numbers between a stranger's segment and the window, at least: more than any buffer of the model."""


def far_from(random: Random, number: int) -> int:
    """A sequence number far from another, before or behind it."""
    return (number + random.choice([1, -1]) * random.randint(FAR, (1 << 31) - FAR)) & 0xFFFFFFFF


def blind(connection: Connection, random: Random, flags: int, data: bytes = b"") -> Passage:
    """A segment of someone who does not see the connection and guesses its numbers."""
    from_client = random.random() < 0.5
    sender = connection.client if from_client else connection.server
    peer = connection.server if from_client else connection.client
    segment = Segment(
        source=sender.here,
        target=sender.there,
        seq=far_from(random, sender.isn + sender.out.nxt),
        ack=far_from(random, peer.isn + peer.out.nxt) if flags & ACK else 0,
        flags=flags,
        data=data,
    )
    return connection.inject(segment, from_client, "forged")


def blind_reset(connection: Connection, random: Random) -> Passage:
    """RST far from the window (RFC 5961 section 3.2), with text now and then (RFC 9293 section 3.5.3)."""
    return blind(connection, random, random.choice([RST, RST | ACK]), b"go away" if random.random() < 0.2 else b"")


def blind_fin(connection: Connection, random: Random) -> Passage:
    """FIN far from the window."""
    return blind(connection, random, FIN | ACK)


def blind_data(connection: Connection, random: Random) -> Passage:
    """Data far from the window."""
    return blind(connection, random, PSH | ACK, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")


def wrong_ack(connection: Connection, random: Random) -> Passage:
    """Data at the right place that acknowledges what was never sent (RFC 5961 section 5.2)."""
    from_client = random.random() < 0.5
    sender = connection.client if from_client else connection.server
    peer = connection.server if from_client else connection.client
    segment = Segment(
        source=sender.here,
        target=sender.there,
        seq=(sender.isn + sender.out.nxt) & 0xFFFFFFFF,
        ack=far_from(random, peer.isn + peer.out.nxt),
        flags=PSH | ACK,
        data=b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    )
    return connection.inject(segment, from_client, "wrong ack")


def stray_ack(connection: Connection, random: Random) -> Passage:
    """An ACK without data: far from the window, or at the right place for what was never sent."""
    if random.random() < 0.5:
        return blind(connection, random, ACK)
    client, server = connection.client, connection.server
    segment = Segment(
        source=client.here,
        target=client.there,
        seq=(client.isn + client.out.nxt) & 0xFFFFFFFF,
        ack=far_from(random, server.isn + server.out.nxt),
        flags=ACK,
    )
    return connection.inject(segment, True, "wrong ack")


FORGERIES = (blind_reset, blind_fin, blind_data)


def other_synack(connection: Connection, random: Random, *, reached: float = 1.0) -> Passage:
    """Another answer to the SYN, with another number: a middlebox, a SYN cookie, a server that began anew."""
    client = connection.client
    segment = Segment(
        source=client.there,
        target=client.here,
        seq=far_from(random, connection.server.isn),
        ack=(client.isn + 1) & 0xFFFFFFFF,
        flags=SYN | ACK,
    )
    return connection.inject(segment, False, "other syn+ack", reached=reached)


def late_ones(old: Connection, new: Connection, random: Random, most: int) -> list[tuple[Segment, bool]]:
    """Segments of an old connection that come again in a new one, all far from its windows; SYNs are no such segments."""
    found = []
    ends = {True: new.client, False: new.server}
    for passage in old.passages:
        segment = passage.segment
        if segment is None or segment.flags & SYN or passage.label not in ("", "doubled"):
            continue
        sender, peer = ends[passage.from_client], ends[not passage.from_client]
        is_far = abs(signed(segment.seq - sender.isn)) >= FAR and abs(signed(segment.ack - peer.isn)) >= FAR
        if is_far:
            found.append((segment, passage.from_client))
    return random.sample(found, min(most, len(found)))

"""What became of connections, many at once: their states, what was sent again, round trips, who was at their ends.

In: `Connections` and rows of flows. Out: a value a flow. Callers: conns, netstat. A million connections are shown in seconds only
because nothing here looks at them one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pcapdig.chisels.connections import CLIENT, NEVER, SERVER, TCP, UDP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pcapdig.chisels.connections import Connections

STATES = ("OTH", "SF", "S0", "SHR", "REJ", "RSTR", "RSTRH", "RSTO", "RSTOS0", "S2", "SH", "S3", "S1")
"""Zeek's words for what became of a connection (conn_state of conn.log, Zeek's documentation of base/protocols/conn)."""
OTH, SF, S0, SHR, REJ, RSTR, RSTRH, RSTO, RSTOS0, S2, SH, S3, S1 = range(len(STATES))


def states(found: Connections, flows: NDArray[np.intp], protocols: NDArray[np.uint8]) -> NDArray[np.int8]:
    """The index in STATES of each flow. `protocols`: their IPPROTO numbers."""
    client_spoke, server_spoke = (found.packets[flows] > found.outside[flows]).T
    is_opened, is_answered = (found.syns[flows] > 0).T
    fins, resets = found.fin_ns[flows], found.rst_ns[flows]
    last_fin, first_reset = fins.max(axis=1), resets.min(axis=1)
    by_server = resets[:, SERVER] <= resets[:, CLIENT]
    after_reset = np.where(
        by_server,
        np.where(is_opened & ~is_answered, REJ, np.where(client_spoke, RSTR, RSTRH)),
        np.where(server_spoke, RSTO, RSTOS0),
    )
    rules = (
        (protocols == UDP, np.where(client_spoke, np.where(server_spoke, SF, S0), SHR)),
        (protocols != TCP, OTH),
        ((last_fin != NEVER) & (last_fin <= first_reset), SF),
        (first_reset != NEVER, after_reset),
        (fins[:, CLIENT] != NEVER, np.where(server_spoke, S2, SH)),
        (fins[:, SERVER] != NEVER, np.where(client_spoke, S3, SHR)),
        (is_opened, np.where(is_answered, S1, np.where(server_spoke, OTH, S0))),
    )
    chosen: NDArray[np.int8] = np.select([rule for rule, _ in rules], [state for _, state in rules], OTH).astype(
        np.int8
    )
    return chosen


def retransmits(found: Connections, flows: NDArray[np.intp]) -> NDArray[np.int64]:
    """TCP packets that each end sent again, (n, 2): see Connections.retransmits."""
    again: list[NDArray[np.int64]] = [
        np.maximum(counts[flows].astype(np.int64) - 1, 0) for counts in (found.syns, found.fins_alone)
    ]
    return again[0] + again[1] + found.repeats[flows].astype(np.int64)


def round_trips_ns(found: Connections, flows: NDArray[np.intp]) -> NDArray[np.int64]:
    """The round trip of each handshake, -1 where it was not seen whole: see Connections.round_trip_ns."""
    syn_ns, ack_ns = found.syn_ns[flows], found.ack_ns[flows, CLIENT]
    is_whole = (found.syns[flows] == 1).all(axis=1) & (ack_ns != NEVER)
    is_whole &= (syn_ns[:, CLIENT] <= syn_ns[:, SERVER]) & (syn_ns[:, SERVER] <= ack_ns)
    trips: NDArray[np.int64] = np.where(is_whole, ack_ns - np.where(is_whole, syn_ns[:, CLIENT], 0), -1)
    return trips


def closed(found: Connections, flows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether both ends of a TCP connection had sent FIN, or one RST."""
    over: NDArray[np.bool_] = np.minimum(found.fin_ns[flows].max(axis=1), found.rst_ns[flows].min(axis=1)) != NEVER
    return over


def ordered_by_ends(ends: NDArray[np.void]) -> NDArray[np.intp]:
    """The order of flow records by protocol, server and client, as addresses and ports are ordered as numbers."""
    keys: list[NDArray[np.generic]] = []
    for side in ("client", "server"):
        address = np.ascontiguousarray(ends[side]).view(">u8").astype(np.uint64)
        keys += [ends[f"{side}_port"], address[:, 1], address[:, 0]]
    return np.lexsort((*keys, ends["protocol"]))

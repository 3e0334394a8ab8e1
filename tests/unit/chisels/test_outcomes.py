"""What became of many connections at once, compared with the rules written down for one."""

from __future__ import annotations

import ipaddress
import random

import numpy as np
import pytest

from pcapdig.chisels.connections import CLIENT, NEVER, SERVER, TCP, UDP, Connections
from pcapdig.chisels.netstat import STATES as END_STATES
from pcapdig.chisels.netstat import _end_states
from pcapdig.chisels.outcomes import STATES, closed, ordered_by_ends, retransmits, round_trips_ns, states
from pcapdig.trace.flows import FlowRecord, Flows

COUNT = 4000


@pytest.fixture(scope="module")
def found() -> Connections:
    """Connections of all kinds: each column holds one of a few values, so that all rules meet."""
    chosen, made = np.random.default_rng(7), Connections()
    made._grow(COUNT)
    for name in ("syn_ns", "ack_ns", "fin_ns", "rst_ns"):
        getattr(made, name)[:COUNT] = chosen.choice([10, 20, 30, NEVER, NEVER], (COUNT, 2))
    for name in ("packets", "syns", "fins_alone", "repeats"):
        getattr(made, name)[:COUNT] = chosen.choice([0, 1, 1, 2], (COUNT, 2))
    return made


def state_of(found: Connections, flow: int, protocol: int) -> str:
    """The same rules for one connection, one after the other."""
    client_spoke, server_spoke = (found.packets[flow] > 0).tolist()
    if protocol == UDP:
        return {True: "SF" if server_spoke else "S0", False: "SHR"}[client_spoke]
    if protocol != TCP:
        return "OTH"
    fins, resets = found.fin_ns[flow], found.rst_ns[flow]
    is_opened, is_answered = (found.syns[flow] > 0).tolist()
    if fins.max() != NEVER and fins.max() <= resets.min():
        return "SF"
    if resets.min() != NEVER:
        if resets[SERVER] <= resets[CLIENT]:
            return "REJ" if is_opened and not is_answered else "RSTR" if client_spoke else "RSTRH"
        return "RSTO" if server_spoke else "RSTOS0"
    if fins[CLIENT] != NEVER:
        return "S2" if server_spoke else "SH"
    if fins[SERVER] != NEVER:
        return "S3" if client_spoke else "SHR"
    if is_opened:
        return "S1" if is_answered else "OTH" if server_spoke else "S0"
    return "OTH"


def end_state(found: Connections, flow: int, end: int) -> str:
    """The state of one end, one rule after the other."""
    own, other = int(found.fin_ns[flow, end]), int(found.fin_ns[flow, 1 - end])
    if own != NEVER:
        return "FIN_WAIT"
    if other != NEVER:
        return "CLOSE_WAIT"
    is_opened, is_answered = (found.syns[flow] > 0).tolist()
    is_established = int(found.ack_ns[flow].min()) != NEVER or not (is_opened or is_answered)
    if is_established or (is_answered and end == CLIENT):
        return "ESTABLISHED"
    if end == CLIENT:
        return "SYN_SENT"
    return "SYN_RECV" if is_answered else "-"


@pytest.mark.parametrize("protocol", [TCP, UDP, 1])
def test_states(found: Connections, protocol: int) -> None:
    """Each, and all of them occur."""
    flows = np.arange(COUNT)
    given = [STATES[i] for i in states(found, flows, np.full(COUNT, protocol, np.uint8)).tolist()]
    assert given == [state_of(found, flow, protocol) for flow in range(COUNT)]
    assert {TCP: set(STATES), UDP: {"SF", "S0", "SHR"}, 1: {"OTH"}}[protocol] == set(given)


@pytest.mark.parametrize("end", [CLIENT, SERVER])
def test_states_of_ends(found: Connections, end: int) -> None:
    """netstat's words."""
    given = [END_STATES[i] for i in _end_states(found, np.arange(COUNT), end).tolist()]
    assert given == [end_state(found, flow, end) for flow in range(COUNT)]


def test_the_rest_is_what_connections_say_of_one(found: Connections) -> None:
    """Packets sent again, round trips, and whether it is closed."""
    flows = np.arange(COUNT)
    assert retransmits(found, flows).tolist() == [[found.retransmits(i, end) for end in (0, 1)] for i in range(COUNT)]
    trips = [found.round_trip_ns(i) for i in range(COUNT)]
    assert round_trips_ns(found, flows).tolist() == [-1 if trip is None else trip for trip in trips]
    assert closed(found, flows).tolist() == [found.closed_ns(i) is not None for i in range(COUNT)]


def test_processes_of_many(found: Connections) -> None:
    """Those of one end do not count at the other, nor at the next flow's."""
    assert found.processes_of(np.arange(2)) == [([], []), ([], [])]
    found._ends = np.array([slot << 32 | process for slot, process in ((0, 3), (1, 4), (1, 9), (5, 1))], np.int64)
    assert found.processes_of(np.arange(3)) == [([3], [4, 9]), ([], []), ([], [1])]


def test_the_order_of_ends() -> None:
    """Protocol, then the server's address and port as numbers, then the client's."""
    chosen = random.Random(3)
    records = [
        FlowRecord(
            client=chosen.choice(["10.0.0.9", "10.0.0.10", "192.0.2.1"]),
            server=chosen.choice(["10.0.0.9", "9.0.0.1", "200.0.0.1"]),
            client_port=chosen.choice([255, 256, 40_000]),
            server_port=chosen.choice([80, 8080, 443]),
            protocol=chosen.choice([6, 17]),
        )
        for _ in range(300)
    ]

    def place(row: int) -> tuple[int, ...]:
        one = records[row]
        server, client = int(ipaddress.ip_address(one.server)), int(ipaddress.ip_address(one.client))
        return one.protocol, server, one.server_port, client, one.client_port

    flows = Flows.from_records(records)
    order = ordered_by_ends(flows.ends(np.arange(300))).tolist()
    assert order == sorted(range(300), key=place)

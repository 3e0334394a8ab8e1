"""The model's ends are TCP: what is said arrives over any network, and strangers change nothing."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from traffic.connection import Connection, Exchange, Plan, Way
from traffic.frames import ACK, FIN, RST, SYN, End, Segment
from traffic.kinds import KINDS, sample
from traffic.sending import Habits
from traffic.strangers import FORGERIES, blind_reset, late_ones, wrong_ack
from traffic.world import MS, World

SEEDS = range(40)
OPENINGS = ("plain", "fast open", "simultaneous")
CLOSINGS = ("client", "server", "both", "half", "client reset", "server reset", "nobody")


def rough_plan(random: Random, opening: str = "plain") -> Plan:
    """A conversation over a bad network, between ends with small and large windows."""
    exchanges = tuple(
        Exchange(random.randbytes(random.randint(1, 3000)), random.randbytes(random.randint(1, 8000)))
        for _ in range(random.randint(1, 4))
    )
    habits = [
        Habits(
            mss=random.choice([536, 1460]),
            capacity=random.choice([2000, 64240, 1 << 20]),
            scale=random.choice([0, 7]),
            read_delay_ns=random.choice([0, 300 * MS]),
            is_fin_with_data=random.random() < 0.5,
        )
        for _ in range(2)
    ]
    return Plan(
        client=End("192.0.2.10", 40000),
        server=End("198.51.100.80", 80),
        exchanges=exchanges,
        depth=random.choice([1, 3]),
        opening=opening,
        closing=random.choice(CLOSINGS),
        isns=(random.getrandbits(32), (-random.randint(1, 5000)) & 0xFFFFFFFF),
        client_habits=habits[0],
        server_habits=habits[1],
        way=Way(lost=random.choice([0, 0.1]), reordered=random.choice([0, 0.1]), doubled=random.choice([0, 0.05])),
    )


def played(plan: Plan, random: Random) -> Connection:
    """The plan, from its SYN to rest."""
    connection = Connection(World(random), plan)
    connection.start()
    connection.world.run()
    return connection


def said(plan: Plan) -> tuple[bytes, bytes]:
    """Both streams as they were meant."""
    return b"".join(each.request for each in plan.exchanges), b"".join(each.answer for each in plan.exchanges)


def heard(connection: Connection) -> tuple[bytes, bytes]:
    """Both streams as they arrived."""
    return bytes(connection.server.received), bytes(connection.client.received)


@pytest.mark.parametrize("opening", OPENINGS)
def test_streams_arrive_whole(opening: str) -> None:
    """Over losses, repetitions, another order and closed windows each end gets what the other wrote (RFC 9293 section 3.8)."""
    for seed in SEEDS:
        random = Random(seed)
        plan = rough_plan(random, opening)
        assert heard(played(plan, random)) == said(plan)


def test_forged_segments_change_nothing() -> None:
    """What is far from the window, or acknowledges what was never sent, is refused wherever it comes (RFC 5961)."""
    refused = 0
    for seed in SEEDS:
        random = Random(seed)
        plan = rough_plan(random)
        connection = Connection(World(random), plan)
        connection.start()
        forgery = random.choice([*FORGERIES, wrong_ack])

        def inject(connection: Connection = connection, forgery=forgery, random: Random = random) -> None:  # type: ignore[no-untyped-def]
            if {connection.client.state.name, connection.server.state.name} == {"ESTABLISHED"}:
                forgery(connection, random)

        connection.world.after(random.randint(15, 60) * MS, inject)
        connection.world.run()
        assert heard(connection) == said(plan)
        refused += len(connection.client.refused) + len(connection.server.refused)
    assert refused > len(SEEDS) // 2


def test_a_reset_must_be_exact() -> None:
    """RFC 5961 section 3.2: an RST in the window is answered by a challenge ACK, one at rcv_nxt ends the connection."""
    random = Random(1)
    plan = replace(rough_plan(random), closing="nobody", way=Way())
    connection = played(plan, random)
    server = connection.server
    where = {"source": plan.client, "target": plan.server, "flags": RST}
    number = (server.irs + server.rcv_nxt) & 0xFFFFFFFF
    server.receive(Segment(seq=(number + 1) & 0xFFFFFFFF, **where))
    assert server.refused[-1] == "RST in window, not exact"
    assert not server.was_reset
    assert connection.passages[-1].label == "challenge ack"
    server.receive(Segment(seq=number, **where))
    assert server.was_reset


def test_a_syn_in_an_open_connection_is_challenged() -> None:
    """RFC 5961 section 4.2: wherever its number lies."""
    random = Random(2)
    plan = replace(rough_plan(random), closing="nobody", way=Way())
    connection = played(plan, random)
    connection.server.receive(Segment(source=plan.client, target=plan.server, seq=12345, flags=SYN))
    assert connection.server.refused[-1] == "SYN"
    assert connection.passages[-1].segment.flags == ACK


def test_late_segments_of_an_old_connection_are_refused() -> None:
    """The ports are the same, the numbers are not (RFC 9293 section 3.4.3)."""
    random = Random(3)
    plan = replace(rough_plan(random), way=Way(), isns=(1000, 2000), closing="client")
    old = played(plan, random)
    new = Connection(old.world, replace(plan, isns=(1 << 30, 3 << 30)))
    new.start()
    late = late_ones(old, new, random, 5)
    assert late
    new.world.run(new.world.now + 20 * MS)
    for segment, from_client in late:
        new.inject(segment, from_client, "late")
    new.world.run()
    assert heard(new) == said(plan)


@pytest.mark.parametrize("closing", CLOSINGS)
def test_closings(closing: str) -> None:
    """A FIN of each side, one RST, or nothing, as the plan says."""
    random = Random(4)
    plan = replace(rough_plan(random), way=Way(), closing=closing)
    connection = played(plan, random)
    fins = {passage.from_client for passage in connection.passages if passage.segment.flags & FIN}
    resets = {passage.from_client for passage in connection.passages if passage.segment.flags & RST}
    expected = {"client reset": (set(), {True}), "server reset": (set(), {False}), "nobody": (set(), set())}
    assert (fins, resets) == expected.get(closing, ({True, False}, set()))


def test_refused_and_unanswered() -> None:
    """A closed port answers RST; nobody answers where nothing arrives, and the SYN is sent again."""
    random = Random(5)
    plan = replace(rough_plan(random), way=Way())
    flags = [passage.segment.flags for passage in played(replace(plan, opening="refused"), random).passages]
    assert flags == [SYN, RST | ACK]
    connection = played(replace(plan, opening="unanswered"), random)
    assert {passage.segment.flags for passage in connection.passages} == {SYN}
    assert len(connection.passages) > 3


def test_a_closed_window_is_probed() -> None:
    """A receiver that does not read closes its window; probes carry nothing new (RFC 9293 section 3.8.6.1)."""
    random = Random(6)
    lazy = Habits(capacity=2000, read_delay_ns=2000 * MS)
    plan = replace(rough_plan(random), way=Way(), server_habits=lazy, exchanges=(Exchange(bytes(9000), b"done"),))
    connection = played(plan, random)
    assert heard(connection) == said(plan)
    assert "window probe" in {passage.label for passage in connection.passages}


def test_a_reset_of_a_stranger_far_off_is_ignored() -> None:
    """No answer, no effect: RFC 5961 section 3.2, the first case."""
    random = Random(7)
    plan = replace(rough_plan(random), closing="nobody", way=Way())
    connection = played(plan, random)
    before = len(connection.passages)
    blind_reset(connection, random)
    connection.world.run()
    assert len(connection.passages) == before + 1
    assert not connection.client.was_reset and not connection.server.was_reset


def test_a_seed_makes_the_same_sample() -> None:
    """A finding can be made again."""
    for kind, members in KINDS.items():
        for member in members:
            assert sample(kind, member, 1).files == sample(kind, member, 1).files
            assert sample(kind, member, 1).files != sample(kind, member, 2).files

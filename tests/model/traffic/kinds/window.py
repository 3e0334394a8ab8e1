"""Kind B: what a receiver would not accept changes nothing, and is counted."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from traffic.connection import Connection, Way
from traffic.endpoint import State
from traffic.frames import FIN, RST, SYN, Segment
from traffic.kinds.drawing import Sample, Scene, isn, plan, rough, speak, speak_at
from traffic.strangers import FORGERIES, far_from, late_ones, other_synack, stray_ack, wrong_ack
from traffic.taps import Tap
from traffic.truth import take_together
from traffic.world import MS


def _moments(random: Random, times: int) -> list[int]:
    """Moments within a connection's life: how long each is after now."""
    return sorted(random.randint(0, 60 * MS) for _ in range(times))


def _lives(connection: Connection) -> bool:
    """Both ends are open and know each other's numbers."""
    return all(end.state is State.ESTABLISHED for end in (connection.client, connection.server))


def forged(random: Random) -> Sample:
    """Blind resets, FINs and data of someone who guesses."""
    scene = Scene(random)
    spoken = speak(random, "f", most=6)
    connection = scene.connect(plan(random, spoken), spoken)
    for delay in _moments(random, random.randint(1, 4)):
        forgery = random.choice(FORGERIES)
        scene.world.after(delay, lambda forgery=forgery: _lives(connection) and forgery(connection, random))
    scene.world.run()
    return scene.sample([Tap(place=random.choice([0, 0.5, 1]))])


def forged_ack(random: Random) -> Sample:
    """Data at the right place that acknowledges what was never sent."""
    scene = Scene(random)
    spoken = speak(random, "w", most=6)
    connection = scene.connect(plan(random, spoken), spoken)
    for delay in _moments(random, random.randint(1, 2)):
        scene.world.after(delay, lambda: _lives(connection) and wrong_ack(connection, random))
    scene.world.run()
    return scene.sample([Tap(place=random.choice([0, 0.5, 1]))])


def forged_syn(random: Random) -> Sample:
    """A blind SYN in an open connection: answered by a challenge ACK (RFC 5961 section 4). It may have a row of its own."""
    scene = Scene(random)
    spoken = speak(random, "s", most=6)
    connection = scene.connect(plan(random, spoken), spoken)

    def inject() -> None:
        if _lives(connection):
            client = connection.client
            number = far_from(random, client.isn)
            connection.inject(Segment(source=client.here, target=client.there, seq=number, flags=SYN), True, "forged")

    scene.world.after(random.randint(0, 60 * MS), inject)
    scene.world.run()
    found = scene.sample([Tap(place=random.choice([0, 0.5, 1]))], is_strict=False)
    for row in found.answers.rows:
        row.client_packets = row.server_packets = row.out_of_window = None
    return found


def second_synack(random: Random) -> Sample:
    """Another SYN+ACK, before the right one (and then lost behind the tap) or after it, and again later."""
    scene = Scene(random)
    spoken = speak(random, "y", most=4)
    connection = scene.connect(plan(random, spoken), spoken)
    delay = connection.plan.way.delay_ns
    if random.random() < 0.5:
        scene.world.after(delay // 2, lambda: other_synack(connection, random, reached=0.6))
    for _ in range(random.randint(0, 2)):
        scene.world.after(2 * delay + random.randint(1, 50 * MS), lambda: other_synack(connection, random))
    scene.world.run()
    return scene.sample([Tap(place=random.choice([0.5, 1]))])


def old_incarnation(random: Random) -> Sample:
    """The ports are used again, and segments of before come late: data, FINs, ACKs, resets."""
    scene = Scene(random)
    spoken = speak(random, "o")
    first = plan(random, spoken)
    old = scene.connect(replace(first, closing=random.choice(["client", "server", "both"])), spoken)
    scene.world.run()
    for i in range(random.choice([1, 1, 2])):
        scene.world.run(scene.world.now + random.choice([10_000, MS, 70_000 * MS]))
        said = speak_at(random, f"n{i}", first.server.port)
        numbers = (isn(random), isn(random))
        pair = (first.client, first.server)
        closing = random.choice(["client", "server", "both", "nobody"])
        new = scene.connect(replace(plan(random, said, pair), isns=numbers, closing=closing), said)
        for segment, from_client in late_ones(old, new, random, random.randint(1, 4)):
            at = random.choice([random.randint(0, 3 * new.plan.way.delay_ns), random.randint(0, 60 * MS)])
            scene.world.after(at, lambda s=segment, f=from_client, n=new: _lives_or_opens(n) and n.inject(s, f, "late"))
        scene.world.run()
        old = new
    found = scene.sample([Tap(place=random.choice([0, 0.5, 1]))])
    take_together(found.answers)
    return found


def _lives_or_opens(connection: Connection) -> bool:
    """The server has seen the SYN, and neither end is gone."""
    return connection.client.state is not State.CLOSED and connection.server.state in (
        State.SYN_RECEIVED,
        State.ESTABLISHED,
    )


def probes(random: Random) -> Sample:
    """Keep-alives with and without a byte of garbage, closed windows, big windows, and repetitions: all of it is in order."""
    scene = Scene(random)
    spoken = speak(random, "k", most=4)
    smooth = plan(random, spoken)
    own = replace(
        smooth.client_habits,
        keep_alive_ns=random.choice([0, 30 * MS]),
        keep_alive_bytes=random.choice([0, 1]),
        capacity=random.choice([2000, 64240, 1 << 24]),
        scale=random.choice([0, 9]),
        read_delay_ns=random.choice([0, 500 * MS]),
    )
    other = replace(own, keep_alive_ns=random.choice([0, 40 * MS]))
    talk = replace(smooth, client_habits=own, server_habits=other, think_ns=random.choice([0, 100 * MS]))
    scene.connect(rough(random, talk), spoken)
    scene.world.run()
    return scene.sample([Tap(place=random.choice([0, 0.5, 1]))])


def openings(random: Random) -> Sample:
    """Every way to open: with data in the SYN, both at once, refused, not answered; over a network that loses."""
    scene = Scene(random)
    spoken = speak(random, "h", most=3)
    opening = random.choice(["plain", "fast open", "simultaneous", "refused", "unanswered"])
    chosen = plan(random, spoken)
    if opening != "simultaneous":  # there the first SYN says who the client is, so it may not be lost
        chosen = rough(random, chosen)
    scene.connect(replace(chosen, opening=opening), spoken)
    scene.world.run()
    found = scene.sample([Tap(place=random.choice([0, 0.5]))])
    if opening in ("refused", "unanswered"):
        found.answers.logs.clear()
        found.answers.messages = None
    return found


def reset_in_window(random: Random) -> Sample:
    """An RST in the window but not at its edge is answered by a challenge ACK, and the connection goes on (RFC 5961 section 3.2)."""
    scene = Scene(random)
    spoken = speak(random, "x", most=6)
    connection = scene.connect(replace(plan(random, spoken), closing=random.choice(["client", "server"])), spoken)

    def inject() -> None:
        end, peer = random.choice([(connection.client, connection.server), (connection.server, connection.client)])
        if _lives(connection) and not end.out.is_closing:
            number = end.isn + peer.rcv_nxt + random.randint(2500, 4500)  # ahead of all that is under way
            segment = Segment(source=end.here, target=end.there, seq=number & 0xFFFFFFFF, flags=RST)
            connection.inject(segment, end is connection.client, "forged")

    scene.world.after(random.randint(0, 30 * MS), inject)
    scene.world.run()
    found = scene.sample([Tap(place=random.choice([0, 0.5, 1]))])
    found.answers.rows[0].out_of_window = None  # in the window it is
    return found


def capture_gap(random: Random) -> Sample:
    """The tap slept while megabytes passed: what comes after is in the window, since both ends go on from there."""
    scene = Scene(random)
    spoken = speak(random, "g", most=6)
    connection = scene.connect(replace(plan(random, spoken), closing=random.choice(["client", "server"])), spoken)
    scene.world.run()
    ended = min(
        (p.sent_ns for p in connection.passages if not p.from_client and p.segment and p.segment.flags & FIN), default=0
    )  # after its FIN the server sends no megabytes
    start = random.choice([p.sent_ns for p in connection.passages if p.sent_ns < ended])
    size = random.choice([100_000, 50 << 20, 900 << 20])
    for passage in connection.passages:
        segment = passage.segment
        if passage.sent_ns <= start or segment is None or segment.flags & SYN:
            continue
        if passage.from_client:
            segment = replace(segment, ack=(segment.ack + size) & 0xFFFFFFFF)
        else:
            segment = replace(segment, seq=(segment.seq + size) & 0xFFFFFFFF)
            passage.offset += size
        passage.segment, passage.packet = segment, segment.packet(passage.packet.ident)
    found = scene.sample([Tap(place=0.5)], messages=None, are_lines_lost=True)
    for row in found.answers.rows:
        row.retransmits = None
    return found


def near_incarnation(random: Random) -> Sample:
    """The client takes its port again at once, with numbers 64 KiB behind the old ones, as Linux does; old segments come late."""
    scene = Scene(random)
    spoken = speak(random, "o")
    first = replace(plan(random, spoken), closing="server", way=Way(delay_ns=MS))
    old = scene.connect(first, spoken)
    scene.world.run()
    said = speak_at(random, "n", first.server.port)
    numbers = (old.client.isn + old.client.out.nxt + 65537) & 0xFFFFFFFF, far_from(random, old.server.isn)
    pair = (first.client, first.server)
    new = scene.connect(replace(plan(random, said, pair), isns=numbers, closing="client"), said)
    late = [p for p in old.passages if p.from_client and p.segment and not p.segment.flags & SYN]
    for passage in random.sample(late, min(2, len(late))):
        at = random.randint(2 * new.plan.way.delay_ns, 60 * MS)
        scene.world.after(at, lambda s=passage.segment: _lives(new) and new.inject(s, True, "late"))
    scene.world.run()
    found = scene.sample([Tap(place=random.choice([0, 0.5, 1]))])
    take_together(found.answers)
    return found


def syn_not_captured(random: Random) -> Sample:
    """A port is used again, and the new connection's SYN was not captured: its SYN+ACK tells it."""
    scene = Scene(random)
    spoken = speak(random, "o")
    first = replace(plan(random, spoken), closing=random.choice(["client", "server", "both"]))
    scene.connect(first, spoken)
    scene.world.run()
    said = speak_at(random, "n", first.server.port)
    pair = (first.client, first.server)
    new = scene.connect(replace(plan(random, said, pair), isns=(isn(random), isn(random)), closing="client"), said)
    scene.world.run()
    scene.world.passages.remove(new.passages[0])
    found = scene.sample([Tap(place=random.choice([0, 0.5, 1]))])
    found.answers.rows[1].state = "SF"
    return found


def stray_acks(random: Random) -> Sample:
    """ACKs without data of someone who guesses: far numbers, or the right place and an ACK of what was never sent."""
    scene = Scene(random)
    spoken = speak(random, "a", most=6)
    connection = scene.connect(plan(random, spoken), spoken)
    for delay in _moments(random, random.randint(1, 3)):
        scene.world.after(delay, lambda: _lives(connection) and stray_ack(connection, random))
    scene.world.run()
    return scene.sample([Tap(place=random.choice([0, 0.5, 1]))])


def half_open(random: Random) -> Sample:
    """The client began anew and takes the same port: its SYN is challenged, its RST ends the old connection, its next SYN opens the new one.

    RFC 9293 section 3.5.1, figure 9, and RFC 5961 section 4.
    """
    scene = Scene(random)
    spoken = speak(random, "o")
    first = replace(plan(random, spoken), closing="nobody")
    old = scene.connect(first, spoken)
    scene.world.run()
    scene.world.run(scene.world.now + random.choice([MS, 5000 * MS]))
    said = speak_at(random, "n", first.server.port)
    numbers = far_from(random, old.client.isn + old.client.out.nxt), far_from(random, old.server.isn)
    new = Connection(
        scene.world, replace(plan(random, said, (first.client, first.server)), isns=numbers, closing="client")
    )
    scene.talks.append((new, said))
    take = new.server.receive

    def arrive(segment: Segment) -> None:
        """One port: the old socket hears what comes as long as it lives."""
        if old.server.state is State.CLOSED:
            take(segment)
        else:
            old.server.receive(segment)

    new.server.receive = arrive  # type: ignore[method-assign]
    old.client.receive = new.client.receive  # type: ignore[method-assign]
    new.start()
    scene.world.run()
    for passage in new.passages:
        if passage.label == "answer to a wrong ack":
            passage.connection, passage.label = old, ""
    found = scene.sample([Tap(place=random.choice([0, 0.5, 1]))])
    take_together(found.answers)
    return found


WINDOW = {
    "forged": forged,
    "forged ack": forged_ack,
    "forged syn": forged_syn,
    "second syn+ack": second_synack,
    "old incarnation": old_incarnation,
    "probes": probes,
    "openings": openings,
    "reset in window": reset_in_window,
    "capture gap": capture_gap,
    "near incarnation": near_incarnation,
    "syn not captured": syn_not_captured,
    "stray acks": stray_acks,
    "half open": half_open,
}

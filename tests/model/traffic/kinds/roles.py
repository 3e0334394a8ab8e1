"""Kind D: who is the client. SYN, else who listens, else who spoke first, else the port; what a decoder proves overrules the port."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

from traffic.connection import Connection
from traffic.dialogues import Spoken, http, redis, toy
from traffic.frames import End
from traffic.kinds.datagrams import Conversation, chat
from traffic.kinds.drawing import Sample, Scene, files_of, plan
from traffic.taps import Tap
from traffic.truth import Answers, Row, name_of, turns_of
from traffic.world import MS


def _ports(random: Random) -> tuple[int, int]:
    """Client's and server's port in either order, none of them known."""
    low, high = random.randint(1025, 20000), random.randint(20001, 65000)
    return random.choice([(low, high), (high, low)])


def _ends(random: Random) -> tuple[End, End]:
    ports = _ports(random)
    if random.random() < 0.2:
        return End("2001:db8::10", ports[0]), End("2001:db8:1::80", ports[1])
    return End("192.0.2.10", ports[0]), End("198.51.100.80", ports[1])


def _starts(connection: Connection, spoken: Spoken, exchange: int, *, at_answer: bool) -> int:
    """When the first byte of a request, or of its answer, was sent."""
    side = not at_answer
    before = sum(len(e.request if side else e.answer) for e in spoken.exchanges[:exchange])
    for passage in connection.passages:
        if passage.from_client is side and passage.offset == before and passage.segment and passage.segment.data:
            return passage.sent_ns
    raise AssertionError("it was never sent")


def _under_way(random: Random, scene: Scene, connection: Connection, spoken: Spoken, *, at_answer: bool) -> Sample:
    """The capture begins with an exchange in the middle, or with its answer."""
    last = len(spoken.exchanges) - (at_answer and spoken.protocol != "http")  # an answer of Redis alone proves nothing
    chosen = random.randrange(1, last)
    begins = _starts(connection, spoken, chosen, at_answer=at_answer)
    tap = Tap(place=0.9999 if at_answer else 0.0001, begins_ns=begins)  # what came at that moment was seen before
    interface = tap.listen(scene.world.passages, random)
    name = name_of(connection)
    answers = Answers(rows=[Row(name=name)])
    answers.are_logs_whole = not at_answer  # the answer itself may be shown without its request
    lines = spoken.lines[chosen + at_answer :]
    if spoken.protocol and lines:
        answers.logs[spoken.protocol] = Counter((name, *line) for line in lines)
    if not at_answer:
        answers.messages = [(name, turns_of(replace(spoken, exchanges=spoken.exchanges[chosen:])))]
    total = sum(len(passage.segment.data) for passage in tap.seen if passage.segment)
    answers.ports = {connection.plan.server.port: total}
    return Sample(files_of([interface], False, random), answers)


def _talk(random: Random, spoken: Spoken) -> tuple[Scene, Connection]:
    """A connection whose ends pause between exchanges, over a network without losses."""
    scene = Scene(random)
    chosen = plan(random, spoken, _ends(random))
    closing = random.choice(["client", "server", "nobody"])
    way = replace(chosen.way, delay_ns=MS)
    connection = scene.connect(replace(chosen, closing=closing, think_ns=2 * MS, way=way), spoken)
    scene.world.run()
    return scene, connection


def begun_at_a_request(random: Random) -> Sample:
    """A capture begun under way: what is said shows who asks. Of a protocol that nobody knows the port below 32768 is the server's."""
    spoken = random.choice([http, redis])(random, random.randint(2, 4), "u", 400)
    return _under_way(random, *_talk(random, spoken), spoken, at_answer=False)


def begun_at_an_answer(random: Random) -> Sample:
    """The same, begun with an answer: what is said shows who asks."""
    spoken = random.choice([http, redis])(random, random.randint(3, 5), "u", 400)
    return _under_way(random, *_talk(random, spoken), spoken, at_answer=True)


def listener_known(random: Random) -> Sample:
    """The server answered a SYN in this capture: it listens, so it is the server of a connection begun before, too."""
    spoken = toy(random, 3, "l", 300)
    scene = Scene(random)
    chosen = replace(plan(random, spoken, _ends(random)), closing="nobody", think_ns=2 * MS)
    old = scene.connect(chosen, spoken)
    scene.world.run()
    begins = _starts(old, spoken, 1, at_answer=random.random() < 0.5)
    shift = scene.world.now - begins + 50 * MS
    late = [passage for passage in old.passages if passage.sent_ns >= begins]
    scene.world.run(scene.world.now + MS)
    said = toy(random, 2, "m", 300)
    other = replace(plan(random, said, (End(chosen.client.ip, 19999), chosen.server)), closing="client")
    new = scene.connect(other, said)
    scene.world.run()
    for passage in late:
        passage.sent_ns += shift + 2000 * MS
        passage.arrives_ns += shift + 2000 * MS
    tap = Tap(place=0)
    interface = tap.listen([*new.passages, *late], random)
    answers = Answers(rows=[Row(name=name_of(old)), Row(name=name_of(new))])
    return Sample(files_of([interface], False, random), answers)


def datagrams(random: Random) -> Sample:
    """The first sender of datagrams is the client, whatever the ports."""
    talk = Conversation(*_ends(random))
    chat(random, talk, turns=random.randint(1, 6), ident=random.getrandbits(16))
    tap = Tap()
    answers = Answers(rows=[talk.row()], messages=[talk.said()], ports={talk.second.port: sum(talk.sizes)})
    return Sample(files_of([tap.listen(talk.passages, random)], False, random), answers)


def group(random: Random) -> Sample:
    """Who sends to a group of hosts is the client: a group never sends (RFC 1112)."""
    low, high = random.randint(1025, 20000), random.randint(20001, 65000)
    talk = Conversation(End("192.0.2.10", low), End(random.choice(["239.1.2.3", "224.0.0.251"]), high))
    for i in range(random.randint(1, 4)):
        talk.udp(random, 1_700_000_000 * 10**9 + i * MS, True, random.randint(1, 300), 1480, i)
    answers = Answers(rows=[talk.row()], ports={high: sum(talk.sizes)})
    return Sample(files_of([Tap().listen(talk.passages, random)], False, random), answers)


def one_way(random: Random) -> Sample:
    """Only one direction passes here: the SYN, or the SYN+ACK, says who is who."""
    spoken = random.choice([http, redis, toy])(random, random.randint(1, 4), "w", 400)
    scene, _ = _talk(random, spoken)
    found = scene.sample([Tap(hears=random.choice(["client", "server"]))], messages=None, are_lines_lost=True)
    for row in found.answers.rows:
        row.state = row.retransmits = None
    return found


def begun_at_the_synack(random: Random) -> Sample:
    """The SYN was before the capture began: who answers it is the server."""
    spoken = random.choice([http, redis, toy])(random, random.randint(1, 4), "a", 400)
    scene, connection = _talk(random, spoken)
    answer = next(passage for passage in connection.passages if not passage.from_client)
    found = scene.sample([Tap(place=1, begins_ns=answer.sent_ns)])
    found.answers.ports = {
        connection.plan.server.port: sum(row.client_bytes + row.server_bytes for row in found.answers.rows)  # type: ignore[operator]
    }
    found.answers.rows[0].state = None
    return found


ROLES = {
    "begun at a request": begun_at_a_request,
    "begun at an answer": begun_at_an_answer,
    "listener known": listener_known,
    "datagrams": datagrams,
    "group": group,
    "one way": one_way,
    "begun at the syn+ack": begun_at_the_synack,
}

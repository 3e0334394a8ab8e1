"""Kind A: requests and answers belong together by what they acknowledge, whatever the order in which they were captured."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

from traffic.connection import Exchange, Way
from traffic.dialogues import dns_message, http, redis, text, toy
from traffic.frames import End, udp_packet
from traffic.kinds.drawing import Sample, Scene, ends, files_of, plan, rough, speak
from traffic.taps import Tap
from traffic.truth import Answers, Row
from traffic.world import MS, START_NS, Passage

MOST_SKEW_NS = 50 * MS


def _talk(random: Random, *, is_rough: bool = False) -> Scene:
    """One to three connections after and beside each other."""
    scene = Scene(random)
    for i in range(random.choice([1, 1, 2, 3])):
        spoken = speak(random, f"t{i}")
        smooth = plan(random, spoken)
        chosen = rough(random, smooth) if is_rough else smooth
        scene.connect(replace(chosen, depth=random.choice([1, 1, 1, 3])), spoken)
        if random.random() < 0.5:
            scene.world.run(scene.world.now + random.randint(1, 100 * MS))
    scene.world.run()
    return scene


def _skew(random: Random) -> int:
    return random.choice([random.randint(-MOST_SKEW_NS, MOST_SKEW_NS), random.randint(-2 * MS, 2 * MS)])


def tap_each_way(random: Random) -> Sample:
    """Each direction has a tap with a clock of its own."""
    scene = _talk(random)
    place = random.choice([0, 0.5, 1])
    taps = [
        Tap(name="up", hears="client", place=place),
        Tap(name="down", hears="server", place=place, skew_ns=_skew(random)),
    ]
    return scene.sample(taps, apart=random.random() < 0.7)


def tap_each_host(random: Random) -> Sample:
    """Client and server record both directions, with clocks of their own: each packet is there twice."""
    scene = _talk(random)
    taps = [
        Tap(name="here", place=0, mac=1),
        Tap(name="there", place=1, mac=9, skew_ns=_skew(random), hops=random.choice([0, 3])),
    ]
    return scene.sample(taps, apart=random.random() < 0.7)


def queue_each_way(random: Random) -> Sample:
    """One tap whose two queues are not drained in the order of arrival."""
    scene = _talk(random)
    late = random.randint(0, 10 * MS)
    return scene.sample([Tap(queue_ns=random.choice([(late, 0), (0, late)]))])


def many_queues(random: Random) -> Sample:
    """One tap that shuffles packets which are close to each other: a hole is filled after its ACK."""
    return _talk(random).sample([Tap(jitter_ns=random.randint(0, 3 * MS))])


def rough_way(random: Random) -> Sample:
    """Losses, repetitions and another order on the wire, seen by one tap."""
    return _talk(random, is_rough=True).sample([Tap(place=random.choice([0, 0.3, 1]))])


def rough_way_two_taps(random: Random) -> Sample:
    """The same, each direction at a tap with a clock of its own."""
    scene = _talk(random, is_rough=True)
    taps = [Tap(name="up", hears="client", place=1), Tap(name="down", hears="server", place=0, skew_ns=_skew(random))]
    return scene.sample(taps, apart=random.random() < 0.7)


def datagrams(random: Random) -> Sample:
    """DNS over UDP: answers come before their questions by up to the clocks' difference."""
    up, down = Tap(name="up", hears="client"), Tap(name="down", hears="server", skew_ns=_skew(random))
    answers, passages, now = Answers(), [], START_NS
    lines = answers.logs.setdefault("dns", Counter())
    for i in range(random.randint(1, 6)):
        client, server = End("192.0.2.10", random.randint(32768, 60999)), End("198.51.100.53", 53)
        number, name, address = random.getrandbits(16), f"d{i}.example.test", f"192.0.2.{random.randint(1, 254)}"
        took = random.randint(10_000, 30 * MS)
        asked = udp_packet(client, server, dns_message(number, name), random.getrandbits(16))
        said = udp_packet(server, client, dns_message(number, name, address), random.getrandbits(16))
        passages += [Passage(asked, True, now, now), Passage(said, False, now + took, now + took)]
        lines[f"{client}->{server}", name, address] += 1
        answers.rows.append(Row(name=f"{client}->{server}", state="SF"))
        now += random.randint(0, 200 * MS)
    interfaces = [up.listen(passages, random), down.listen(passages, random)]
    return Sample(files_of(interfaces, random.random() < 0.7, random), answers)


def datagrams_each_host(random: Random) -> Sample:
    """DNS over UDP recorded by client and server, both directions: each datagram is there twice, its line once."""
    skew = _skew(random)
    here, there = Tap(name="here", place=0), Tap(name="there", place=1, skew_ns=skew, hops=2, mac=7)
    answers, passages, now = Answers(), list[Passage](), START_NS
    lines = answers.logs.setdefault("dns", Counter())
    for i in range(random.randint(1, 4)):
        client, server = End("192.0.2.10", random.randint(32768, 60999)), End("198.51.100.53", 53)
        number, name, address = random.getrandbits(16), f"d{i}.example.test", f"192.0.2.{random.randint(1, 254)}"
        query, answer = dns_message(number, name), dns_message(number, name, address)
        way, took = random.choice([100_000, 10 * MS]), random.randint(10_000, 30 * MS)
        asked, said = (
            udp_packet(client, server, query, random.getrandbits(16)),
            udp_packet(server, client, answer, random.getrandbits(16)),
        )
        passages += [Passage(asked, True, now, now + way), Passage(said, False, now + took, now + took + way)]
        lines[f"{client}->{server}", name, address] += 1
        sizes = {"client_bytes": len(query), "server_bytes": len(answer)}
        answers.rows.append(Row(name=f"{client}->{server}", state="SF", **sizes))
        now += random.randint(0, 200 * MS)
    interfaces = [here.listen(passages, random), there.listen(passages, random)]
    return Sample(files_of(interfaces, True, random), answers)


def written_in_blocks(random: Random) -> Sample:
    """Times are right, but the file's order is not that of time: two queues are written block by block."""
    scene = _talk(random)
    return scene.sample([Tap(block_ns=random.choice([MS, 10 * MS, 40 * MS]))])


def rotated(random: Random) -> Sample:
    """A capture in two files, the second one where the first ends; given in either order."""
    scene = _talk(random, is_rough=random.random() < 0.5)
    times = [passage.sent_ns for passage in scene.world.passages]
    cut = random.choice(times)
    taps = [Tap(name="eth0", ends_ns=cut), Tap(name="eth0", begins_ns=cut)]
    return scene.sample(random.sample(taps, 2), apart=True)


def fragmented(random: Random) -> Sample:
    """Segments come in IP fragments, each direction by a queue of its own."""
    scene = _talk(random)
    late = random.randint(0, 5 * MS)
    found = scene.sample([Tap(most_payload=random.choice([104, 488]), queue_ns=random.choice([(late, 0), (0, late)]))])
    for row in found.answers.rows:
        row.client_packets = row.server_packets = row.retransmits = None
    return found


def packets_lost(random: Random) -> Sample:
    """The tap misses packets: less is known, but nothing is paired that does not belong together."""
    scene = _talk(random)
    found = scene.sample([Tap(lost=random.choice([0.05, 0.2]))], are_lines_lost=True, messages=None)
    for row in found.answers.rows:  # what is lost at the beginning or the end may take a state or a role with it
        row.state = row.retransmits = None
    return found


def answered_early(random: Random) -> Sample:
    """The server answers before the request is whole, and reads the rest; then they go on."""
    scene = Scene(random)
    spoken = http(random, random.randint(1, 3), "e", 2000)
    size = random.randint(3000, 20000)
    head = f"POST /early HTTP/1.1\r\nHost: www.example.test\r\nContent-Length: {size}\r\n\r\n".encode()
    early = Exchange(
        head + text(random, size),
        b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno\n",
        enough=len(head) + random.randint(0, 2000),
    )
    line = ("POST", "www.example.test/early", 413, 3)
    spoken = replace(spoken, exchanges=(early, *spoken.exchanges), lines=(line, *spoken.lines))
    chosen = replace(plan(random, spoken), depth=1, closing=random.choice(["client", "nobody"]))
    scene.connect(chosen, spoken)
    scene.world.run()
    taps = [Tap(name="up", hears="client"), Tap(name="down", hears="server", skew_ns=_skew(random))]
    if random.random() < 0.5:
        return scene.sample([Tap(place=random.choice([0, 1]))], messages=None)
    return scene.sample(taps, apart=True, messages=None)


def much_within_the_skew(random: Random) -> Sample:
    """Hundreds of kilobytes and dozens of turns pass within the clocks' difference."""
    scene = Scene(random)
    spoken = random.choice([http, redis, toy])(random, random.randint(10, 40), "m", random.choice([100, 30000]))
    fast = replace(plan(random, spoken), think_ns=0, way=Way(delay_ns=random.choice([10_000, 100_000])))
    scene.connect(replace(fast, depth=random.choice([1, 1, 8])), spoken)
    scene.world.run()
    skew = random.choice([1, -1]) * random.randint(20 * MS, MOST_SKEW_NS)
    return scene.sample([Tap(name="up", hears="client"), Tap(name="down", hears="server", skew_ns=skew)], apart=True)


def many_connections(random: Random) -> Sample:
    """Dozens of connections at the same time, each direction at a tap of its own."""
    scene = Scene(random)
    for i in range(random.randint(20, 60)):
        spoken = speak(random, f"x{i}", most=2)
        client, server = ends(random, spoken.port)
        pair = (replace(client, port=20000 + i), server)
        chosen = replace(plan(random, spoken, pair), way=Way(delay_ns=random.choice([50_000, MS])))
        scene.connect(chosen, spoken)
        scene.world.run(scene.world.now + random.randint(0, 2 * MS))
    scene.world.run()
    return scene.sample(
        [Tap(name="up", hears="client"), Tap(name="down", hears="server", skew_ns=_skew(random))], apart=True
    )


def begun_under_way(random: Random) -> Sample:
    """The taps with clocks of their own begin when the connection is open, between two exchanges."""
    scene = Scene(random)
    spoken = random.choice([http, redis])(random, random.randint(3, 6), "b", 400)
    way = Way(delay_ns=random.choice([50_000, MS]))
    smooth = replace(plan(random, spoken), way=way, closing=random.choice(["client", "server", "nobody"]))
    connection = scene.connect(smooth, spoken)
    scene.world.run()
    chosen = random.randrange(1, len(spoken.exchanges))
    before = sum(len(exchange.request) for exchange in spoken.exchanges[:chosen])
    begins = next(
        passage.sent_ns
        for passage in connection.passages
        if passage.from_client and passage.offset == before and passage.segment and passage.segment.data
    )
    late = {"place": 0.0001, "begins_ns": begins}
    taps = [Tap(name="up", hears="client", **late), Tap(name="down", hears="server", skew_ns=_skew(random), **late)]
    rest = replace(spoken, exchanges=spoken.exchanges[chosen:], lines=spoken.lines[chosen:])
    scene.talks = [(connection, rest)]
    found = scene.sample(taps, apart=random.random() < 0.7)
    for row in found.answers.rows:
        row.state = None
    return found


PAIRING = {
    "tap each way": tap_each_way,
    "tap each host": tap_each_host,
    "queue each way": queue_each_way,
    "many queues": many_queues,
    "rough way": rough_way,
    "rough way, tap each way": rough_way_two_taps,
    "datagrams": datagrams,
    "datagrams at each host": datagrams_each_host,
    "written in blocks": written_in_blocks,
    "rotated": rotated,
    "fragmented": fragmented,
    "packets lost": packets_lost,
    "answered early": answered_early,
    "much within the skew": much_within_the_skew,
    "many connections": many_connections,
    "begun under way": begun_under_way,
}

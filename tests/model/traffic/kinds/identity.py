"""Kind C: connections with equal addresses and ports. Copies of one packet join, twins part."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from traffic.connection import Connection
from traffic.frames import RAW, SLL2, End
from traffic.kinds.datagrams import Conversation, chat
from traffic.kinds.drawing import Sample, Scene, ends, files_of, isn, plan, rough, speak, speak_at
from traffic.taps import Tap
from traffic.truth import Answers
from traffic.world import MS, START_NS, Passage

VLANS = ((10,), (20,), (), (10, 5), (10, 6), (4094,))


def _twins(random: Random, places: list[tuple[tuple[int, ...], str]]) -> Scene:
    """A connection in each place, all with the same addresses and ports, at about the same time."""
    scene = Scene(random)
    first = speak(random, "c0")
    pair = ends(random, first.port)
    for i, (vlans, place) in enumerate(places):
        spoken = first if i == 0 else speak_at(random, f"c{i}", first.port)
        chosen = replace(plan(random, spoken, pair), isns=(isn(random), isn(random)))
        scene.world.after(
            random.randint(0, 5 * MS),
            lambda chosen=chosen, spoken=spoken, vlans=vlans, place=place: scene.connect(
                chosen, spoken, vlans=vlans, place=place
            ),
        )
    scene.world.run()
    return scene


def vlan_twins(random: Random) -> Sample:
    """Two or three VLANs (or none, or QinQ) on one tap."""
    chosen = random.sample(VLANS, random.choice([2, 2, 3]))
    return _twins(random, [(vlans, "") for vlans in chosen]).sample([Tap()])


def namespace_twins(random: Random) -> Sample:
    """Two namespaces, each with an interface of its own."""
    scene = _twins(random, [((), "a"), ((), "b")])
    return scene.sample([Tap(name="veth-a", where="a"), Tap(name="veth-b", where="b")], apart=random.random() < 0.3)


def cooked_twins(random: Random) -> Sample:
    """The same in a capture of `any`: SLL2 says the interface's index in each packet."""
    scene = _twins(random, [((), "a"), ((), "b")])
    taps = [Tap(name="any", where="a", link=SLL2, mac=3), Tap(name="any", where="b", link=SLL2, mac=4)]
    return scene.sample(taps, as_one=True)


def copies(random: Random) -> Sample:
    """One connection on veth, bridge and NIC: other MACs, TTL and tags; each packet some microseconds later."""
    scene = Scene(random)
    spoken = speak(random, "v")
    smooth = plan(random, spoken)
    scene.connect(
        rough(random, smooth) if random.random() < 0.3 else smooth, spoken, vlans=random.choice([(), (), (7,)])
    )
    scene.world.run()
    taps = [
        Tap(name="veth0", mac=1, keeps_vlans=False, place=0),
        Tap(name="br0", mac=3, keeps_vlans=False, place=0, queue_ns=(20_000, 20_000)),
        Tap(name="eth0", mac=5, place=0, hops=random.choice([0, 1]), queue_ns=(40_000, 40_000)),
        Tap(name="wg0", link=RAW, place=0, queue_ns=(60_000, 60_000)),
    ]
    return scene.sample(random.sample(taps, random.randint(2, 4)))


def twins_with_copies(random: Random) -> Sample:
    """Two namespaces, each seen on its veth and, tagged, on the trunk that both share."""
    scene = _twins(random, [((10,), "a"), ((20,), "b")])
    taps = [
        Tap(name="veth-a", where="a", keeps_vlans=False),
        Tap(name="veth-b", where="b", keeps_vlans=False),
        Tap(name="trunk", queue_ns=(20_000, 20_000), hops=random.choice([0, 1])),
    ]
    return scene.sample(taps)


def stripped_one_way(random: Random) -> Sample:
    """The NIC strips the tags of what comes in and not of what goes out: one connection."""
    scene = Scene(random)
    spoken = speak(random, "a")
    scene.connect(plan(random, spoken), spoken, vlans=(random.randint(1, 4094),))
    scene.world.run()
    return scene.sample([Tap(name="out", hears="client"), Tap(name="in", hears="server", keeps_vlans=False)])


def two_routes(random: Random) -> Sample:
    """Requests go out by one interface, answers come in by another: one connection."""
    scene = Scene(random)
    spoken = speak(random, "r")
    scene.connect(plan(random, spoken), spoken)
    scene.world.run()
    return scene.sample([Tap(name="eth0", hears="client"), Tap(name="eth1", hears="server")])


def reused(random: Random) -> Sample:
    """The same ports again and again: three incarnations, one after the other, the next one soon."""
    scene = Scene(random)
    first = speak(random, "i0")
    pair = ends(random, first.port)
    for i in range(random.choice([2, 3])):
        spoken = first if i == 0 else speak_at(random, f"i{i}", first.port)
        chosen = replace(plan(random, spoken, pair), isns=(isn(random), isn(random)))
        if chosen.closing == "nobody" and random.random() < 0.7:
            chosen = replace(chosen, closing="client")
        scene.connect(chosen, spoken)
        scene.world.run()
        scene.world.run(scene.world.now + random.choice([100_000, 3 * MS, 100_000 * MS]))
    return scene.sample([Tap(place=random.choice([0, 0.5, 1]))])


def _heard(random: Random, talks: list[Conversation], taps: list[Tap], *, has_messages: bool = True) -> Sample:
    passages: list[Passage] = sorted((p for talk in talks for p in talk.passages), key=lambda p: p.sent_ns)
    interfaces = [tap.listen(passages, random) for tap in taps]
    answers = Answers(rows=[talk.row() for talk in talks])
    answers.messages = [talk.said() for talk in talks] if has_messages else None
    return Sample(files_of(interfaces, False, random), answers)


def _pair(random: Random) -> tuple[End, End]:
    return ends(random, random.choice([53, 5060, 51820, 7000]))


def datagram_twins(random: Random) -> Sample:
    """UDP in two VLANs, with the same identifications; long datagrams in fragments, one among another."""
    pair, ident = _pair(random), random.getrandbits(16)
    talks = [Conversation(*pair, vlans=vlans) for vlans in random.sample(VLANS, 2)]
    for talk in talks:
        start = START_NS + random.randint(0, 50_000)
        chat(random, talk, start_ns=start, turns=random.randint(1, 5), sizes=(1, 3000), most=1000, ident=ident)
    return _heard(random, talks, [Tap()])


def datagram_copies(random: Random) -> Sample:
    """One UDP conversation on several interfaces, with and without tag, fragments or not."""
    talk = Conversation(*_pair(random), vlans=random.choice([(), (9,)]))
    chat(random, talk, turns=random.randint(1, 6), sizes=(1, 3000), most=1000, ident=random.getrandbits(16))
    taps = [
        Tap(name="veth0", keeps_vlans=False, place=0),
        Tap(name="br0", keeps_vlans=False, mac=3, place=0, queue_ns=(10_000, 10_000)),
        Tap(name="eth0", mac=5, hops=1, place=0, queue_ns=(20_000, 20_000)),
    ]
    return _heard(random, [talk], random.sample(taps, random.randint(2, 3)))


def echo_twins(random: Random) -> Sample:
    """Pings with the same identifier in two VLANs."""
    identifier, ident = random.getrandbits(16), random.getrandbits(16)
    first, second = End("192.0.2.10", identifier), End("198.51.100.80", 0)
    talks = [Conversation(first, second, vlans=vlans) for vlans in random.sample(VLANS, 2)]
    for talk in talks:
        at_ns = START_NS + random.randint(0, MS)
        for number in range(random.randint(1, 4)):
            size = random.randint(1, 100)
            talk.echo(random, at_ns, True, size, number, (ident + number) & 0xFFFF)
            talk.echo(random, at_ns + 500_000, False, size, number, (ident + number) & 0xFFFF)
            at_ns += 5 * MS
    found = _heard(random, talks, [Tap()], has_messages=False)
    for row in found.answers.rows:
        row.state = None
    return found


def datagram_namespaces(random: Random) -> Sample:
    """UDP with the same addresses and ports in two namespaces, each with an interface of its own that sees both directions."""
    pair = _pair(random)
    talks = [Conversation(*pair, place=place) for place in "ab"]
    for talk in talks:
        chat(
            random,
            talk,
            start_ns=START_NS + random.randint(0, 50_000),
            turns=random.randint(2, 5),
            ident=random.getrandbits(16),
        )
        if all(passage.from_client for passage in talk.passages):
            talk.udp(random, START_NS + 90 * MS, False, 33, 1480, random.getrandbits(16))
    return _heard(random, talks, [Tap(name="veth-a", where="a"), Tap(name="veth-b", where="b")])


def datagram_routes(random: Random) -> Sample:
    """UDP that goes out by one interface and comes back by another, or has its tag stripped there: one conversation."""
    talk = Conversation(*_pair(random), vlans=random.choice([(), (9,)]))
    chat(random, talk, turns=random.randint(2, 6), ident=random.getrandbits(16))
    keeps = random.random() < 0.5
    return _heard(
        random, [talk], [Tap(name="eth0", hears="client"), Tap(name="eth1", hears="server", keeps_vlans=keeps)]
    )


def echo_copies(random: Random) -> Sample:
    """Pings seen on several interfaces count once."""
    talk = Conversation(End("192.0.2.10", random.getrandbits(16)), End("198.51.100.80", 0))
    for number in range(random.randint(1, 4)):
        talk.echo(random, START_NS + number * 9 * MS, True, 40, number, random.getrandbits(16))
        talk.echo(random, START_NS + number * 9 * MS + MS, False, 40, number, random.getrandbits(16))
    taps = [Tap(name="veth0", place=0), Tap(name="eth0", mac=5, hops=1, place=0, queue_ns=(9_000, 9_000))]
    found = _heard(random, [talk], taps, has_messages=False)
    found.answers.rows[0].state = None
    return found


def router_on_a_stick(random: Random) -> Sample:
    """A trunk on which each packet passes twice: tagged 10 before the router, 20 and one hop less behind it."""
    scene = Scene(random)
    spoken = speak(random, "s")
    scene.connect(plan(random, spoken), spoken)
    scene.world.run()
    late = (30_000, 30_000)
    return scene.sample(
        [Tap(vlans=(10,), place=0), Tap(vlans=(20,), hops=1, mac=7, place=0, queue_ns=late)], as_one=True
    )


def inside_and_outside(random: Random) -> Sample:
    """A connection beside itself in a GRE tunnel, with --decap: copies."""
    scene = Scene(random)
    spoken = speak(random, "g")
    scene.connect(plan(random, spoken), spoken)
    scene.world.run()
    found = scene.sample(
        [Tap(name="tun0", link=RAW, place=0), Tap(name="eth0", gre=True, place=0, queue_ns=(9_000, 9_000))]
    )
    found.decap = True
    return found


def behind_nat(random: Random) -> Sample:
    """A connection before and behind an address translator: two connections, since addresses are part of their identity."""
    scene = Scene(random)
    spoken = speak(random, "n")
    chosen = plan(random, spoken, (End("192.0.2.10", 40001), End("198.51.100.80", spoken.port)))
    inner = scene.connect(chosen, spoken, place="in")
    scene.world.run()
    outer = End("203.0.113.9", random.randint(1025, 60999))
    twin = Connection(scene.world, replace(chosen, client=outer), place="out")
    scene.talks.append((twin, spoken))
    for passage in list(inner.passages):
        seen = passage.segment
        assert seen is not None
        segment = replace(seen, source=outer) if passage.from_client else replace(seen, target=outer)
        scene.world.passages.append(
            replace(passage, segment=segment, packet=segment.packet(passage.packet.ident, 63), connection=twin)
        )
    return scene.sample([Tap(name="lan", where="in"), Tap(name="wan", where="out", queue_ns=(5_000, 5_000))])


def copies_in_any(random: Random) -> Sample:
    """One connection on several interfaces in a capture of `any`, whose packets name their interface."""
    scene = Scene(random)
    spoken = speak(random, "y")
    smooth = plan(random, spoken)
    scene.connect(rough(random, smooth) if random.random() < 0.3 else smooth, spoken)
    scene.world.run()
    taps = [
        Tap(name="any", link=SLL2, mac=2 + i, place=0, queue_ns=(i * 9_000, i * 9_000))
        for i in range(random.randint(2, 4))
    ]
    return scene.sample(taps, as_one=True)


IDENTITY = {
    "vlan twins": vlan_twins,
    "namespace twins": namespace_twins,
    "cooked twins": cooked_twins,
    "copies": copies,
    "twins with copies": twins_with_copies,
    "stripped one way": stripped_one_way,
    "two routes": two_routes,
    "reused": reused,
    "datagram twins": datagram_twins,
    "datagram copies": datagram_copies,
    "echo twins": echo_twins,
    "datagram namespaces": datagram_namespaces,
    "datagram routes": datagram_routes,
    "echo copies": echo_copies,
    "router on a stick": router_on_a_stick,
    "inside and outside": inside_and_outside,
    "behind nat": behind_nat,
    "copies in any": copies_in_any,
}

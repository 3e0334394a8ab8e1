"""Kind C: connections with equal addresses and ports. Copies of one packet join, twins part."""

from __future__ import annotations

from dataclasses import replace
from random import Random

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
}

"""What all kinds draw from: addresses, plans of connections, and a capture with its answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from traffic.connection import Connection, Plan, Way
from traffic.dialogues import DNS_PORT, SPEAKERS, Spoken, dns, http, redis, toy
from traffic.files import Interface, pcap, pcapng
from traffic.frames import End
from traffic.sending import Habits
from traffic.taps import Tap
from traffic.truth import Answers, lines_of, name_of, row_of, turns_of
from traffic.world import MS, World


@dataclass(slots=True)
class Sample:
    """A capture, of one file or of several to be merged, and what is right about it."""

    files: tuple[bytes, ...]
    answers: Answers
    decap: bool = False
    about: str = ""


@dataclass(slots=True)
class Scene:
    """A world with connections in it."""

    random: Random
    world: World = field(init=False)
    talks: list[tuple[Connection, Spoken]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = World(self.random)

    def connect(self, plan: Plan, spoken: Spoken, *, vlans: tuple[int, ...] = (), place: str = "") -> Connection:
        """A connection that begins now."""
        connection = Connection(self.world, plan, vlans=vlans, place=place)
        self.talks.append((connection, spoken))
        connection.start()
        return connection

    def sample(self, taps: list[Tap], *, apart: bool = False, as_one: bool = False, **about: object) -> Sample:
        """What the taps recorded: a file each when `apart`, one interface for all when `as_one`, else one file with an interface each."""
        interfaces = [tap.listen(self.world.passages, self.random) for tap in taps]
        if as_one:
            records = sorted((record for each in interfaces for record in each.records), key=lambda record: record[0])
            interfaces = [Interface(taps[0].name, taps[0].link, records)]  # whole packets, without flags
        answers = self._answers(taps)
        for name, value in about.items():
            setattr(answers, name, value)
        return Sample(files_of(interfaces, apart, self.random), answers, about=", ".join(map(repr, about)))

    def _answers(self, taps: list[Tap]) -> Answers:
        seen = [passage for tap in taps for passage in tap.seen]
        answers = Answers()
        for connection, spoken in self.talks:
            answers.rows.append(row_of(connection, seen, is_single_tap=len(taps) == 1))
            answers.logs.setdefault(spoken.protocol, Counter()).update(lines_of(spoken, name_of(connection)))
        if all(connection.plan.depth == 1 for connection, _ in self.talks):
            answers.messages = [(name_of(connection), turns_of(spoken)) for connection, spoken in self.talks]
        answers.logs.pop("", None)
        return answers


def files_of(interfaces: list[Interface], apart: bool, random: Random) -> tuple[bytes, ...]:
    """The bytes of the files."""
    if apart:
        return tuple(pcap(each) if random.random() < 0.5 else pcapng([each]) for each in interfaces)
    if len(interfaces) == 1 and random.random() < 0.5 and not interfaces[0].ways:
        return (pcap(interfaces[0]),)
    return (pcapng(interfaces),)


def ends(random: Random, port: int) -> tuple[End, End]:
    """A client on an ephemeral port, and a server, of one family."""
    v6 = random.random() < 0.2
    client, server = ("2001:db8::10", "2001:db8:1::80") if v6 else ("192.0.2.10", "198.51.100.80")
    return End(client, random.randint(32768, 60999)), End(server, port)


def isn(random: Random) -> int:
    """An initial number; now and then one that wraps within the connection."""
    return random.choice([random.getrandbits(32), random.getrandbits(32), (-random.randint(1, 5000)) & 0xFFFFFFFF])


def habits(random: Random) -> Habits:
    """How an end behaves."""
    return Habits(
        mss=random.choice([536, 1440, 1460]),
        capacity=random.choice([64240, 64240, 1 << 20, 5000]),
        scale=random.choice([0, 7, 2]),
        is_fin_with_data=random.random() < 0.3,
        read_delay_ns=random.choice([0, 0, 0, 3 * MS]),
        is_recutting=random.random() < 0.8,
    )


def speak(random: Random, tag: str, *, most: int = 4, speakers: tuple[Callable[..., Spoken], ...] = SPEAKERS) -> Spoken:
    """A conversation of one to `most` exchanges in any protocol."""
    return random.choice(speakers)(random, random.randint(1, most), tag, random.choice([50, 400, 4000]))


def speak_at(random: Random, tag: str, port: int) -> Spoken:
    """A conversation for a port that is given: DNS is known by its port, the others by what is said."""
    return speak(random, tag, speakers=(dns,) if port == DNS_PORT else (http, redis, toy))


def plan(random: Random, spoken: Spoken, pair: tuple[End, End] | None = None) -> Plan:
    """A connection without losses."""
    client, server = pair or ends(random, spoken.port)
    return Plan(
        client=client,
        server=server,
        exchanges=spoken.exchanges,
        closing=random.choice(["client", "server", "both", "half", "client reset", "server reset", "nobody"]),
        isns=(isn(random), isn(random)),
        client_habits=habits(random),
        server_habits=habits(random),
        think_ns=random.choice([0, 10_000, MS]),
        way=Way(delay_ns=random.choice([50_000, MS, 20 * MS])),
    )


def rough(random: Random, smooth: Plan) -> Plan:
    """The same over a network that loses, reorders and doubles."""
    way = replace(
        smooth.way,
        lost=random.choice([0, 0.05, 0.15]),
        reordered=random.choice([0, 0.1]),
        doubled=random.choice([0, 0.05]),
    )
    return replace(smooth, way=way)

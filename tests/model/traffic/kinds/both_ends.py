"""Kind H: where both ends are local each packet has two events, whether or not a process is known."""

from __future__ import annotations

from random import Random

from traffic.dialogues import http
from traffic.files import pcapng
from traffic.frames import ETHERNET, LOOP, NULL, RAW, SLL, SLL2, End
from traffic.kinds.datagrams import Conversation, chat
from traffic.kinds.drawing import Sample, Scene, files_of, plan, speak
from traffic.taps import Tap
from traffic.truth import Answers, lines_of, name_of, row_of, turns_of
from traffic.world import START_NS

LOCAL = (("127.0.0.1", "127.0.0.1"), ("127.0.0.1", "127.0.0.2"), ("::1", "::1"), ("192.0.2.1", "192.0.2.1"))
LINKS = (ETHERNET, NULL, RAW, LOOP, SLL, SLL2)


def _tap(random: Random) -> Tap:
    return Tap(name="lo", link=random.choice(LINKS), mac=0)


def connections(random: Random) -> Sample:
    """TCP on loopback, in every link type, without comments."""
    scene = Scene(random)
    spoken = speak(random, "b") if random.random() < 0.5 else http(random, 2, "b")
    client, server = random.choice(LOCAL)
    pair = End(client, random.randint(32768, 60999)), End(server, spoken.port)
    scene.connect(plan(random, spoken, pair), spoken)
    scene.world.run()
    found = scene.sample([_tap(random)], copies=2)
    row = found.answers.rows[0]
    total = (row.client_bytes or 0) + (row.server_bytes or 0)
    found.answers.filters = {"fd.is_server=true": total, "fd.is_server=false": total, "evt.io_dir=write": total}
    return found


def datagrams(random: Random) -> Sample:
    """UDP on loopback."""
    client, server = random.choice(LOCAL)
    talk = Conversation(End(client, random.randint(32768, 60999)), End(server, random.choice([53, 7000, 61000])))
    chat(random, talk, start_ns=START_NS, turns=random.randint(1, 5))
    total = sum(talk.sizes)
    answers = Answers(rows=[talk.row()], messages=[talk.said()], copies=2)
    answers.filters = {"fd.is_server=true": total, "fd.is_server=false": total}
    return Sample(files_of([_tap(random).listen(talk.passages, random)], False, random), answers)


def by_interface(random: Random) -> Sample:
    """Two addresses of one machine, on an interface that is the loopback by its name; every packet is flagged inbound."""
    scene = Scene(random)
    spoken = speak(random, "i")
    v6 = random.random() < 0.3
    client, server = ("2001:db8::1", "2001:db8::2") if v6 else ("192.0.2.1", "192.0.2.2")
    scene.connect(plan(random, spoken, (End(client, random.randint(32768, 60999)), End(server, spoken.port))), spoken)
    scene.world.run()
    tap = Tap(name=random.choice(["lo", "lo0"]), link=random.choice([ETHERNET, NULL, RAW]), mac=0)
    interface = tap.listen(scene.world.passages, random)
    interface.ways = [1] * len(interface.records)
    row = row_of(scene.talks[0][0], tap.seen, is_single_tap=True)
    name = name_of(scene.talks[0][0])
    answers = Answers(rows=[row], copies=2, messages=[(name, turns_of(spoken))])
    if spoken.protocol:
        answers.logs[spoken.protocol] = lines_of(spoken, name)
    total = (row.client_bytes or 0) + (row.server_bytes or 0)
    answers.filters = {"fd.is_server=true": total, "fd.is_server=false": total}
    return Sample((pcapng([interface]),), answers)


BOTH_ENDS = {"connections": connections, "datagrams": datagrams, "by interface": by_interface}

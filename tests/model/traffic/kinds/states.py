"""Kinds E and F: a state that one message opens is closed by each message that closes it, and by no other. HTTP and Redis."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from traffic.connection import Exchange
from traffic.dialogues import Spoken, http, text
from traffic.kinds.drawing import Sample, Scene, plan
from traffic.taps import Tap

Line = tuple[object, ...]
Step = tuple[list[Exchange], list[Line]]

HEAD = "HTTP/1.1\r\nHost: www.example.test\r\n"
URL = "www.example.test"


def _ok(body: bytes, status: int = 200, more: str = "") -> bytes:
    return f"HTTP/1.1 {status} Words\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _expect(random: Random, path: str) -> Step:
    """Expect: 100-continue that is granted, refused, answered at once, or not waited for (RFC 9110 section 10.1.1)."""
    body = text(random, random.randint(1, 3000))
    head = f"POST {path} {HEAD}Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode()
    way = random.choice(["granted", "refused", "not waited for", "granted late"])
    if way == "granted":
        return [Exchange(head, b"HTTP/1.1 100 Continue\r\n\r\n"), Exchange(body, _ok(b"taken"))], [
            ("POST", URL + path, 200, 5)
        ]
    if way == "refused":
        status = random.choice([417, 401, 413, 302, 500])
        return [Exchange(head, _ok(b"no", status))], [("POST", URL + path, status, 2)]
    if way == "granted late":
        answer = b"HTTP/1.1 100 Continue\r\n\r\n" + _ok(b"taken")
        return [Exchange(head + body, answer)], [("POST", URL + path, 200, 5)]
    return [Exchange(head + body, _ok(b"taken"))], [("POST", URL + path, 200, 5)]


def _hints(random: Random, path: str) -> Step:
    """Interim answers before the final one (RFC 9110 section 15.2)."""
    interim = random.choice([b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n"])
    asked = f"GET {path} {HEAD}\r\n".encode()
    return [Exchange(asked, interim * random.randint(1, 2) + _ok(b"now"))], [("GET", URL + path, 200, 3)]


def _no_body(random: Random, path: str) -> Step:
    """304 and HEAD name a length of what they do not send (RFC 9112 section 6.3)."""
    if random.random() < 0.5:
        return [Exchange(f"HEAD {path} {HEAD}\r\n".encode(), b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")], [
            ("HEAD", URL + path, 200, 0)
        ]
    asked = f'GET {path} {HEAD}If-None-Match: "a"\r\n\r\n'.encode()
    return [Exchange(asked, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n")], [("GET", URL + path, 304, 0)]


def _refused_switch(random: Random, path: str) -> Step:
    """Upgrade that is not taken, and CONNECT that is refused: HTTP goes on (RFC 9110 sections 7.8 and 9.3.6)."""
    if random.random() < 0.5:
        asked = f"GET {path} {HEAD}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n".encode()
        return [Exchange(asked, _ok(b"plain", random.choice([200, 400, 426])))], [("GET", URL + path, ..., 5)]
    asked = b"CONNECT proxy.example.test:443 HTTP/1.1\r\nHost: proxy.example.test:443\r\n\r\n"
    return [Exchange(asked, _ok(b"who", 407))], [("CONNECT", ..., 407, 3)]


def _plain(random: Random, path: str) -> Step:
    spoken = http(random, 1, path[1:], 300)
    return list(spoken.exchanges), list(spoken.lines)


def expectations(random: Random) -> Sample:
    """HTTP/1.1 on one connection through all of these, in any order."""
    steps = [
        random.choice([_expect, _expect, _hints, _no_body, _refused_switch, _plain])(random, f"/e{i}")
        for i in range(random.randint(2, 6))
    ]
    exchanges = tuple(exchange for step in steps for exchange in step[0])
    return played(random, Spoken("http", 80, exchanges, tuple(line for step in steps for line in step[1])))


def played(random: Random, spoken: Spoken, *, depth: int = 1, **about: object) -> Sample:
    """It, on one connection without losses. `about` is what else is claimed."""
    scene = Scene(random)
    closing = random.choice(["client", "server", "nobody"])
    scene.connect(replace(plan(random, spoken), closing=closing, depth=depth), spoken)
    scene.world.run()
    return scene.sample([Tap(place=random.choice([0, 0.5, 1]))], messages=None, **about)


def _words(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def _bulk(word: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(word), word)


def _notice(kind: bytes, channel: bytes | None, count: int, mark: bytes) -> bytes:
    """What SUBSCRIBE and its kin are answered with, a message a channel."""
    name = b"$-1\r\n" if channel is None else _bulk(channel)
    return mark + b"3\r\n" + _bulk(kind) + name + b":%d\r\n" % count


class Client:
    """A Redis client, with what it may say in the state it is in (redis.io: pub/sub, MONITOR, RESET, CLIENT REPLY)."""

    def __init__(self, random: Random) -> None:
        self.random, self.number = random, 0
        self.is_resp3 = self.is_monitoring = False
        self.channels: dict[bytes, list[bytes]] = {b"subscribe": [], b"psubscribe": [], b"ssubscribe": []}
        self.exchanges: list[Exchange] = []
        self.lines: list[Line] = []

    @property
    def subscribed(self) -> int:
        return sum(map(len, self.channels.values()))

    def say(self, words: tuple[bytes, ...], answer: bytes, kind: object = ..., shown: object = ...) -> None:
        """A command and its answer. Of what changes the state only the command is claimed."""
        self.exchanges.append(Exchange(_words(*words), answer))
        self.lines.append((b" ".join(words).decode(), kind, shown))

    def ask(self) -> None:
        """A command whose answer is known; a list may look like a message."""
        self.number += 1
        key, value = f"k{self.number}".encode(), text(self.random, 5)
        if self.random.random() < 0.3:
            self.say((b"LRANGE", key, b"0", b"-1"), _words(b"message", b"c", value), "*", ...)
        elif self.random.random() < 0.5:
            self.say((b"GET", key), _bulk(value), "$", value.decode())
        else:
            self.say((b"INCR", key), b":%d\r\n" % self.number, ":", str(self.number))

    def subscribe(self) -> None:
        """One to three channels, of any of the three kinds."""
        kind = self.random.choice(list(self.channels))
        names = [f"c{self.number}{i}".encode() for i in range(self.random.randint(1, 3))]
        self.number += 1
        answer = b""
        for name in names:
            self.channels[kind].append(name)
            # sharded channels count for themselves
            count = len(self.channels[kind]) if kind == b"ssubscribe" else self._shared()
            answer += _notice(kind, name, count, self._mark())
        self.say((kind.upper(), *names), answer)

    def unsubscribe(self) -> None:
        """Some channels by name, or all without a name."""
        kind = self.random.choice(list(self.channels))
        mine, word = self.channels[kind], kind.replace(b"sub", b"unsub", 1)
        names = self.random.sample(mine, self.random.randint(1, len(mine))) if mine else []
        is_all = self.random.random() < 0.4
        answer = b""
        for name in list(mine) if is_all else names:
            mine.remove(name)
            count = len(mine) if kind == b"ssubscribe" else self._shared()
            answer += _notice(word, name, count, self._mark())
        if not answer:
            count = 0 if kind == b"ssubscribe" else self._shared()
            answer = _notice(word, None, count, self._mark())
            is_all = True
        self.say((word.upper(), *(() if is_all else names)), answer)

    def hear(self) -> None:
        """A message comes, if there is a channel for it."""
        kind = self.random.choice(list(self.channels))
        if not self.channels[kind]:
            return
        name, data = self.channels[kind][0], text(self.random, 6)
        words = [kind.replace(b"subscribe", b"message"), name, data]
        if kind == b"psubscribe":
            words.insert(1, b"c*")
        message = b"%s%d\r\n" % (self._mark(), len(words)) + b"".join(map(_bulk, words))
        self.exchanges.append(Exchange(b"", message))

    def reset(self) -> None:
        """RESET ends everything: subscriptions, MONITOR, RESP3."""
        self.say((b"RESET",), b"+RESET\r\n", "+", "RESET")
        self.is_resp3 = self.is_monitoring = False
        for names in self.channels.values():
            names.clear()

    def quit(self) -> None:
        """QUIT is answered, and ends everything."""
        self.say((b"QUIT",), b"+OK\r\n", "+", "OK")

    def hello(self) -> None:
        """RESP3: messages are pushes, and commands may go on."""
        self.say((b"HELLO", b"3"), b"%1\r\n+proto\r\n:3\r\n")
        self.is_resp3 = True

    def monitor(self) -> None:
        """Every command of the server is shown from now on."""
        self.say((b"MONITOR",), b"+OK\r\n")
        for _ in range(self.random.randint(1, 3)):
            self.exchanges.append(Exchange(b"", b'+1733939274.692107 [0 192.0.2.1:51014] "get" "a"\r\n'))
        self.is_monitoring = True

    def silence(self) -> None:
        """CLIENT REPLY OFF until ON, or SKIP: what is asked meanwhile has no answer."""
        self.number += 1
        quiet = _words(b"SET", f"q{self.number}".encode(), b"v")
        if self.random.random() < 0.5:
            asked, answer = _words(b"CLIENT", b"REPLY", b"SKIP") + quiet, b""
            self.lines.append(("CLIENT REPLY SKIP", None, None))
            asked += _words(b"GET", b"after")
            answer, last = b"$2\r\nhi\r\n", ("GET after", "$", "hi")
        else:
            asked = _words(b"CLIENT", b"REPLY", b"OFF") + quiet + _words(b"CLIENT", b"REPLY", b"ON")
            self.lines.append(("CLIENT REPLY OFF", None, None))
            answer, last = b"+OK\r\n", ("CLIENT REPLY ON", "+", "OK")
        self.lines += [(f"SET q{self.number} v", None, None), last]
        self.exchanges.append(Exchange(asked, answer))

    def transact(self) -> None:
        """MULTI, what is queued, then EXEC or DISCARD."""
        self.say((b"MULTI",), b"+OK\r\n", "+", "OK")
        for _ in range(self.random.randint(0, 2)):
            self.number += 1
            self.say((b"INCR", f"m{self.number}".encode()), b"+QUEUED\r\n", "+", "QUEUED")
        if self.random.random() < 0.5:
            self.say((b"DISCARD",), b"+OK\r\n", "+", "OK")
        else:
            self.say((b"EXEC",), b"*1\r\n:1\r\n", "*", ...)

    def _shared(self) -> int:
        return len(self.channels[b"subscribe"]) + len(self.channels[b"psubscribe"])

    def _mark(self) -> bytes:
        return b">" if self.is_resp3 else b"*"


def redis_modes(random: Random) -> Sample:
    """Subscriptions, MONITOR, RESP3, silence and transactions; what is asked afterwards has its own answer."""
    client = Client(random)
    for _ in range(random.randint(3, 9)):
        if client.is_monitoring:
            client.reset()
        elif client.subscribed:
            more = [client.ask] if client.is_resp3 else []
            random.choice(
                [
                    client.hear,
                    client.hear,
                    client.unsubscribe,
                    client.unsubscribe,
                    client.reset,
                    client.subscribe,
                    *more,
                ]
            )()
        else:
            free = [client.ask, client.ask, client.subscribe, client.subscribe, client.monitor, client.hello]
            random.choice([*free, client.silence, client.transact])()
    while client.subscribed and not client.is_resp3:
        client.unsubscribe()
    if client.is_monitoring:
        random.choice([client.reset, client.quit])()
    else:
        client.ask()
    spoken = Spoken("redis", 6379, tuple(client.exchanges), tuple(client.lines))
    return played(random, spoken, depth=random.choice([1, 1, 4]))


EXPECTATIONS = {"http states": expectations}
MODES = {"redis modes": redis_modes}

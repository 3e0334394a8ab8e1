"""Two ends, the way between them, and what they say to each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from traffic.endpoint import Endpoint, State
from traffic.frames import End, Segment
from traffic.sending import Habits
from traffic.world import MS, Passage, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What happens between the ends. Shares are those of segments, 0 to 1."""

    delay_ns: int = 5 * MS
    """One way."""
    lost: float = 0.0
    reordered: float = 0.0
    """Held up by some packets' time."""
    doubled: float = 0.0
    """Delivered twice by the network, the same packet."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the client says and what the server answers. Without a request the server speaks by itself."""

    request: bytes
    answer: bytes
    enough: int | None = None
    """Bytes of the request after which the server answers; None: all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What two ends do."""

    client: End
    server: End
    exchanges: tuple[Exchange, ...]
    depth: int = 1
    """Requests under way at once: 1 waits for each answer."""
    closing: str = "client"
    """Who ends it: client, server, both, half (the client's FIN before the last answer), client reset, server reset, nobody."""
    opening: str = "plain"
    """plain, fast open, simultaneous, refused, unanswered."""
    think_ns: int = MS
    isns: tuple[int, int] = (1000, 5000)
    client_habits: Habits = field(default_factory=Habits)
    server_habits: Habits = field(default_factory=Habits)
    way: Way = field(default_factory=Way)


@dataclass(eq=False)
class Connection:
    """A plan being played. `client.received` is what the server's stream became."""

    world: World
    plan: Plan
    vlans: tuple[int, ...] = ()
    place: str = ""
    """Namespace or wire: taps of another place do not see it."""
    passages: list[Passage] = field(default_factory=list)
    on_passage: Callable[[Passage], None] | None = None
    _asked: int = 0
    _answered: int = 0

    def __post_init__(self) -> None:
        plan = self.plan
        self.client = Endpoint(
            *(self.world, plan.client, plan.server, plan.isns[0], plan.client_habits),
            lambda *sent: self._send(True, *sent),
        )
        self.server = Endpoint(
            *(self.world, plan.server, plan.client, plan.isns[1], plan.server_habits),
            lambda *sent: self._send(False, *sent),
        )
        self.client.progress, self.server.progress = self._client_moves, self._server_moves

    def start(self) -> None:
        """Open it now."""
        plan = self.plan
        if plan.opening == "unanswered":
            self.client.is_ignoring_synacks = True
        elif plan.opening not in ("refused", "simultaneous"):
            self.server.listen()
        if plan.opening == "fast open":
            self._ask()
            self.client.out.fast_open_bytes = min(len(self.client.out.stream), 1200)
        self.client.connect()
        if plan.opening == "simultaneous":
            self.world.after(
                plan.way.delay_ns // 4, self.server.connect
            )  # the client was first, also at a tap half-way

    def inject(self, segment: Segment, from_client: bool, label: str, *, reached: float = 1.0) -> Passage:
        """A stranger's segment on the same way; the end that it is for judges it."""
        return self._pass(segment, from_client, label, 0, reached=reached)

    def _send(self, from_client: bool, segment: Segment, offset: int, label: str) -> None:
        way, random = self.plan.way, self.world.random
        reached = random.random() * 0.99 if random.random() < way.lost else 1.0
        extra = random.randint(1, 4 * way.delay_ns) if random.random() < way.reordered else 0
        passage = self._pass(segment, from_client, label, offset, reached=reached, extra_ns=extra)
        if random.random() < way.doubled:
            self._pass(
                segment, from_client, "doubled", offset, extra_ns=random.randint(1, MS), ident=passage.packet.ident
            )

    def _pass(
        self, segment: Segment, from_client: bool, label: str, offset: int, *,
        reached: float = 1.0, extra_ns: int = 0, ident: int | None = None,
    ) -> Passage:  # fmt: skip
        now = self.world.now
        ident = self.world.next_ident() if ident is None else ident
        passage = Passage(
            packet=segment.packet(ident),
            from_client=from_client,
            sent_ns=now,
            arrives_ns=now + self.plan.way.delay_ns + extra_ns,
            segment=segment,
            reached=0.5 if self.plan.opening == "unanswered" else reached,
            connection=self,
            label=label,
            offset=offset,
        )
        self.passages.append(passage)
        self.world.passages.append(passage)
        if passage.reached == 1.0:
            end = self.server if from_client else self.client
            self.world.after(passage.arrives_ns - now, lambda: end.receive(segment))
        if self.on_passage is not None:
            self.on_passage(passage)
        return passage

    def _ask(self) -> None:
        """Write the requests that may be under way now."""
        exchanges, plan = self.plan.exchanges, self.plan
        done, left = 0, len(self.client.received)
        while done < len(exchanges) and left >= len(exchanges[done].answer):
            left -= len(exchanges[done].answer)
            if done >= self._asked:
                break
            done += 1
        while self._asked < min(done + plan.depth, len(exchanges)):
            if not exchanges[self._asked].request and self._asked > done:
                break
            self.client.write(exchanges[self._asked].request)
            self._asked += 1
        is_all_asked = self._asked == len(exchanges)
        is_last = done == len(exchanges)
        if (is_all_asked and plan.closing == "half") or (is_last and plan.closing in ("client", "both")):
            self.client.close()
        if is_last and plan.closing == "client reset" and self.client.state is State.ESTABLISHED:
            self.client.abort()

    def _client_moves(self) -> None:
        if self.client.state is State.ESTABLISHED:
            self._ask()
            if self.client.has_fin:
                self.client.close()

    def _server_moves(self) -> None:
        if self.server.state is not State.ESTABLISHED:
            return
        self.world.after(self.plan.think_ns, self._answer)

    def _answer(self) -> None:
        """Write the answer to the next request that is whole."""
        plan, server = self.plan, self.server
        if server.state is not State.ESTABLISHED or server.out.is_closing:
            return
        asked = self._enough()
        if self._answered < len(plan.exchanges) and len(server.received) >= asked:
            server.write(plan.exchanges[self._answered].answer)
            self._answered += 1
            self.world.after(plan.think_ns, self._answer)
        is_done = self._answered == len(plan.exchanges) and server.out.una > len(server.out.stream)
        is_written = self._answered == len(plan.exchanges)
        if (is_written and plan.closing in ("server", "both")) or (server.has_fin and is_written):
            server.close()
        elif is_done and plan.closing == "server reset":
            server.abort()

    def _enough(self) -> int:
        """Bytes of the client after which the next answer may begin."""
        exchanges = self.plan.exchanges[: self._answered + 1]
        asked = sum(len(each.request) for each in exchanges)
        last = exchanges[-1] if exchanges else None
        return asked if last is None or last.enough is None else asked - len(last.request) + last.enough

"""What one end of a TCP connection sends: how it cuts its stream, what it sends again, how it probes.

Offsets count an end's sequence numbers from its SYN: the SYN is 0, the first byte 1, the FIN comes after the last byte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from traffic.frames import ACK, FIN, PSH, SYN
from traffic.world import MS, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How an end behaves within what TCP allows."""

    mss: int = 1460
    is_recutting: bool = True
    """Segments and retransmissions are cut anew each time; else at full size."""
    capacity: int = 64240
    """Bytes of the receive buffer."""
    scale: int = 0
    """Window scale (RFC 7323 section 2.2); both ends say one or it does not count."""
    rto_ns: int = 200 * MS
    read_delay_ns: int = 0
    """How long the process lets what came lie in the buffer."""
    is_fin_with_data: bool = False
    keep_alive_ns: int = 0
    """Idle time before a keep-alive probe; 0: none."""
    keep_alive_bytes: int = 0
    """0, or 1 for a probe with a byte of garbage (RFC 1122 section 4.2.3.6)."""
    tries: int = 6
    """How often the same is sent again before the end gives up."""


MOST_PROBES = 3
"""Keep-alive probes of an end, so that a simulation comes to rest."""
Emit = Callable[[int, bytes, int, str], None]
"""offset, data, flags and label of a segment. The end adds its acknowledgment and window."""


class Outgoing:
    """The sending half of an end."""

    def __init__(self, world: World, habits: Habits, emit: Emit) -> None:
        self.world, self.habits, self.emit = world, habits, emit
        self.random: Random = world.random
        self.stream = bytearray()
        self.una = self.nxt = 0
        self.window = 0
        """What the peer takes, in bytes from `una`."""
        self.is_closing = self.is_dead = False
        self.syn_flags = SYN
        self.fast_open_bytes = 0
        """Bytes of the stream that ride on the SYN (RFC 7413)."""
        self._timer = self._tries = self._probes = 0
        self._last_ns = 0

    @property
    def end(self) -> int:
        """The offset after all that will be sent: data, and FIN when closing."""
        return 1 + len(self.stream) + self.is_closing

    @property
    def is_fin_acknowledged(self) -> bool:
        return self.is_closing and self.una == self.end

    def write(self, data: bytes) -> None:
        """The process writes."""
        assert not self.is_closing
        self.stream += data

    def send_syn(self, flags: int) -> None:
        """The first segment, or its repetition."""
        self.syn_flags = flags
        data = bytes(self.stream[: self.fast_open_bytes])
        self.emit(0, data, flags, "")
        self.nxt = max(self.nxt, 1 + len(data))
        self._arm()

    def pump(self) -> None:
        """Send what the window allows."""
        while not self.is_dead and self.nxt < self.end:
            room = self.una + self.window - self.nxt
            left = 1 + len(self.stream) - self.nxt
            if room <= 0 and (left or self.window == 0):
                self._arm()
                return
            if room < min(left, self.habits.mss) and self.una < self.nxt:
                return  # no small segments while others are under way (RFC 9293 section 3.8.6.2.1)
            self.nxt += self._send_from(self.nxt, room)

    def acknowledged(self, offset: int, window: int) -> None:
        """The peer has all before `offset`, and takes `window` bytes more."""
        if offset > self.una:
            self.una, self._tries = offset, 0
            self.nxt = max(self.nxt, offset)
        self.window = window
        self._timer += 1
        self.pump()
        if self.una < self.nxt:
            self._arm()
        elif self.habits.keep_alive_ns:
            self._watch()

    def stop(self) -> None:
        """Nothing more is sent, nothing again."""
        self.is_dead = True
        self._timer += 1

    def _send_from(self, offset: int, room: int) -> int:
        """One segment with what begins at `offset`; the sequence numbers it takes."""
        left = 1 + len(self.stream) - offset
        size = min(left, self.habits.mss, max(room, 1))
        if self.habits.is_recutting and size > 1:
            size = self.random.randint(1, size) if self.random.random() < 0.3 else size
        data = bytes(self.stream[offset - 1 : offset - 1 + size])
        flags = ACK | (PSH if data and size == left else 0)
        is_last = self.is_closing and size == left
        if is_last and (not data or self.habits.is_fin_with_data):
            flags |= FIN
        self.emit(offset, data, flags, "")
        self._arm()
        return size + (1 if flags & FIN else 0)

    def _arm(self) -> None:
        self._timer += 1
        mine = self._timer
        self.world.after(self.habits.rto_ns << min(self._tries, 4), lambda: self._expire(mine))

    def _expire(self, mine: int) -> None:
        """What was not acknowledged in time is sent again, cut anew; a closed window is probed."""
        if mine != self._timer or self.is_dead:
            return
        self._tries += 1
        if self._tries > self.habits.tries:
            self.stop()
        elif self.una == 0 and self.nxt:
            self.send_syn(self.syn_flags)
        elif self.window == 0 and self.una == self.nxt < 1 + len(self.stream):
            self.emit(self.nxt - 1, b"", ACK, "window probe")  # as Linux does: tcp_xmit_probe_skb
            self._arm()
        elif self.una < self.nxt:
            sent = self._send_from(self.una, self.habits.mss)
            self.nxt = max(self.nxt, self.una + sent)

    def _watch(self) -> None:
        """Probe the peer when nothing happened for a while."""
        self._last_ns = self.world.now
        then = self._last_ns

        def probe() -> None:
            if (
                self.is_dead
                or self._last_ns != then
                or self.una != self.nxt
                or self.is_closing
                or self._probes == MOST_PROBES
            ):
                return
            self._probes += 1
            self.emit(self.nxt - 1, bytes(self.habits.keep_alive_bytes), ACK, "keep-alive")

        self.world.after(self.habits.keep_alive_ns, probe)

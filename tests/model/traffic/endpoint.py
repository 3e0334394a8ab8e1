"""One end of a TCP connection. It accepts and refuses as RFC 9293 section 3.10.7 and RFC 5961 say."""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import Enum, auto

from traffic.frames import ACK, FIN, RST, SYN, End, Segment
from traffic.sending import Habits, Outgoing
from traffic.world import World


class State(Enum):
    """RFC 9293 section 3.3.2. The FINs that are there say what follows ESTABLISHED."""

    CLOSED = auto()
    LISTEN = auto()
    SYN_SENT = auto()
    SYN_RECEIVED = auto()
    ESTABLISHED = auto()


def signed(difference: int) -> int:
    """A difference of sequence numbers as a number from -2^31 to 2^31 - 1."""
    return ((difference + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


class Endpoint:
    """An end. `transmit` puts a segment on the way; `progress` is called when data, a FIN or the handshake came."""

    def __init__(
        self,
        world: World,
        here: End,
        there: End,
        isn: int,
        habits: Habits,
        transmit: Callable[[Segment, int, str], None],
    ) -> None:
        self.world, self.here, self.there, self.isn, self.habits = world, here, there, isn, habits
        self._transmit = transmit
        self.progress: Callable[[], None] = lambda: None
        self.out = Outgoing(world, habits, self._emit)
        self.state = State.CLOSED
        self.irs = 0
        self.received = bytearray()
        self.has_fin = self.was_reset = False
        self.is_ignoring_synacks = False
        self.refused: list[str] = []
        """What was not taken, by reason: what self-tests look at."""
        self._early: dict[int, int] = {}
        self._fin_at: int | None = None
        self._unread = 0
        self._scales = (0, 0)

    @property
    def rcv_nxt(self) -> int:
        """The offset of the peer that is waited for."""
        return 1 + len(self.received) + self.has_fin

    def connect(self) -> None:
        """Active open."""
        self.state = State.SYN_SENT
        self.out.send_syn(SYN)

    def listen(self) -> None:
        """Passive open."""
        self.state = State.LISTEN

    def write(self, data: bytes) -> None:
        """The process writes."""
        self.out.write(data)
        if self.state is State.ESTABLISHED:
            self.out.pump()

    def close(self) -> None:
        """The process closes its side."""
        if not self.out.is_closing and not self.out.is_dead:
            self.out.is_closing = True
            if self.state is State.ESTABLISHED:
                self.out.pump()

    def abort(self) -> None:
        """The process closes with data unread, or with SO_LINGER 0: RST."""
        self._emit(self.out.nxt, b"", RST | ACK, "")
        self._die()

    def receive(self, segment: Segment) -> None:
        """A segment came for this end."""
        if self.state is State.CLOSED:
            self._answer_closed(segment)
        elif self.state is State.LISTEN:
            self._receive_listening(segment)
        elif self.state is State.SYN_SENT:
            self._receive_syn_sent(segment)
        else:
            self._receive_synchronized(segment)

    def _emit(self, offset: int, data: bytes, flags: int, label: str) -> None:
        has_ack = flags & ACK
        window = self._free()
        options = b""
        if flags & SYN:
            options = struct.pack("!BBH", 2, 4, self.habits.mss) + struct.pack("!BBBB", 1, 3, 3, self.habits.scale)
            window = min(window, 0xFFFF)
        else:
            window = min(window >> self._scales[0], 0xFFFF)
        segment = Segment(
            source=self.here,
            target=self.there,
            seq=(self.isn + offset) & 0xFFFFFFFF,
            ack=(self.irs + self.rcv_nxt) & 0xFFFFFFFF if has_ack else 0,
            flags=flags,
            data=data,
            window=window,
            options=options,
        )
        self._transmit(segment, offset - 1 + bool(flags & SYN), label)

    def _free(self) -> int:
        return max(self.habits.capacity - self._unread, 0)

    def _acknowledge(self, label: str = "") -> None:
        self._emit(self.out.nxt, b"", ACK, label)

    def _die(self) -> None:
        self.state = State.CLOSED
        self.out.stop()

    def _answer_closed(self, segment: Segment) -> None:
        """RFC 9293 section 3.10.7.1: anything but an RST is answered by one."""
        if segment.flags & RST:
            return
        if segment.flags & ACK:
            answer = Segment(source=self.here, target=self.there, seq=segment.ack, flags=RST, window=0)
        else:
            size = len(segment.data) + bool(segment.flags & SYN) + bool(segment.flags & FIN)
            ack = (segment.seq + size) & 0xFFFFFFFF
            answer = Segment(source=self.here, target=self.there, seq=0, ack=ack, flags=RST | ACK, window=0)
        self._transmit(answer, 0, "answer of a closed port")

    def _receive_listening(self, segment: Segment) -> None:
        if segment.flags & (RST | ACK) or not segment.flags & SYN:
            self.refused.append("listening")
            return
        self._take_syn(segment)
        self.state = State.SYN_RECEIVED
        if segment.data:  # TCP Fast Open, with a cookie that was right
            self._take_data(1, segment.data, segment.flags & FIN)
        self.out.send_syn(SYN | ACK)

    def _receive_syn_sent(self, segment: Segment) -> None:
        """RFC 9293 section 3.10.7.3."""
        acked = signed(segment.ack - self.isn)
        if segment.flags & ACK and not 0 < acked <= self.out.nxt:
            self.refused.append("ack of no SYN")
            if not segment.flags & RST:
                answer = Segment(source=self.here, target=self.there, seq=segment.ack, flags=RST, window=0)
                self._transmit(answer, 0, "answer to a wrong ack")
            return
        if segment.flags & RST:
            if segment.flags & ACK:
                self.was_reset = True
                self._die()
            return
        if not segment.flags & SYN or self.is_ignoring_synacks:
            return
        self._take_syn(segment)
        if segment.flags & ACK:
            self.state = State.ESTABLISHED
            self._acknowledge()
            self.out.acknowledged(acked, segment.window)
            self.progress()
        else:  # both opened at once
            self.state = State.SYN_RECEIVED
            self.out.send_syn(SYN | ACK)

    def _take_syn(self, segment: Segment) -> None:
        self.irs = segment.seq
        theirs = segment.options[7] if len(segment.options) >= 8 else 0
        self._scales = (self.habits.scale, theirs)

    def _receive_synchronized(self, segment: Segment) -> None:
        """RFC 9293 section 3.10.7.4, with RFC 5961's checks of RST, SYN and ACK."""
        offset = self.rcv_nxt + signed(segment.seq - self.irs - self.rcv_nxt)
        size = len(segment.data) + bool(segment.flags & SYN) + bool(segment.flags & FIN)
        if segment.flags & SYN:
            if offset == 0 and self.out.una == 0:
                if segment.flags & ACK:  # the other half of a simultaneous open
                    self._take_ack(segment)
                    self.progress()
                else:
                    self.out.send_syn(SYN | ACK)
            elif segment.flags & ACK and offset == 0:
                self._acknowledge()  # the SYN+ACK again: our ACK was lost
            else:
                self._refuse("SYN")
            return
        if not self._is_in_window(offset, size):
            if segment.flags & RST:
                self.refused.append("RST out of window")
            else:
                self._refuse("out of window")
            return
        if segment.flags & RST:
            if offset == self.rcv_nxt:
                self.was_reset = True
                self._die()
                self.progress()
            else:
                self._refuse("RST in window, not exact")
            return
        if self._take_ack(segment):
            self._take_data(offset, segment.data, segment.flags & FIN)
            if size:
                self._acknowledge()
            self.progress()

    def _refuse(self, why: str) -> None:
        """Answer by what RFC 5961 calls a challenge ACK."""
        self.refused.append(why)
        self._acknowledge("challenge ack")

    def _is_in_window(self, offset: int, size: int) -> bool:
        """RFC 9293 section 3.4, the four cases; what is below counts as a repetition there, and is refused too."""
        first, beyond = self.rcv_nxt, self.rcv_nxt + self._free()
        if size == 0:
            return first <= offset < beyond or offset == first
        return first <= offset < beyond or first <= offset + size - 1 < beyond

    def _take_ack(self, segment: Segment) -> bool:
        """RFC 5961 section 5.2: an ACK of what was never sent, or far below, is refused with all the segment holds."""
        if not segment.flags & ACK:
            return False
        acked = self.out.una + signed(segment.ack - self.isn - self.out.una)
        if acked > self.out.nxt or acked < self.out.una - max(self.out.window, 0xFFFF):
            self._refuse("ack")
            return False
        window = segment.window << (0 if segment.flags & SYN else self._scales[1])
        if self.state is State.SYN_RECEIVED:
            if acked == 0:
                return False
            self.state = State.ESTABLISHED
        if acked >= self.out.una:
            self.out.acknowledged(acked, window)
        return True

    def _take_data(self, offset: int, data: bytes, fin: int) -> None:
        """Keep what is new; move on over what is in order."""
        before = len(self.received)
        if offset == self.rcv_nxt and not self._early and not self.has_fin:
            self.received += data
        else:
            for i, byte in enumerate(data):
                if offset + i >= self.rcv_nxt:
                    self._early.setdefault(offset + i, byte)
        if fin:
            self._fin_at = offset + len(data)
        while not self.has_fin and self.rcv_nxt in self._early:
            self.received.append(self._early.pop(self.rcv_nxt))
        if self._fin_at == self.rcv_nxt and not self.has_fin:
            self.has_fin = True
        self._read(len(self.received) - before)

    def _read(self, size: int) -> None:
        """The process reads what came, at once or later; a window that opens again is said."""
        if not size or not self.habits.read_delay_ns:
            return
        self._unread += size

        def read() -> None:
            was = self._free()
            self._unread -= size
            if was < self.habits.mss and self.state is State.ESTABLISHED:
                self._acknowledge("window update")

        self.world.after(self.habits.read_delay_ns, read)

# cython: language_level=3
"""Rows of messages to turns, one after the other: what costs a log of a protocol most where flows say little.

In: rows, in which the two ends of one message are neighbours. Out: turns with whose they were. Must not know any protocol.
"""

from cpython.object cimport PyObject, PyTypeObject
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

import numpy as np

from pcapdig.protocols.conversation import Moment, Seen, Turn
from pcapdig.trace.columns import TCP_FIN, TCP_RST, Messages

cdef uint8_t _FIN_OR_RST = TCP_FIN | TCP_RST
cdef uint8_t _RST = TCP_RST

cdef enum:
    _UDP = 17


cdef inline object _named(object kind, tuple values):
    """A named tuple. Its own constructor is Python, and takes three times as long."""
    cdef tuple arguments = (values,)
    return (<PyTypeObject *>tuple).tp_new(<type>kind, <PyObject *>arguments, NULL)


cdef class Load:
    """What waits in the dialogues of one chisel, and how much of it may."""

    cdef public Py_ssize_t dialogues_max, requests_max, begun_max
    cdef public Py_ssize_t requests, begun  # without an answer; dialogues since idle ones were dropped
    cdef public int64_t size_max, size_bytes

    def __init__(self, Py_ssize_t dialogues_max, Py_ssize_t requests_max, int64_t size_max, Py_ssize_t begun_max):
        self.dialogues_max, self.requests_max, self.size_max, self.begun_max = dialogues_max, requests_max, size_max, begun_max

    @property
    def is_over(self):
        """More requests or bytes wait than may."""
        return self.requests > self.requests_max or self.size_bytes > self.size_max

    cdef bint add(self, Py_ssize_t dialogues, Py_ssize_t size) noexcept:
        """One more of `dialogues` waits, with one request. True: there has to be made room."""
        self.begun += 1
        self.requests += 1
        self.size_bytes += size
        return (self.begun >= self.begun_max or dialogues > self.dialogues_max or self.requests > self.requests_max
                or self.size_bytes > self.size_max)


cdef class Turns:
    """Gives (flow, what `by_flow` has for it, turn) of each message that has anything new and is a flow's.

    `by_flow` and `left` are read when a turn is requested; flows whose value in `left`, a number a flow, is `over` are passed over.

    Most datagrams of a flood are a question, and all their flow ever says. `lone`, given data, from_client and moment of a datagram whose flow
    has no dialogue, gives what stands in `by_flow` for it until there is more, or None. It is no turn: it is put there and weighed here, unless
    `load` says that room has to be made: then it is given without a turn. While answers wait for their requests (`early`) there are none.
    """

    cdef const int64_t[:] packet, size, time_ns
    cdef const int32_t[:] flow, process
    cdef const uint8_t[:] forward, is_write, flags
    cdef const uint64_t[:] number
    cdef Py_ssize_t at, count
    cdef dict by_flow, ends
    cdef const uint8_t[:] left
    cdef uint8_t over
    cdef object buffer_of, gaps_of
    cdef list buffers, gaps  # of messages, which have them in lists
    cdef const uint8_t[:] protocol
    cdef object lone, early
    cdef Load load

    def __init__(self, rows, dict by_flow, const uint8_t[:] left, uint8_t over, dict ends, lone=None, Load load=None, early=()):
        self.packet, self.size, self.time_ns, self.number = rows.packet, rows.size, rows.time_ns, rows.number
        self.flow, self.process, self.flags = rows.flow, rows.process, rows.tcp_flags
        self.forward, self.is_write = rows.forward.view(np.uint8), rows.is_write.view(np.uint8)
        self.count = len(rows)
        self.by_flow, self.left, self.ends, self.over = by_flow, left, ends, over
        self.protocol, self.lone, self.load, self.early = rows.trace.flows.protocol, lone, load, early
        facts = rows.facts
        self.buffer_of, self.gaps_of = facts.buffer, facts.gaps
        if isinstance(facts, Messages):
            self.buffers, self.gaps = facts.buffers, facts.gap_lists
        if min(map(len, (self.packet, self.size, self.time_ns, self.number, self.flow, self.process, self.flags, self.forward,
                         self.is_write))) < self.count:
            raise ValueError("columns of different lengths")
        if len(left) < len(rows.trace.flows):
            raise ValueError(f"{len(left)} marks for {len(rows.trace.flows)} flows")

    def __iter__(self):
        return self

    def __next__(self):
        cdef Py_ssize_t i
        cdef int64_t packet
        cdef uint8_t flags
        while self.at < self.count:
            i = self.at
            packet = self.packet[i]
            self.at += 1
            while self.at < self.count and self.packet[self.at] == packet:
                self.at += 1
            if self.flow[i] < 0 or not self.size[i]:
                continue  # no connection's, or a copy of what was read before
            if self.left[self.flow[i]] == self.over:
                continue
            key = self.flow[i]
            dialogue = self.by_flow.get(key)
            flags = self.flags[i] & _FIN_OR_RST
            moment = _named(Moment, (self.time_ns[i], self.number[i], self._seen(i)))
            data = self.buffer_of(packet) if self.buffers is None else self.buffers[packet]
            if dialogue is None and self.lone is not None and self.protocol[self.flow[i]] == _UDP and not self.early:
                dialogue = self.lone(data, self.forward[i] != 0, moment)
                if dialogue is not None:
                    self.by_flow[key] = dialogue
                    if self.load.add(len(self.by_flow), len(data)):
                        return key, dialogue, None
                    continue
            gaps = self.gaps_of(packet) if self.gaps is None else self.gaps[packet]
            values = (data, self.forward[i] != 0, moment, gaps, flags != 0, flags & _RST != 0)
            return key, dialogue, _named(Turn, values)
        raise StopIteration

    cdef tuple _seen(self, Py_ssize_t at):
        """The ends of the message whose rows go from here to the next one's."""
        cdef tuple seen = self._end(at)
        at += 1
        while at < self.at:
            seen += self._end(at)
            at += 1
        return seen

    cdef tuple _end(self, Py_ssize_t at):
        """One end. The same few come again and again, so they are remembered."""
        cdef uint8_t forward = self.forward[at], is_write = self.is_write[at]
        key = <int64_t>self.process[at] * 4 + (forward != 0) * 2 + (is_write != 0)
        end = self.ends.get(key)
        if end is None:
            end = self.ends[key] = (Seen(bool(forward) == bool(is_write), bool(is_write), self.process[at]),)
        return end

# cython: language_level=3
"""The plain question of DNS that is all its flow has said: what most of a flood is.

In: a datagram. Out: `LoneQuestion`, dialogue and record at once, in a tenth of the time and memory of both. What is not plain is left to
dns.py. Source: RFC 1035 section 4.1.
"""

from cpython.unicode cimport PyUnicode_DecodeASCII
from libc.stdint cimport uint8_t

from pcapdig.protocols.conversation import Turn
from pcapdig.protocols.dns import DnsDialogue
from pcapdig.protocols.dns_records import read_message
from pcapdig.protocols.dns_types import type_name

cdef enum:
    HEADER = 12
    LABEL_MAX = 63
    NAME_MAX = 253  # characters, without the final dot


cdef class LoneQuestion:
    """One question, which may have an answer yet. As a dialogue it only ends, or goes on as a DnsDialogue; as a record it has no answer."""

    cdef readonly bytes data
    cdef readonly object asked
    """Its Moment."""
    cdef readonly str name
    cdef readonly int type_number
    cdef bint from_client

    answered = None
    answer = None
    latency_ns = None
    message = None
    records = None
    pairs_by_order = False
    is_idle = False
    is_over = False
    waiting_bytes = 0

    @staticmethod
    def read(bytes data, bint from_client, moment):
        """What a datagram asks, if it is a query with one question, nothing else, and a name of plain letters; else None."""
        cdef const uint8_t *at = data
        cdef Py_ssize_t size = len(data), end = HEADER, i
        cdef char name[NAME_MAX + LABEL_MAX + 2]
        cdef Py_ssize_t used = 0
        cdef uint8_t length, character
        cdef LoneQuestion question
        if size < HEADER + 7 or at[2] & 0xF8 or at[4] or at[5] != 1:  # a response, another opcode, more questions
            return None
        for i in range(6, HEADER):
            if at[i]:
                return None
        while True:
            if end >= size:
                return None
            length = at[end]
            end += 1
            if length == 0:
                break
            if length > LABEL_MAX or end + length > size or used + length > NAME_MAX:
                return None
            for i in range(end, end + length):
                character = at[i]
                if character <= 0x20 or character >= 0x7F or character == c'.' or character == c'"' or character == c'\\':
                    return None
                name[used] = <char>character
                used += 1
            name[used] = c'.'
            used += 1
            end += length
        if used == 0 or used - 1 > NAME_MAX or end + 4 > size:
            return None
        question = LoneQuestion.__new__(LoneQuestion)
        question.data, question.asked, question.from_client = data, moment, from_client
        question.name = PyUnicode_DecodeASCII(name, used - 1, NULL)
        question.type_number = at[end] << 8 | at[end + 1]
        return question

    @property
    def moment(self):
        """When it was."""
        return self.asked

    @property
    def query(self):
        """The whole message."""
        return read_message(self.data)

    @property
    def told(self):
        """The same: it says what was asked."""
        return read_message(self.data)

    @property
    def open(self):
        """What waits for an answer."""
        return (self,)

    @property
    def type(self):
        """A, AAAA, ...; as in DnsQuestion."""
        return type_name(self.type_number)

    def end(self):
        """No answer has come."""
        return [self]

    def close(self):
        """Nothing reads it."""

    def grown(self):
        """The dialogue that a second datagram of the flow needs."""
        dialogue = DnsDialogue(is_stream=False)
        dialogue.feed(Turn(self.data, bool(self.from_client), self.asked))
        return dialogue

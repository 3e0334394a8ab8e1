"""Zone transfers: one question, and as many messages as the zone needs.

In: the messages that answer one query for AXFR or IXFR over TCP. Out: which of them is the last. Source: RFC 5936 section 2.2 (AXFR: from
SOA to SOA), RFC 1995 section 4 (IXFR: the new SOA, then for each older version its SOA, what was deleted, the SOA after it,
what was added; the new SOA again), RFC 1982 (which version is newer). Over UDP an answer is one message: RFC 1995 section 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcapdig.protocols.dns_records import soa_serial
from pcapdig.protocols.states import State

if TYPE_CHECKING:
    from pcapdig.protocols.dns_records import DnsAnswer, DnsMessage

RECORDS_LIMIT = 1 << 14
"""Records read of one message of a transfer: all that 64 KiB can hold."""
TYPES = frozenset({"AXFR", "IXFR"})

STATES = (
    State(
        "zone transfer", "AXFR or IXFR over TCP, answered with an SOA record", "each message with its id is a further part of the answer",
        ("AXFR: the second SOA", "IXFR: the SOA of the new version in the place of an older one's",
         "IXFR: a version that is not newer than the client's", "a message with an error", "a query with the same id"),
    ),
)  # fmt: skip
"""What docs/protocol-states.md says of DNS."""


class Transfer:
    """One transfer, as far as it has come."""

    def __init__(self, query: DnsMessage) -> None:
        self.messages = 0
        self.records = 0
        self.is_over = False
        self.is_whole = True
        """No message was lost, and no record left unread."""
        self._query = query
        self._is_incremental = query.questions[0].type == "IXFR"
        self._taken = 0
        self._serial: int | None = None  # of the new version
        self._deletes = False  # an older version's SOA came last

    def take(self, message: DnsMessage) -> None:
        """The next message."""
        self.messages += 1
        self.records += message.answer_count
        self.is_whole &= not message.is_cut
        if message.rcode != "NOERROR" or message.is_truncated:
            self.is_over = True
            return
        for record in message.answers:
            self._record(record)
        if self._taken == 0:
            self.is_over = True  # no record: this is no transfer

    def _record(self, record: DnsAnswer) -> None:
        """The next record. The first is the SOA of the version that is sent; the second says which of two forms IXFR takes."""
        self._taken += 1
        serial = soa_serial(record)
        if self._taken == 1:
            self._serial = serial
            self.is_whole &= serial is not None  # else the messages before it were lost
            known = self._query.serial
            is_new = known is None or serial is None or 0 < serial - known & 0xFFFFFFFF < 1 << 31
            self.is_over = self._is_incremental and not is_new
            return
        if self._taken == 2:
            self._is_incremental &= serial not in (None, self._serial)
        if serial is None or self._serial is None:
            return
        if not self._is_incremental or (not self._deletes and self._taken > 2 and serial == self._serial):
            self.is_over = True
        self._deletes = not self._deletes

"""dnslog: a line for each name asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pcapdig.chisels.chisel import Arg
from pcapdig.chisels.logs import LogChisel, known_members
from pcapdig.errors import UsageError
from pcapdig.render.items import Line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pcapdig.chisels.dialogues import Found, Opening
    from pcapdig.chisels.logs import Members
    from pcapdig.protocols._dns_question import LoneQuestion
    from pcapdig.protocols.conversation import Dialogue
    from pcapdig.protocols.dns import DnsCall


_PORTS = "fd.port in (53, 5353, 5355)"
"""DNS, multicast DNS (RFC 6762), LLMNR (RFC 4795)."""


class Dnslog(LogChisel["DnsCall"]):
    """Queries and their answers, over UDP and TCP."""

    name: ClassVar[str] = "dnslog"
    short_description: ClassVar[str] = "DNS queries log"
    description: ClassVar[str] = (
        "Prints a line for each DNS query, over UDP and TCP, when its answer comes: name, type, response code, the answers' "
        "data parted by commas, time from query to answer, and the processes at both ends as far as they are known. mDNS and LLMNR "
        "are read too; their answers go to others than their queries, so each has a line of its own. A query without an answer "
        "is shown after a minute or at the end with <NA>; one that was repeated has a line for each time. A zone transfer "
        "has a line for each of its messages, with its number, and the last says how many records all had together. -v adds process "
        "ids and the connection."
    )
    args: ClassVar[tuple[Arg, ...]] = (
        Arg(name="port", type="int", description="port of the servers, in place of 53, 5353 and 5355", optional=True),
    )

    def __init__(self, *, port: str | None = None, verbose: bool = False) -> None:
        """Raises UsageError where `port` is none. `verbose`: with process ids and connection."""
        if port is not None and not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
            raise UsageError(f"chisel dnslog: {port!r} is not a port, 1 to 65535")
        from pcapdig.protocols._dns_question import LoneQuestion
        from pcapdig.protocols.dns import DnsDialogue  # once: a dialogue is begun for each connection
        from pcapdig.protocols.dns_records import UPDATE, opcode_name

        self._new_dialogue, self._opcode_name, self._update = DnsDialogue, opcode_name, UPDATE
        super().__init__(
            own_filter=_PORTS if port is None else f"fd.port={int(port)}", verbose=verbose, lone=LoneQuestion
        )
        self._lone = LoneQuestion
        self._unknown = (
            "latency=<NA> client.proc=<NA> client.pid=<NA> server.proc=<NA> server.pid=<NA>"
            if verbose
            else "latency=<NA> client.proc=<NA> server.proc=<NA>"
        )

    def begin(self, opening: Opening) -> Dialogue[DnsCall, Any] | None:
        """Any message at that port."""
        return self._new_dialogue(is_stream=not opening.is_datagram)

    def lines(self, found: Found[DnsCall]) -> Iterable[Line]:
        """One line, with both ends."""
        call = found.record
        if type(call) is self._lone and all(end.process < 0 for end in call.asked.seen):
            return (self._lone_line(found, call),)
        questions, answer, opcode = call.told.questions, call.answer, call.told.opcode
        name = ",".join(question.name for question in questions) or None
        kind = ",".join(question.type for question in questions) or None
        rcode = answer.rcode if answer else None
        # What is in the place of answers in an update are its conditions (RFC 2136 section 2.4).
        # An answer that does not repeat the question, and a zone, say themselves what they are of.
        is_about_question = questions and call.message is None
        texts = (
            [f"{'' if is_about_question else f'{one.name} {one.type} '}{one.text}" for one in answer.answers]
            if answer and opcode != self._update
            else []
        )
        text = ",".join(texts)
        pairs: dict[str, object] = {"query": name, "type": kind, "rcode": rcode, "answer": text or None}
        if opcode:
            pairs["opcode"] = self._opcode_name(opcode)
        if call.message is not None:
            pairs["message"] = call.message
            if call.records is not None:
                pairs["records"] = call.records

        def members() -> Members:
            yield "query", name
            yield "type", kind
            yield "rcode", rcode
            yield "answer", text if answer and (text or not answer.is_cut) else None
            yield "id", call.told.id
            yield "opcode", self._opcode_name(opcode) if opcode else None
            yield "message", call.message
            yield "records", call.records
            yield "query_edns", (call.query.options or None) if call.query else None
            yield "answer_edns", (answer.options or None) if answer else None

        return (self.call_line(found, pairs, members()),)

    def _lone_line(self, found: Found[DnsCall], question: LoneQuestion) -> Line:
        """The same for what most of a flood is: a plain question without an answer, and nobody known at either end."""
        time_ns = question.asked.time_ns
        return Line(
            f"{self._clock.date_and_time_ns(time_ns)} query={question.name} type={question.type} rcode=<NA> answer=<NA> "
            f"{self._unknown} fd.name={found.connection}",
            None,
            self._lone_members(found, question),
            False,
            time_ns,
        )

    def _lone_members(self, found: Found[DnsCall], question: LoneQuestion) -> Members:
        """What -j says of it."""
        yield from known_members(found, (("query", question.name), ("type", question.type), ("id", question.told.id)))

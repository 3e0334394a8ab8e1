"""dnslog: a line for each name asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pcapdig.chisels.chisel import Arg
from pcapdig.chisels.logs import LogChisel
from pcapdig.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pcapdig.chisels.dialogues import Found, Opening
    from pcapdig.protocols.conversation import Dialogue
    from pcapdig.protocols.dns import DnsCall
    from pcapdig.render.items import Line


class Dnslog(LogChisel["DnsCall"]):
    """Queries and their answers, over UDP and TCP."""

    name: ClassVar[str] = "dnslog"
    short_description: ClassVar[str] = "DNS queries log"
    description: ClassVar[str] = (
        "Prints a line for each DNS query, over UDP and TCP, when its answer comes: name, type, response code, the answers' "
        "data parted by commas, time from query to answer, and the processes at both ends as far as they are known. A "
        "query without an answer is shown at the end with <NA>; one that was repeated has a line for each time. -v adds process "
        "ids and the connection."
    )
    args: ClassVar[tuple[Arg, ...]] = (
        Arg(name="port", type="int", description="port of the servers, in place of 53", optional=True),
    )

    def __init__(self, *, port: str = "53", verbose: bool = False) -> None:
        """Raises UsageError where `port` is none. `verbose`: with process ids and connection."""
        if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
            raise UsageError(f"chisel dnslog: {port!r} is not a port, 1 to 65535")
        super().__init__(own_filter=f"fd.port={int(port)}", verbose=verbose)

    def begin(self, opening: Opening) -> Dialogue[DnsCall, Any] | None:
        """Any message at that port."""
        from pcapdig.protocols.dns import DnsDialogue

        return DnsDialogue(is_stream=not opening.is_datagram)

    def lines(self, found: Found[DnsCall]) -> Iterable[Line]:
        """One line, with both ends."""
        call = found.record
        questions, answer = call.told.questions, call.answer
        name = ",".join(question.name for question in questions) or None
        kind = ",".join(question.type for question in questions) or None
        rcode = answer.rcode if answer else None
        answers = ",".join(record.text for record in answer.answers) if answer else None
        yield self.call_line(
            found,
            {"query": name, "type": kind, "rcode": rcode, "answer": answers or None},
            {"query": name, "type": kind, "rcode": rcode, "answer": answers, "id": call.told.id},
        )

"""httplog: a line for each HTTP request, at each end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pcapdig.chisels.logs import LogChisel, container_of, known_members
from pcapdig.render.items import NOT_KNOWN, Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pcapdig.chisels.dialogues import Found, Opening
    from pcapdig.chisels.logs import Members
    from pcapdig.procs.process import Process
    from pcapdig.protocols.conversation import Dialogue
    from pcapdig.protocols.http import HttpCall
    from pcapdig.streams.reassembler import Beginning


def http_beginning() -> Beginning:
    """Where HTTP begins in a flow."""
    from pcapdig.protocols._http_heads import starts
    from pcapdig.protocols.http_messages import FIRST_BYTES
    from pcapdig.streams.reassembler import Beginning

    return Beginning(starts, FIRST_BYTES)


class Httplog(LogChisel["HttpCall"]):
    """Requests and their responses, HTTP/1.0 and 1.1 at any port."""

    name: ClassVar[str] = "httplog"
    short_description: ClassVar[str] = "HTTP requests log"
    description: ClassVar[str] = (
        "Prints a line for each HTTP request (1.0 and 1.1, any port) when its response is complete: method, host and path, "
        "status code, milliseconds from the request's first packet to the response's, bytes of the response's body as sent. "
        "'<' is the server's end, '>' the client's: between two processes of this machine there is a line for each. Pipelined "
        "requests, and bodies that are chunked or end with the connection, are read; a request without an answer is shown "
        "with <NA>. The time is the response's, else the request's. -v adds the process and the connection, which is shown in any case "
        "where no process is known."
    )

    with_containers: ClassVar[type[Httplog]]

    def __init__(self, *, verbose: bool = False) -> None:
        """`verbose`: with process and connection."""
        from pcapdig.protocols.http import HttpDialogue, starts  # once: a dialogue is begun for each connection

        super().__init__(verbose=verbose)
        self.beginning = http_beginning()
        self._starts, self._new_dialogue = starts, HttpDialogue

    def place(self, process: Process | None) -> str:
        """What stands between time and arrow."""
        return ""

    def begin(self, opening: Opening) -> Dialogue[HttpCall, Any] | None:
        """Where a request or a response begins."""
        return self._new_dialogue() if self._starts(opening.data) else None

    def lines(self, found: Found[HttpCall]) -> Iterator[Line]:
        """A line an end."""
        call = found.record
        request, response = call.request, call.response
        method, url = (request.method, request.url) if request else (NOT_KNOWN, NOT_KNOWN)
        code, size = (response.status, f"{response.body.size_bytes}B") if response else (None, NOT_KNOWN)
        latency_ns = call.latency_ns
        latency = NOT_KNOWN if latency_ns is None else f"{latency_ns // 1_000_000}ms"
        words = f"method={method} url={url} response_code={NOT_KNOWN if code is None else code} latency={latency} size={size}"
        if request and request.method == "PRI":
            words += " (HTTP/2: not read)"
        when = self.when(call)
        for asks, process in found.views():
            arrow = ">" if asks else "<"
            more = self.view_words(found, process)
            yield Line(
                text=f"{when} {self.place(process)}{arrow} {words}{more}",
                fields=self._members(found, arrow, process),
                order_ns=call.moment.time_ns,
            )

    def _members(self, found: Found[HttpCall], arrow: str, process: Process | None) -> Members:
        """What -j says."""
        request, response = found.record.request, found.record.response
        members: dict[str, int | str | None] = {"direction": arrow}
        if request:
            members |= {"method": request.method, "url": request.url, "version": request.version}
            members["request_size"] = request.body.size_bytes
        if response:
            members |= {"response_code": response.status, "size": response.body.size_bytes}
        members |= self.view_members(process)
        if process and process.container_id:
            members["container.id"] = process.container_id
        yield from known_members(found, members.items())


class HttplogWithContainers(Httplog):
    """With the container of each end: sysdig's -pc."""

    def place(self, process: Process | None) -> str:
        """The container's id."""
        return f"{container_of(process)} "


Httplog.with_containers = HttplogWithContainers

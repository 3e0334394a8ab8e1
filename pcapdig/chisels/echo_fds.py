"""echo_fds: everything read and written, with its connection."""

from __future__ import annotations

from typing import ClassVar

from pcapdig.chisels.chisel import Arg
from pcapdig.chisels.exchanges import ExchangeChisel

DISABLE_COLOR = Arg(
    name="disable_color",
    type="string",
    description="the word disable_color: no colours, whatever the terminal can",
    optional=True,
)
"""The last argument of all chisels that show exchanges."""


class EchoFds(ExchangeChisel):
    """What each end read and wrote; the user's filter says whose."""

    name: ClassVar[str] = "echo_fds"
    category: ClassVar[str] = "I/O"
    short_description: ClassVar[str] = "Print the data read and written by processes"
    description: ClassVar[str] = (
        "Shows what processes read from and wrote to the network: a header with direction, size and connection (client "
        "first), then the data. Each is a whole message: payload in TCP's order, each byte once, from one turn of the "
        "direction to the next; a datagram is a message. Between two processes of this machine a message is shown twice, as "
        "written and as read. Bytes that were not captured are marked where they are missing. Use a filter to choose "
        "connections or processes, -A, -x or -X to choose how data looks, -v to see the process."
    )
    args: ClassVar[tuple[Arg, ...]] = (DISABLE_COLOR,)
    names_connection: ClassVar[bool] = True

    def __init__(self, *, verbose: bool = False, disable_color: str | None = None) -> None:
        """`verbose` is the renderer's to show."""
        super().__init__(own_filter="", disable_color=disable_color)

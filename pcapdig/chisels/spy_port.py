"""spy_port: everything exchanged over one port."""

from __future__ import annotations

import re
import socket
from typing import ClassVar

from pcapdig.chisels.chisel import Arg
from pcapdig.chisels.echo_fds import DISABLE_COLOR
from pcapdig.chisels.exchanges import ExchangeChisel
from pcapdig.errors import UsageError


class SpyPort(ExchangeChisel):
    """What was exchanged over a port, be it the client's or the server's."""

    name: ClassVar[str] = "spy_port"
    category: ClassVar[str] = "Net"
    short_description: ClassVar[str] = "Show the data exchanged using the given IP port number"
    description: ClassVar[str] = (
        "Shows what processes exchanged over one port, TCP or UDP, at either end: a header with direction and size, then "
        "the data, message by message as echo_fds does. The port may be a service's name. -A, -x or -X choose how data "
        "looks, -v shows the process."
    )
    args: ClassVar[tuple[Arg, ...]] = (
        Arg(name="host_port", type="int", description="the port, the client's or the server's; or a service's name"),
        DISABLE_COLOR,
    )
    names_connection: ClassVar[bool] = False

    def __init__(self, *, host_port: str, verbose: bool = False, disable_color: str | None = None) -> None:
        """Raises UsageError where host_port is neither a port nor a service."""
        super().__init__(own_filter=f"fd.port={_port(host_port)}", disable_color=disable_color)


def _port(text: str) -> int:
    """A port number, 0 to 65535, of a number or a service's name."""
    if re.fullmatch(r"[0-9]{1,5}", text, re.ASCII) and int(text) <= 65535:
        return int(text)
    try:
        return socket.getservbyname(text)
    except (OSError, ValueError):  # there is none; or it cannot be asked for: a NUL, or what is no UTF-8
        raise UsageError(f"chisel spy_port: {text!r} is neither a port, 0 to 65535, nor a service's name") from None

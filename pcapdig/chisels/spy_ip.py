"""spy_ip: everything exchanged with one address."""

from __future__ import annotations

from ipaddress import ip_address
from typing import ClassVar

from pcapdig.chisels.chisel import Arg
from pcapdig.chisels.echo_fds import DISABLE_COLOR
from pcapdig.chisels.exchanges import ExchangeChisel
from pcapdig.errors import UsageError


class SpyIp(ExchangeChisel):
    """What was exchanged with an address, be it client or server."""

    name: ClassVar[str] = "spy_ip"
    category: ClassVar[str] = "Net"
    short_description: ClassVar[str] = "Show the data exchanged with the given IP address"
    description: ClassVar[str] = (
        "Shows what processes exchanged with one IP address, IPv4 or IPv6, at either end: a header with direction and size, "
        "then the data, message by message as echo_fds does. -A, -x or -X choose how data looks, -v shows the process."
    )
    args: ClassVar[tuple[Arg, ...]] = (
        Arg(name="host_ip", type="ipv4", description="the address, client or server; IPv6 too"),
        DISABLE_COLOR,
    )
    names_connection: ClassVar[bool] = False

    def __init__(self, *, host_ip: str, verbose: bool = False, disable_color: str | None = None) -> None:
        """Raises UsageError where host_ip is no address."""
        try:
            # A zone (fe80::1%eth0) is a word of this machine's, in no packet, and could hold anything.
            address = None if "%" in host_ip else ip_address(host_ip)
        except ValueError:
            address = None
        if address is None:
            raise UsageError(f"chisel spy_ip: {host_ip!r} is not an IP address")
        super().__init__(own_filter=f"fd.ip={address}", disable_color=disable_color)

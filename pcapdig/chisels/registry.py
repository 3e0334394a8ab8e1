"""All chisels by name. A new chisel is a file and a line here."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pcapdig.chisels.dnslog import Dnslog
from pcapdig.chisels.echo_fds import EchoFds
from pcapdig.chisels.httplog import Httplog
from pcapdig.chisels.httptop import Httptop
from pcapdig.chisels.iobytes_net import IobytesNet
from pcapdig.chisels.memcachelog import Memcachelog
from pcapdig.chisels.redislog import Redislog
from pcapdig.chisels.spy_ip import SpyIp
from pcapdig.chisels.spy_port import SpyPort
from pcapdig.chisels.sqllog import Sqllog
from pcapdig.chisels.tlslog import Tlslog
from pcapdig.chisels.topconns import Topconns
from pcapdig.chisels.topports_server import TopportsServer
from pcapdig.chisels.topprocs_net import TopprocsNet
from pcapdig.errors import UsageError

if TYPE_CHECKING:
    from pcapdig.chisels.chisel import Chisel

_CHISELS: tuple[type[Chisel], ...] = (
    Dnslog,
    EchoFds,
    Httplog,
    Httptop,
    IobytesNet,
    Memcachelog,
    Redislog,
    SpyIp,
    SpyPort,
    Sqllog,
    Tlslog,
    Topconns,
    TopportsServer,
    TopprocsNet,
)


def all() -> list[type[Chisel]]:  # noqa: A001 - reads as registry.all()
    """Every chisel, sorted by category, then by name."""
    return sorted(_CHISELS, key=lambda chisel: (chisel.category, chisel.name))


def find(name: str) -> type[Chisel]:
    """The chisel of that name.

    Raises:
        UsageError: there is none; names the nearest one.
    """
    by_name = {chisel.name: chisel for chisel in _CHISELS}
    chisel = by_name.get(name)
    if chisel is not None:
        return chisel
    near = difflib.get_close_matches(name, by_name, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}? " if near else ""
    raise UsageError(f"chisel {name} not found - {hint}use -cl to list them.")

"""The chisels that come with pcapdig. A new one is a file and a line here. Users' own are in library.py."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pcapdig.chisels.conns import Conns
from pcapdig.chisels.echo_fds import EchoFds
from pcapdig.chisels.fdbytes_by import FdbytesBy
from pcapdig.chisels.fdcount_by import FdcountBy
from pcapdig.chisels.iobytes_net import IobytesNet
from pcapdig.chisels.netlower import Netlower
from pcapdig.chisels.netstat import Netstat
from pcapdig.chisels.plaintext import Plaintext
from pcapdig.chisels.ps import Ps
from pcapdig.chisels.spy_ip import SpyIp
from pcapdig.chisels.spy_port import SpyPort
from pcapdig.chisels.topconns import Topconns
from pcapdig.chisels.topcontainers_net import TopcontainersNet
from pcapdig.chisels.topports_server import TopportsServer
from pcapdig.chisels.topprocs_net import TopprocsNet
from pcapdig.chisels.udp_extract import UdpExtract
from pcapdig.errors import UsageError

if TYPE_CHECKING:
    from pcapdig.chisels.chisel import Chisel

_CHISELS: tuple[type[Chisel], ...] = (
    Conns,
    EchoFds,
    FdbytesBy,
    FdcountBy,
    IobytesNet,
    Netlower,
    Netstat,
    Plaintext,
    Ps,
    SpyIp,
    SpyPort,
    Topconns,
    TopcontainersNet,
    TopportsServer,
    TopprocsNet,
    UdpExtract,
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
    raise not_found(name, list(by_name))


def not_found(name: str, names: list[str]) -> UsageError:
    """What to say of a chisel that is not there, `names` being those that are."""
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}? " if near else ""
    return UsageError(f"chisel {name} not found - {hint}use -cl to list them.")

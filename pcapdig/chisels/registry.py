"""The chisels that come with pcapdig. A new one is a file and a line here.

Users' own are in library.py, which is loaded only where there are some.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, cast

from pcapdig.errors import UsageError

if TYPE_CHECKING:
    from pcapdig.chisels.chisel import Chisel

_CLASSES: dict[str, str] = {
    "conns": "Conns",
    "dnslog": "Dnslog",
    "echo_fds": "EchoFds",
    "fdbytes_by": "FdbytesBy",
    "fdcount_by": "FdcountBy",
    "files": "Files",
    "httplog": "Httplog",
    "httptop": "Httptop",
    "iobytes_net": "IobytesNet",
    "memcachelog": "Memcachelog",
    "netlower": "Netlower",
    "netstat": "Netstat",
    "plaintext": "Plaintext",
    "ps": "Ps",
    "redislog": "Redislog",
    "spy_ip": "SpyIp",
    "spy_port": "SpyPort",
    "sqllog": "Sqllog",
    "tlslog": "Tlslog",
    "topconns": "Topconns",
    "topcontainers_net": "TopcontainersNet",
    "topports_server": "TopportsServer",
    "topprocs_net": "TopprocsNet",
    "udp_extract": "UdpExtract",
}
"""Class by name of the chisel, which is its module's name too. A module is imported when its chisel is asked for: a dig with one chisel
does not wait for the others."""


def names() -> list[str]:
    """The name of every chisel, without loading any."""
    return list(_CLASSES)


def all() -> list[type[Chisel]]:  # noqa: A001 - reads as registry.all()
    """Every chisel, sorted by category, then by name."""
    return sorted(map(_load, _CLASSES), key=lambda chisel: (chisel.category, chisel.name))


def find(name: str) -> type[Chisel]:
    """The chisel of that name.

    Raises:
        UsageError: there is none; names the nearest one.
    """
    if name in _CLASSES:
        return _load(name)
    raise not_found(name, names())


def not_found(name: str, names: list[str]) -> UsageError:
    """What to say of a chisel that is not there, `names` being those that are."""
    import difflib  # only a mistake needs it

    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}? " if near else ""
    return UsageError(f"chisel {name} not found - {hint}use -cl to list them.")


def user_directory() -> str:
    """Where the user keeps chisels (XDG Base Directory Specification); it need not be there."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    base = home if os.path.isabs(home) else os.path.expanduser("~/.config")
    return f"{base}/pcapdig/chisels"


def is_plain(name: str) -> bool:
    """Whether a chisel comes with pcapdig, and no file in the user's directory goes before it."""
    return name in _CLASSES and not os.path.exists(f"{user_directory()}/{name}.py")


def _load(name: str) -> type[Chisel]:
    return cast("type[Chisel]", getattr(import_module(f"pcapdig.chisels.{name}"), _CLASSES[name]))

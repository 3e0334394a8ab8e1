"""All chisels by name. A new chisel is a file and a line here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from pcapdig.errors import UsageError

if TYPE_CHECKING:
    from pcapdig.chisels.chisel import Chisel

_CLASSES: dict[str, str] = {
    "echo_fds": "EchoFds",
    "iobytes_net": "IobytesNet",
    "spy_ip": "SpyIp",
    "spy_port": "SpyPort",
    "topconns": "Topconns",
    "topports_server": "TopportsServer",
    "topprocs_net": "TopprocsNet",
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
    import difflib  # only a mistake needs it

    near = difflib.get_close_matches(name, _CLASSES, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}? " if near else ""
    raise UsageError(f"chisel {name} not found - {hint}use -cl to list them.")


def _load(name: str) -> type[Chisel]:
    return cast("type[Chisel]", getattr(import_module(f"pcapdig.chisels.{name}"), _CLASSES[name]))

"""pcapdig: which process on this server sent what to whom, from packets.

Data moves one way, and a room imports only rooms further upstream:

    RECORD   probe => tracer, procs, capture -> attribution -> pcapng          wired by record/
    DIG      pcapng -> packets -> trace -> filters -> streams -> chisels -> render   wired by dig/, entered by cli/

From Python, by api/ (docs/guides/from-python.md):

    import pcapdig
    with pcapdig.open("t.pcapng") as trace:
        for event in trace.events("proc.name=httpd and evt.buffer contains form"):
            print(event.time, event.process, event.flow, event.buffer)

Importing this package loads nothing but this file; using it loads nothing of the recorder.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pcapdig.api.capture import Capture, open  # noqa: A004 - reads as pcapdig.open()
    from pcapdig.api.events import Event, Flow
    from pcapdig.api.packets import PacketColumns
    from pcapdig.api.summaries import FlowTotals
    from pcapdig.errors import HostError, InputError, PcapdigError, UsageError
    from pcapdig.filters.errors import FilterError
    from pcapdig.procs.process import Process
    from pcapdig.trace.columns import Interface

__version__ = "0.1.0"

__all__ = [
    "Capture",
    "Event",
    "FilterError",
    "Flow",
    "FlowTotals",
    "HostError",
    "InputError",
    "Interface",
    "PacketColumns",
    "PcapdigError",
    "Process",
    "UsageError",
    "open",
]

_MODULES = {
    "Capture": "api.capture",
    "Event": "api.events",
    "FilterError": "filters.errors",
    "Flow": "api.events",
    "FlowTotals": "api.summaries",
    "HostError": "errors",
    "InputError": "errors",
    "Interface": "trace.columns",
    "PacketColumns": "api.packets",
    "PcapdigError": "errors",
    "Process": "procs.process",
    "UsageError": "errors",
    "open": "api.capture",
}


def __getattr__(name: str) -> object:
    """Import what is public when it is asked for (PEP 562): the command starts without it."""
    if name in _MODULES:
        from importlib import import_module

        return getattr(import_module(f"pcapdig.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'pcapdig' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

"""What a recording begins with: the section header, and a description of each interface."""

from __future__ import annotations

import platform
from collections.abc import Iterable

from pcapdig import __version__
from pcapdig.capture.interfaces import Interface
from pcapdig.pcapng import blocks
from pcapdig.record.options import RecordOptions

LINKTYPE_ETHERNET = 1


def file_head(interfaces: Iterable[Interface], *, options: RecordOptions, tracer: str) -> bytes:
    """The blocks before the first packet. Interface ids follow the order of `interfaces`; `tracer` is the name of the one in use."""
    uname = platform.uname()
    head = blocks.section_header(
        hardware=uname.machine,
        os=f"{uname.system} {uname.release}",
        application=f"pcapdig {__version__}",
        comment=f"recorded on {uname.node}, tracer {tracer}",
    )
    for interface in interfaces:
        head += blocks.interface_description(
            name=interface.name,
            description=interface.description,
            link_type=LINKTYPE_ETHERNET,
            snap_length=options.snap_length,
            filter_text=options.bpf,
            speed=interface.speed_bits,
            mac=interface.mac,
            addresses=interface.addresses,
            os=f"{uname.system} {uname.release}",
        )
    return head

"""The section and its interfaces in a copy: those that kept packets came from, described before the first of them, with new numbers.

What describes the whole recording or an interface goes along: hardware, system and program; an interface's name, clock, speed and the like. Left
out is what may speak of packets that are not there: the comments of a section, but the recorder's own line; an interface's addresses, but
those that its first kept packet has; a capture filter that names more than protocols and ports; custom options.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from pcapdig.pcapng.blocks import COMMENT, INTERFACE_DESCRIPTION, SECTION_HEADER, InterfaceOption, SectionOption
from pcapdig.pcapng.layout import BYTE_ORDERS, block, read_options

if TYPE_CHECKING:
    from collections.abc import Iterable

_SECTION_OPTIONS = (SectionOption.HARDWARE, SectionOption.OS, SectionOption.APPLICATION)
_OWN_COMMENT = re.compile(rb"recorded on [^\s,]+, tracer [a-z]+")
_ADDRESSES = {InterfaceOption.IPV4_ADDRESS: 4, InterfaceOption.IPV6_ADDRESS: 16}
_LAST_INTERFACE_OPTION = 18
"""if_iana_tzname; beyond are custom options and those for local use."""
_HARMLESS_FILTER = re.compile(
    rb"\0(?:\s|[()!]|&&|\|\||\d{1,5}(?:-\d{1,5})?|(?:and|or|not|src|dst|port|portrange|less|greater|proto|ip6?|arp|tcp|udp|sctp|icmp6?|"
    rb"igmp|vlan|ether|inbound|outbound)\b)*"
)


class CarriedSection:
    """One section of the capture at hand, as the copy has it."""

    def __init__(self) -> None:
        """Before the first section."""
        self.order = "<"
        """The byte order of the section that is being read."""
        self.is_written = False
        """The copy has this section's header."""
        self.options_left_out = 0
        """Comments and other options left out of written headers and descriptions."""
        self._header = b""
        self._interfaces: list[bytes] = []
        self._numbers: dict[int, int] = {}

    def begin(self, whole: bytes) -> None:
        """The next section's header: a whole block."""
        self.order = BYTE_ORDERS.get(whole[8:12], "<")
        self._header = whole
        self._interfaces = []
        self._numbers = {}
        self.is_written = False

    def add_interface(self, body: bytes) -> None:
        """The section's next interface: a block without framing."""
        self._interfaces.append(body)

    def passed(self, whole: bytes) -> bytes:
        """The description of the last interface, which the copy has as it is and in its order."""
        number = len(self._interfaces) - 1
        self._numbers[number] = number
        return whole

    @property
    def has_begun(self) -> bool:
        """There was a section header."""
        return bool(self._header)

    @property
    def unused(self) -> int:
        """Interfaces of this section that the copy does not have."""
        return len(self._interfaces) - len(self._numbers)

    @property
    def has_interfaces(self) -> bool:
        """The copy describes an interface of this section."""
        return bool(self._numbers)

    def link_type(self, interface: int) -> int:
        """LINKTYPE number of an interface of this section; -1: of the last one."""
        return int(struct.unpack_from(f"{self.order}H", self._interfaces[interface])[0])

    def number_of(self, interface: int) -> int | None:
        """An interface's number in the copy; None where it is not described there yet."""
        return self._numbers.get(interface)

    def header(self) -> bytes:
        """The section's header, to be written now: no interface is described behind it yet. Its length is left open."""
        options = read_options(self._header[8:-4], 16, self.order)
        kept = [
            (code, value)
            for code, value in options
            if code in _SECTION_OPTIONS or (code == COMMENT and _OWN_COMMENT.fullmatch(value))
        ]
        if not self.is_written:
            self.options_left_out += len(options) - len(kept)
        self.is_written = True
        self._numbers = {}
        body = self._header[8:16] + struct.pack(f"{self.order}q", -1)
        return block(SECTION_HEADER, body, self.order, kept)

    def description(self, interface: int, addresses: Iterable[bytes]) -> bytes:
        """An interface's description, to be written now; `addresses` are those of its first kept packet, 16 bytes each."""
        body = self._interfaces[interface]
        self._numbers[interface] = len(self._numbers)
        present = {address[-size:] for address in addresses for size in (4, 16)}
        options = read_options(body, 8, self.order)
        kept = [(code, value) for code, value in options if _may_stay(code, value, present)]
        self.options_left_out += len(options) - len(kept)
        return block(INTERFACE_DESCRIPTION, body[:8], self.order, kept)


def bare(link_type: int) -> bytes:
    """A capture without packets that readers open: a section and one interface."""
    order = "<"
    body = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    return block(SECTION_HEADER, body, order, [(SectionOption.APPLICATION, b"pcapdig")]) + block(
        INTERFACE_DESCRIPTION, struct.pack("<HHI", link_type, 0, 0), order
    )


def _may_stay(code: int, value: bytes, present: set[bytes]) -> bool:
    if code in _ADDRESSES:
        return value[: _ADDRESSES[code]] in present
    if code == InterfaceOption.FILTER:
        return _HARMLESS_FILTER.fullmatch(value) is not None
    return code <= _LAST_INTERFACE_OPTION

"""The headers of one packet as a Python value: what `_headers.read` and `_tunnels.read` return. The native struct has the same fields."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """Link, network and transport headers of one packet. What the packet does not say is 0 or False."""

    has_network: bool
    """An IPv4 or IPv6 header was found, whole as far as its addresses."""
    has_ports: bool
    """TCP or UDP ports, or an ICMP echo identifier, of a whole packet or a first fragment."""
    is_fragment: bool
    """An IP fragment other than the first: no ports."""
    is_first_fragment: bool
    """The first of several IP fragments: not the whole datagram."""
    is_followed: bool
    """A fragment of any place but the last: more follow (MF)."""
    family: int
    """4, 6, or 0 without a network header."""
    protocol: int
    """IPPROTO after IPv6 extension headers and AH; 0 where cut off."""
    tcp_flags: int
    """The 8 flag bits, CWR to FIN."""
    window: int
    """TCP window as it stands in the header, 0-65535."""
    window_scale: int | None
    """Window scale option of a SYN, 0-14 (RFC 7323); None without one."""
    tags: int
    """A number that identifies the stack of VLANs, with --decap also of VXLAN and Geneve networks; 0 without any."""
    source: bytes
    """16 bytes; IPv4 as ::ffff:a.b.c.d."""
    destination: bytes
    """16 bytes; IPv4 as ::ffff:a.b.c.d."""
    source_port: int
    """0-65535. An ICMP echo request has its identifier here and 0 as destination; a reply the other way round."""
    destination_port: int
    """0-65535."""
    seq: int
    """TCP sequence number, 32 bits."""
    ack: int
    """TCP acknowledgement number, 32 bits."""
    payload_offset: int
    """Bytes from the packet's first captured byte; may lie beyond what was captured."""
    payload_length: int
    """Bytes on the wire after the transport header, Ethernet padding not counted; 0 where the headers do not tell."""
    ip_id: int
    """What fragments of one packet share: IPv4 identification (16 bits), that of IPv6's fragment header (32 bits), 0 without one."""
    datagram_offset: int
    """Where what fragments are cut from begins, the IP payload: bytes from the packet's first captured byte. Of an IPv6 packet that is no
    fragment: 0."""
    fragment_offset: int
    """Of a later fragment, how many bytes of the IP payload come before it; else 0."""

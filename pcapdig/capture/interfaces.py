"""What is known of an interface before packets flow: from rtnetlink, by pyroute2."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from pcapdig.errors import HostError

IFF_UP = 0x1
IFF_LOOPBACK = 0x8
"""Interface flags, linux/if.h."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """One network interface of the current namespace."""

    name: str
    index: int
    is_up: bool
    is_loopback: bool
    mac: bytes | None
    """6 bytes; None where the link has no Ethernet address."""
    addresses: tuple[ipaddress.IPv4Interface | ipaddress.IPv6Interface, ...]
    description: str | None
    """The alias an administrator gave (ip link set alias)."""
    speed_bits: int | None
    """Bits per second; None where the driver does not say."""


def list_interfaces(sysfs: Path = Path("/sys/class/net")) -> list[Interface]:
    """All interfaces of this network namespace, in index order.

    Raises:
        HostError: rtnetlink cannot be asked.
    """
    from pyroute2 import IPRoute  # a quarter of a second to import, needed by a recording only

    try:
        with IPRoute() as route:
            links = list(route.get_links())
            rows = list(route.get_addr())
    except OSError as error:
        raise HostError(f"cannot list network interfaces: {error.strerror}") from error
    addresses: dict[int, list[ipaddress.IPv4Interface | ipaddress.IPv6Interface]] = {}
    for row in rows:
        # a point-to-point link has its own address in IFA_LOCAL and the peer's in IFA_ADDRESS
        text = row.get_attr("IFA_LOCAL") or row.get_attr("IFA_ADDRESS")
        if text:
            addresses.setdefault(row["index"], []).append(ipaddress.ip_interface(f"{text}/{row['prefixlen']}"))
    found = []
    for link in links:
        name = link.get_attr("IFLA_IFNAME")
        mac = link.get_attr("IFLA_ADDRESS")
        found.append(
            Interface(
                name=name,
                index=link["index"],
                is_up=bool(link["flags"] & IFF_UP),
                is_loopback=bool(link["flags"] & IFF_LOOPBACK),
                mac=bytes.fromhex(mac.replace(":", "")) if mac and len(mac) == 17 else None,
                addresses=tuple(addresses.get(link["index"], ())),
                description=link.get_attr("IFLA_IFALIAS"),
                speed_bits=_read_speed(sysfs / name / "speed"),
            )
        )
    return sorted(found, key=lambda interface: interface.index)


def _read_speed(path: Path) -> int | None:
    try:
        megabits = int(path.read_text())
    except (OSError, ValueError):
        return None
    return megabits * 1_000_000 if megabits > 0 else None


def mapped(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bytes:
    """16 bytes, IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2)."""
    return b"\0" * 10 + b"\xff\xff" + address.packed if address.version == 4 else address.packed

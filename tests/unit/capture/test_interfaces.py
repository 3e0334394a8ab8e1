"""Interfaces as rtnetlink tells of them, compared with iproute2."""

from __future__ import annotations

import ipaddress
import json
import subprocess

from pcapdig.capture.interfaces import list_interfaces, mapped


def test_names_flags_and_addresses_are_iproute2s():
    """`ip -json addr` says the same."""
    expected = {row["ifname"]: row for row in json.loads(subprocess.check_output(["ip", "-json", "addr"]))}
    found = {interface.name: interface for interface in list_interfaces()}
    assert found.keys() == expected.keys()
    for name, row in expected.items():
        assert found[name].index == row["ifindex"]
        assert found[name].is_up == ("UP" in row["flags"])
        assert found[name].is_loopback == ("LOOPBACK" in row["flags"])
        assert {str(address) for address in found[name].addresses} == {
            f"{address['local']}/{address['prefixlen']}" for address in row["addr_info"]
        }
        assert found[name].mac is None or found[name].mac.hex(":") == row["address"]


def test_a_speed_is_read_in_bits(tmp_path):
    """The driver's megabits become bits; -1 (unknown) and nonsense become None."""
    for text, speed in (("1000\n", 10**9), ("-1\n", None), ("fast\n", None)):
        (tmp_path / "lo").mkdir(exist_ok=True)
        (tmp_path / "lo" / "speed").write_text(text)
        assert {i.name: i for i in list_interfaces(sysfs=tmp_path)}["lo"].speed_bits == speed


def test_ipv4_addresses_are_mapped():
    """16 bytes for both families."""
    assert mapped(ipaddress.ip_address("10.0.0.1")) == bytes.fromhex("00000000000000000000ffff0a000001")
    assert mapped(ipaddress.ip_address("::1")) == bytes(15) + b"\1"

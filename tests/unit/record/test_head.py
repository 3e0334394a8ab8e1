"""What a recording begins with, as tshark reads it."""

from __future__ import annotations

import ipaddress
import subprocess

from pcapdig.capture.interfaces import Interface
from pcapdig.record.head import file_head
from pcapdig.record.options import RecordOptions


def test_each_interface_is_described_in_order(tmp_path):
    """Name, link type, filter and address; the tracer stands in the section's comment."""
    made = [
        Interface(
            name=name,
            index=1,
            description=None,
            is_up=True,
            is_loopback=name == "lo",
            mac=None,
            speed_bits=None,
            addresses=(ipaddress.ip_interface("192.0.2.1/24"),),
        )
        for name in ("lo", "eth0")
    ]
    file = tmp_path / "head.pcapng"
    file.write_bytes(file_head(made, options=RecordOptions(bpf="tcp port 80"), tracer="core"))
    said = subprocess.run(["capinfos", str(file)], capture_output=True, text=True, check=True).stdout
    assert [line.split(" = ")[1] for line in said.splitlines() if "Name = " in line] == ["lo", "eth0"]
    assert said.count("Encapsulation = Ethernet") == 2
    assert said.count("Filter string = tcp port 80") == 2
    assert "tracer core" in said

"""What is said in record_states.py's captures."""

from __future__ import annotations

import subprocess

from zone import RECORDS


def dig(*words: str) -> None:
    """A query."""
    subprocess.run(["dig", "@127.0.0.1", "+time=2", "+tries=1", *words], check=True, capture_output=True)


def talk_zone() -> None:
    """Each record by itself; the zone; an update; the zone's changes over TCP and UDP; a version that is not newer; a signed zone."""
    for name, kind, _ in RECORDS:
        dig(f"{name}.example.test", kind)
    dig("example.test", "axfr")
    for number in (1, 2):
        update = f"server 127.0.0.1\nupdate add new{number}.example.test 60 A 192.0.2.{number}\nsend\n"
        subprocess.run(["nsupdate"], input=update, text=True, check=True, capture_output=True)
    dig("+tcp", "example.test", "ixfr=1")
    dig("+notcp", "example.test", "ixfr=1")
    dig("+tcp", "example.test", "ixfr=3")
    dig("absent.test", "axfr")
    dig("+dnssec", "+subnet=192.0.2.0/24", "+nsid", "www.signed.test", "A")
    dig("+dnssec", "signed.test", "DNSKEY")
    dig("+dnssec", "www.signed.test", "NSEC")


def talk_nsec3() -> None:
    """A signed zone whose names are hashed, transferred: NSEC3 is in no answer else."""
    dig("signed.test", "axfr")
    dig("signed.test", "NSEC3PARAM")

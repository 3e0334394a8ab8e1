"""Records the captures of states of protocols anew, from real servers, as record.py does: `record_states.py dns_zone redis_modes ...`.

    unshare -n .venv/bin/python tests/unit/protocols/captures/record_states.py

Needs root, tcpdump, named with dig, nsupdate and dnssec-signzone (Debian: bind9, bind9-dnsutils), redis-server (6.2 or later), memcached,
mariadbd, postgres.
What the servers are asked is written in talk_states.py.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import talk_states
from record import record, running
from zone import ZONE

NAMED = """\
options { directory "DIR"; pid-file none; session-keyfile none; listen-on { 127.0.0.1; }; listen-on-v6 { }; recursion no; dnssec-validation no;
  transfer-format one-answer; allow-transfer { any; }; max-journal-size 100k; };
controls { };
zone "example.test" { type primary; file "DIR/zone"; allow-update { any; }; };
zone "signed.test" { type primary; file "DIR/signed.signed"; };
"""
SIGNED = (
    "$TTL 300\n$ORIGIN signed.test.\n@ SOA ns root 1 3600 600 86400 300\n@ NS ns\nns A 127.0.0.1\nwww A 192.0.2.7\n"
)


def dns_zone(d: Path) -> None:
    """Each record of a zone, transfers of it, and what a signed zone says."""
    (d / "zone").write_text(ZONE)
    keys = [
        subprocess.run(
            ["dnssec-keygen", "-K", str(d), "-a", "ECDSAP256SHA256", *flags, "signed.test"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for flags in ([], ["-f", "KSK"])
    ]
    (d / "signed").write_text(SIGNED + "".join((d / f"{key}.key").read_text() for key in keys))
    for options, name in (([], "signed"), (["-3", "AABB"], "signed3")):
        argv = [
            "dnssec-signzone",
            "-o",
            "signed.test",
            "-K",
            str(d),
            *options,
            "-f",
            str(d / f"{name}.signed"),
            str(d / "signed"),
        ]
        subprocess.run(argv, check=True, capture_output=True, cwd=d)
    for name in ("signed", "signed3"):
        text = NAMED.replace("DIR", str(d)).replace("signed.signed", f"{name}.signed")
        (d / "named.conf").write_text(text)
        with running("named", "-g", "-c", str(d / "named.conf"), port=53, udp=True):
            if name == "signed":
                record("dns_zone", "port 53", talk_states.talk_zone)
            else:
                record("dns_nsec3", "port 53", talk_states.talk_nsec3)


TALKS = {"dns_zone": dns_zone}


def main(names: list[str]) -> None:
    """Record all, or those named."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name in names or TALKS:
        with tempfile.TemporaryDirectory() as folder:
            d = Path(folder)
            d.chmod(0o777)
            TALKS[name](d)


if __name__ == "__main__":
    main(sys.argv[1:])

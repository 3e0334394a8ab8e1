"""Records the captures of states of protocols anew, from real servers, as record.py does: `record_states.py dns_zone redis_modes ...`.

    unshare -n .venv/bin/python tests/unit/protocols/captures/record_states.py

Needs root, tcpdump, named with dig, nsupdate and dnssec-signzone (Debian: bind9, bind9-dnsutils), redis-server (6.2 or later), memcached,
mariadbd, postgres.
What the servers are asked is written in talk_states.py.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import talk_states
from clients import run
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


def redis_modes(d: Path) -> None:
    """What a server sends that answers nothing."""
    with running("redis-server", "--save", "", "--dir", str(d), "--repl-diskless-sync-delay", "0", port=6379):
        record("redis_modes", "port 6379", talk_states.talk_redis_modes)


def memcached_states(d: Path) -> None:
    """Data blocks that are too long and others."""
    with running("memcached", "-u", "root", "-l", "127.0.0.1", port=11211):
        record("memcached_states", "port 11211", talk_states.talk_memcached_states)


def postgres_states(d: Path) -> None:
    """COPY and errors by the extended protocol."""
    (programs,) = Path("/usr/lib/postgresql").glob("*/bin")
    data = d / "pgdata"
    data.mkdir()
    shutil.chown(data, user="postgres")
    run(str(programs / "initdb"), "-D", str(data), "-A", "trust", "--no-sync", user="postgres")
    options = ["-k", str(d), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    with running(str(programs / "postgres"), "-D", str(data), *options, port=5432, user="postgres"):
        time.sleep(2)
        record("postgres_states", "port 5432", talk_states.talk_postgres_states)


TALKS = {
    "dns_zone": dns_zone,
    "redis_modes": redis_modes,
    "memcached_states": memcached_states,
    "postgres_states": postgres_states,
}


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

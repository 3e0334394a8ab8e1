"""Records the captures of this folder anew, from real servers on the loopback of a network namespace of its own.

    unshare -n .venv/bin/python tests/unit/protocols/captures/record.py

Needs root, tcpdump, apache2 (mod_deflate, mod_brotli, mod_cgid), curl, openssl, mariadbd with php-mysql, postgres, redis, memcached, dnsmasq on PATH;
for postgres the Python packages asyncpg and psycopg[binary].
What the servers are asked is written in clients.py; the tests compare what pcapdig reads with what tshark reads, and with that file.
"""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import clients
from clients import SCHEMA, run

HERE = Path(__file__).resolve().parent

APACHE = """\
ServerName localhost
ServerRoot {d}
DocumentRoot {d}/pages
PidFile {d}/httpd.pid
Listen 80
User www-data
Group www-data
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule filter_module /usr/lib/apache2/modules/mod_filter.so
LoadModule deflate_module /usr/lib/apache2/modules/mod_deflate.so
LoadModule brotli_module /usr/lib/apache2/modules/mod_brotli.so
LoadModule cgid_module /usr/lib/apache2/modules/mod_cgid.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
ScriptSock {d}/cgid.sock
TypesConfig /dev/null
AddType text/html .html
ScriptAlias /cgi/ {d}/cgi/
AddOutputFilterByType DEFLATE text/html
<Location /br>
  SetOutputFilter BROTLI_COMPRESS
</Location>
ErrorLog {d}/error.log
"""
CGI = "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\nfor i in 1 2 3; do echo line $i; sleep 0.05; done\n"
PAGE = "<html><body>" + "<p>A fine thing at a fair price</p>\n" * 40 + "</body></html>\n"


@contextmanager
def running(*argv: str, port: int | None = None, udp: bool = False, **options: object) -> Iterator[None]:
    """A server, until the block ends."""
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    try:
        deadline = time.monotonic() + 20
        table = "udp" if udp else "tcp"
        while port and time.monotonic() < deadline:
            if any(f":{port:04X} " in Path(f"/proc/self/net/{kind}").read_text() for kind in (table, table + "6")):
                break
            time.sleep(0.05)
        yield
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)


def record(name: str, expression: str, talk: Callable[[], None]) -> None:
    """Capture what `talk` causes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.pcap"
        tcpdump = subprocess.Popen(
            [
                "tcpdump",
                "-i",
                "lo",
                "-B",
                "8192",
                "-s",
                "0",
                "-U",
                "--immediate-mode",
                "-w",
                str(path),
                "-Z",
                "root",
                expression,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert tcpdump.stderr
        while "listening" not in tcpdump.stderr.readline():
            assert tcpdump.poll() is None, "tcpdump has ended"
        try:
            talk()
            time.sleep(0.5)
        finally:
            tcpdump.send_signal(signal.SIGINT)
            tcpdump.wait(10)
        (HERE / f"{name}.pcap.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))


def main(names: list[str]) -> None:
    """Record all, or those named."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        d = Path(folder)
        d.chmod(0o755)
        for page in ("pages", "pages/br", "cgi"):
            (d / page).mkdir()
        (d / "pages/index.html").write_text(PAGE)
        (d / "pages/br/index.html").write_text(PAGE)
        (d / "pages/small.txt").write_text("a small text\n")
        (d / "cgi/slow").write_text(CGI)
        (d / "cgi/slow").chmod(0o755)
        (d / "httpd.conf").write_text(APACHE.format(d=d))
        (d / "schema.sql").write_text(SCHEMA)
        if "http" in names:
            with running("apache2", "-f", str(d / "httpd.conf"), "-D", "FOREGROUND", port=80):
                record("http", "tcp", clients.talk_http)
        if "dns" in names:
            records = ["--address=/www.example.test/192.0.2.7", "--address=/www.example.test/2001:db8::7"]
            records += ["--host-record=target.example.test,192.0.2.8", "--cname=alias.example.test,target.example.test"]
            records += [
                "--mx-host=example.test,mail.example.test,10",
                '--txt-record=example.test,v=spf1 -all,second "part"',
            ]
            records += [
                "--srv-host=_ldap._tcp.example.test,ldap.example.test,389",
                "--ptr-record=7.2.0.192.in-addr.arpa,www.example.test",
            ]
            base = [
                "dnsmasq",
                "-k",
                "-C",
                "/dev/null",
                "-R",
                "-h",
                "-z",
                "-a",
                "127.0.0.1",
                "--local=/example.test/",
                "-u",
                "root",
                "-x",
                str(d / "dnsmasq.pid"),
            ]
            with running(*base, *records, port=53, udp=True):
                record("dns", "port 53", clients.talk_dns)
        if "redis" in names:
            with running("redis-server", "--save", "", "--dir", str(d), "--requirepass", "redis-secret", port=6379):
                record("redis", "port 6379", clients.talk_redis)
        if "memcached" in names:
            with running("memcached", "-u", "root", "-l", "127.0.0.1", port=11211):
                record("memcached", "port 11211", clients.talk_memcached)
                record("memcached_binary", "port 11211", clients.talk_memcached_binary)
        if "memcached_udp" in names:
            with running("memcached", "-u", "root", "-l", "127.0.0.1", "-U", "11211", port=11211, udp=True):
                record("memcached_udp", "port 11211", clients.talk_memcached_udp)
        if {"mysql", "mysql_compressed"} & {*names}:
            data = d / "data"
            run("mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={data}", "--skip-test-db")
            shutil.chown(d, user="mysql")
            options = [f"--datadir={data}", f"--socket={d / 's'}", f"--init-file={d / 'schema.sql'}", "--user=mysql"]
            options += [
                "--innodb-buffer-pool-size=16M",
                "--skip-log-bin",
                f"--pid-file={d / 'mysql.pid'}",
                "--skip-name-resolve",
            ]
            with running("mariadbd", "--no-defaults", *options, port=3306):
                if "mysql" in names:
                    record("mysql", "port 3306", clients.talk_mysql)
                if "mysql_compressed" in names:
                    record("mysql_compressed", "port 3306", clients.talk_mysql_compressed)
        if "postgres" in names:
            (programs,) = Path("/usr/lib/postgresql").glob("*/bin")
            data = d / "pgdata"
            data.mkdir()
            shutil.chown(d, user="postgres")
            shutil.chown(data, user="postgres")
            run(str(programs / "initdb"), "-D", str(data), "-A", "trust", "--no-sync", user="postgres")
            rules = data / "pg_hba.conf"
            rules.write_text("host all clear 127.0.0.1/32 password\n" + rules.read_text())
            options = ["-k", str(d), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "jit=off"]
            with running(str(programs / "postgres"), "-D", str(data), *options, port=5432, user="postgres"):
                time.sleep(1)
                run("psql", "-h", str(d), "-U", "postgres", "-c", "CREATE USER clear PASSWORD 'open-sesame'")
                record("postgres", "port 5432", clients.talk_postgres)
        if "tls" in names:
            run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=common.example", "-addext",
                "subjectAltName=DNS:shop.example,DNS:*.shop.example,IP:127.0.0.1", "-keyout", str(d / "key"), "-out", str(d / "cert"))  # fmt: skip
            server = (
                "openssl",
                "s_server",
                "-accept",
                "8443",
                "-key",
                str(d / "key"),
                "-cert",
                str(d / "cert"),
                "-www",
                "-alpn",
                "h2,http/1.1",
            )
            with running(*server, "-groups", "X25519:P-256", port=8443, stdin=subprocess.DEVNULL):
                record("tls", "port 8443", clients.talk_tls)


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C"
    main(
        sys.argv[1:]
        or ["http", "dns", "redis", "memcached", "memcached_udp", "mysql", "mysql_compressed", "postgres", "tls"]
    )

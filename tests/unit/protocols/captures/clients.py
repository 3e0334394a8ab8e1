"""What the servers of record.py are asked, and by which clients."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def run(*argv: str, **options: object) -> None:
    """Run a client; what it says is not of interest, nor whether it succeeds."""
    subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20, check=False, **options)


def send(port: int, *parts: bytes, wait: float = 0.1) -> None:
    """A TCP client that sends parts and reads what comes between them."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        for part in parts:
            client.sendall(part)
            time.sleep(wait)
            client.setblocking(False)
            try:
                while client.recv(65536):
                    pass
            except OSError:
                pass
            client.setblocking(True)


def talk_http() -> None:
    """Each framing and coding once."""
    curl = ("curl", "-s", "-o", "/dev/null")
    run(*curl, "http://127.0.0.1/index.html")
    run(*curl, "-I", "http://127.0.0.1/index.html")
    run(*curl, "--compressed", "-H", "Accept-Encoding: gzip", "http://127.0.0.1/index.html", "http://127.0.0.1/missing")
    run(*curl, "-H", "Accept-Encoding: br", "http://127.0.0.1/br/index.html")
    run(*curl, "-d", "user=alice&password=open-sesame", "-H", "Expect: 100-continue", "http://127.0.0.1/cgi/slow?q=1")
    run(*curl, "-H", "Transfer-Encoding: chunked", "-d", "a=1&b=2", "http://127.0.0.1/cgi/slow?q=2")
    run(*curl, "-0", "http://127.0.0.1/cgi/slow?q=3")
    get = "GET /small.txt?n={} HTTP/1.1\r\nHost: pipe.example\r\n\r\n"
    send(80, "".join(get.format(n) for n in range(3)).encode(), get.format(3).encode(), b"BROKEN\r\n\r\n")
    holder = socket.create_server(("127.0.0.1", 8080))
    send(8080, b"GET /never HTTP/1.1\r\nHost: deaf.example\r\n\r\n")
    holder.close()


def question(name: str, kind: int, number: int) -> bytes:
    """A query."""
    labels = b"".join(bytes([len(label)]) + label for label in name.encode().split(b"."))
    return struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", kind, 1)


def talk_dns() -> None:
    """Types, response codes, TCP, a query nobody answers."""
    asked = [("www.example.test", 1), ("www.example.test", 28), ("alias.example.test", 1), ("example.test", 15)]
    asked += [
        ("example.test", 16),
        ("_ldap._tcp.example.test", 33),
        ("7.2.0.192.in-addr.arpa", 12),
        ("no.example.test", 1),
    ]
    for number, (name, kind) in enumerate([*asked, ("elsewhere.invalid", 1)], start=0x1000):
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            client.settimeout(2)
            client.sendto(question(name, kind, number), ("127.0.0.1", 53))
            client.recv(4096)
    two = [question("www.example.test", 1, 0x2000), question("example.test", 16, 0x2001)]
    send(53, b"".join(struct.pack(">H", len(one)) + one for one in two))
    with socket.socket(type=socket.SOCK_DGRAM) as deaf, socket.socket(type=socket.SOCK_DGRAM) as client:
        deaf.bind(("127.0.0.9", 53))
        client.sendto(question("unheard.example.test", 1, 0x3000), ("127.0.0.9", 53))


def talk_redis() -> None:
    """Commands of all reply types, pipelined, inline, a subscription, RESP3."""
    cli = ("redis-cli", "--no-auth-warning", "-a", "redis-secret")
    run(*cli, "SET", "greeting", "good day")
    run(*cli, "GET", "greeting")
    run(*cli, "GET", "nothing")
    run(*cli, "INCR", "greeting")
    run(*cli, "-3", "HSET", "h", "a", "1", "b", "2")
    run(*cli, "-3", "HGETALL", "h")
    run(*cli, "--pipe", input=b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\nv1\r\n*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n")
    send(
        6379,
        b"*2\r\n$4\r\nAUTH\r\n$12\r\nredis-secret\r\n*3\r\n$6\r\nLRANGE\r\n$1\r\nl\r\n$1\r\n0\r\n*1\r\n$4\r\nPING\r\n",
        b"PING\r\n",
    )
    subscribe = b"*3\r\n$9\r\nSUBSCRIBE\r\n$2\r\nc1\r\n$2\r\nc2\r\n"
    with socket.create_connection(("127.0.0.1", 6379)) as listener:
        listener.sendall(b"*2\r\n$4\r\nAUTH\r\n$12\r\nredis-secret\r\n" + subscribe)
        time.sleep(0.2)
        run(*cli, "PUBLISH", "c1", "hello")
        time.sleep(0.2)


def talk_memcached() -> None:
    """Storage, retrieval, meta commands, errors."""
    send(
        11211,
        b"set k 0 0 5\r\nhello\r\n",
        b"get k\r\n",
        b"get k missing k2\r\n",
        b"set k2 0 0 1200\r\n" + b"x" * 1200 + b"\r\nget k k2\r\n",
        b"set quiet 0 0 2 noreply\r\nok\r\nget quiet\r\n",
        b"incr k 1\r\n",
        b"gets k\r\n",
        b"delete k\r\ndelete k\r\n",
        b"ms m 3\r\nabc\r\nmg m v\r\nmg absent v\r\nmn\r\n",
        b"version\r\nbogus\r\nstats\r\n",
    )


def binary(opcode: int, key: bytes = b"", value: bytes = b"", extras: int = 0, number: int = 0) -> bytes:
    """A request of memcached's binary protocol; extras are zeros."""
    size = extras + len(key) + len(value)
    return (
        struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), extras, 0, 0, size, number, 0) + bytes(extras) + key + value
    )


def talk_memcached_binary() -> None:
    """Storage, retrieval, quiet commands, arithmetic, statistics."""
    send(
        11211,
        binary(0x01, b"k", b"hello", 8),
        binary(0x00, b"k") + binary(0x00, b"missing"),
        binary(0x11, b"q1", b"v1", 8) + binary(0x0D, b"q1") + binary(0x0D, b"none") + binary(0x0A),
        binary(0x05, b"n", b"", 20, 7),
        binary(0x04, b"k"),
        binary(0x10),
    )


def talk_memcached_udp() -> None:
    """Each request a datagram with its frame header; an answer of more than one."""
    asked = [
        b"set k 0 0 5\r\nhello\r\n",
        b"set big 0 0 1200\r\n" + b"x" * 1200 + b"\r\n",
        b"get k missing big\r\n",
        b"get k big big\r\n",
        b"delete nothing\r\n",
        b"mg k v\r\n",
        binary(0x00, b"k"),
    ]
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", 11211))
        for number, request in enumerate(asked, 0x100):
            client.send(struct.pack(">HHHH", number, 0, 1, 0) + request)
            time.sleep(0.1)


PHP = r"""<?php
mysqli_report(MYSQLI_REPORT_OFF);
$m = new mysqli("127.0.0.1", "shop", "shop-secret", "shop", 3306);
$m->query("CREATE TABLE t (id INT PRIMARY KEY, price DOUBLE, name VARCHAR(40), day DATETIME)");
$s = $m->prepare("INSERT INTO t VALUES (?, ?, ?, ?)");
for ($i = 0; $i < 3; $i++) {
    $p = 1.5 * $i; $n = "thing $i"; $d = $i ? "2024-02-0$i 10:00:00" : null;
    $s->bind_param("idss", $i, $p, $n, $d); $s->execute(); }
$s->close();
$m->query("SELECT * FROM t");
$m->query("SELECT broken syntax here");
$m->query("UPDATE t SET price = price + 1 WHERE id > 0");
$m->multi_query("SELECT 1; SELECT id FROM t; UPDATE t SET name = 'x'");
do { if ($r = $m->store_result()) $r->free(); } while ($m->next_result());
$s = $m->prepare("SELECT id, name FROM t WHERE id >= ? ORDER BY id"); $i = 1; $s->bind_param("i", $i); $s->execute(); $s->get_result(); $s->close();
$m->prepare("SELECT nothing FROM nowhere");
$m->select_db("test");
$m->ping();
$m->close();
@new mysqli("127.0.0.1", "shop", "wrong", "shop", 3306);
"""
PHP_COMPRESSED = r"""
$m = mysqli_init();
$m->real_connect("127.0.0.1", "shop", "shop-secret", "shop", 3306, null, MYSQLI_CLIENT_COMPRESS);
$s = $m->prepare("SELECT id FROM c WHERE name = ? OR name = ?"); $long = str_repeat("y", 3000); $short = "thing 7";
$s->bind_param("ss", $long, $short); $s->execute(); $s->get_result(); $s->close();
$m->multi_query("SELECT 1; SELECT id FROM c; UPDATE c SET name = 'x' WHERE id < 5");
do { if ($r = $m->store_result()) $r->free(); } while ($m->next_result());
$m->close();
"""
SCHEMA = """\
CREATE DATABASE shop;
CREATE DATABASE IF NOT EXISTS test;
CREATE USER 'shop'@'%' IDENTIFIED BY 'shop-secret';
GRANT ALL ON shop.* TO 'shop'@'%';
GRANT ALL ON test.* TO 'shop'@'%';
"""


def talk_mysql() -> None:
    """Text and prepared statements, errors, several result sets, a login that fails; then the mariadb client."""
    run("php", "-r", PHP.removeprefix("<?php\n"))
    run(
        "mysql",
        "--no-defaults",
        "--protocol=tcp",
        "-h127.0.0.1",
        "-ushop",
        "-pshop-secret",
        "shop",
        "-e",
        "SELECT name FROM t; SHOW TABLES",
    )


def talk_mysql_compressed() -> None:
    """The same under zlib: results of all sizes, a file sent, errors, prepared statements; and a login that fails."""
    client = ("mysql", "--no-defaults", "--compress", "--local-infile", "--protocol=tcp", "-h127.0.0.1", "-ushop")
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as table:
        table.write("".join(f"{n}\tthing {n}\n" for n in range(1000)))
        table.flush()
        statements = [
            "CREATE TABLE c (id INT PRIMARY KEY, name MEDIUMTEXT)",
            f"LOAD DATA LOCAL INFILE '{table.name}' INTO TABLE c",
            "SELECT id, name FROM c WHERE id % 2",
            "SELECT broken syntax here",
            "SELECT REPEAT('a fine thing ', 20000)",
            f"INSERT INTO c VALUES (1000, '{'x' * 70000}')",
            "SELECT name FROM c WHERE id = 1000",
        ]
        run(
            *client,
            "-pshop-secret",
            "shop",
            "--force",
            "--max-allowed-packet=1M",
            input=";\n".join(statements).encode(),
        )
    run(*client, "-pwrong", "shop", "-e", "SELECT 1")
    run("php", "-r", PHP_COMPRESSED)


def talk_postgres() -> None:
    """Simple and extended queries, text and binary parameters, COPY, pipelines, errors, a portal fetched in parts, clear passwords."""
    run(sys.executable, str(HERE / "talk_postgres.py"))


def talk_tls() -> None:
    """Versions, names, protocols, a refusal."""
    client = ("openssl", "s_client", "-connect", "127.0.0.1:8443")
    for words in (
        ("-tls1_2", "-servername", "shop.example", "-alpn", "h2,http/1.1"),
        ("-tls1_3", "-servername", "shop.example", "-alpn", "h2"),
        ("-tls1_2", "-noservername", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"),
        ("-tls1_2", "-servername", "shop.example", "-cipher", "PSK-AES128-CBC-SHA"),
        ("-tls1_3", "-groups", "P-521:X25519"),
    ):
        run(*client, *words, input=b"Q\n")
    run(
        "curl",
        "-sk",
        "-m",
        "3",
        "--http1.1",
        "--resolve",
        "www.shop.example:8443:127.0.0.1",
        "https://www.shop.example:8443/",
    )

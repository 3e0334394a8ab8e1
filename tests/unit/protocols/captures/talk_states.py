"""What is said in record_states.py's captures."""

from __future__ import annotations

import socket
import subprocess
import time

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


class Client:
    """A connection whose answers are read as far as is asked for."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=5)

    def say(self, data: bytes, until: bytes) -> None:
        """Send, and read until what was read ends so; empty: read nothing."""
        self._socket.sendall(data)
        read = b""
        while until and not read.endswith(until):
            more = self._socket.recv(65536)
            assert more, (data, read)
            read += more

    def close(self) -> None:
        """The end."""
        self._socket.close()


def _command(*words: str) -> bytes:
    return f"*{len(words)}\r\n".encode() + b"".join(f"${len(word)}\r\n{word}\r\n".encode() for word in words)


def talk_redis_modes() -> None:
    """Each mode, and what ends it."""
    other, c = Client(6379), Client(6379)

    def say(text: str, until: str = "\r\n", *, by: Client = c) -> None:
        by.say(_command(*text.split()), until.encode())

    say("RPUSH l message a b", by=other)
    say("MONITOR", "+OK\r\n")
    say("SET k v1", by=other)
    c.say(b"", b'"SET" "k" "v1"\r\n')
    say("RESET", "+RESET\r\n")
    say("GET k", "v1\r\n")
    say("SUBSCRIBE a b", ":2\r\n")
    say("PUBLISH a hello", by=other)
    c.say(b"", b"hello\r\n")
    say("PING", "$0\r\n\r\n")
    say("PSUBSCRIBE p*", ":3\r\n")
    say("UNSUBSCRIBE", ":1\r\n")
    say("PUNSUBSCRIBE p*", ":0\r\n")
    say("LRANGE l 0 -1", "$1\r\nb\r\n")
    say("SSUBSCRIBE s", ":1\r\n")
    say("SPUBLISH s x", by=other)
    c.say(b"", b"$1\r\nx\r\n")
    say("SUNSUBSCRIBE", ":0\r\n")
    say("LRANGE l 0 -1", "$1\r\nb\r\n")
    say("HELLO 3", "*0\r\n")
    say("CLIENT TRACKING ON", "+OK\r\n")
    say("GET k", "v1\r\n")
    say("SET k v2", by=other)
    c.say(b"", b"$1\r\nk\r\n")
    say("SUBSCRIBE a", ":1\r\n")
    say("LRANGE l 0 -1", "$1\r\nb\r\n")
    say("RESET", "+RESET\r\n")
    say("LRANGE l 0 -1", "$1\r\nb\r\n")
    say("CLIENT REPLY OFF", "")
    say("SET k v3", "")
    say("CLIENT REPLY SKIP", "")
    say("GET k", "")
    say("RESET", "+RESET\r\n")
    say("CLIENT REPLY SKIP", "")
    say("SET k v4", "")
    say("GET k", "v4\r\n")
    say("MULTI", "+OK\r\n")
    say("SUBSCRIBE a", "+QUEUED\r\n")
    say("EXEC", ":1\r\n")
    say("UNSUBSCRIBE", ":0\r\n")
    say("LRANGE l 0 -1", "$1\r\nb\r\n")
    say("QUIT", "+OK\r\n")
    c.close()
    replica = Client(6379)
    say("PING", by=replica)
    say("REPLCONF capa psync2", by=replica)
    say("PSYNC ? -1", "\r\n", by=replica)
    time.sleep(0.5)
    say("SET k v5", by=other)
    time.sleep(0.3)
    replica.close()
    other.close()


def talk_memcached_states() -> None:
    """Data blocks that are too long, quiet commands, dumps, a log that follows."""
    c = Client(11211)
    c.say(b"set a 0 0 3\r\nabcd\r\nget z\r\n", b"END\r\n")
    c.say(b"set a 0 0 3\r\nabcdefgh\r\n", b"ERROR\r\n")
    c.say(b"set a 0 0 1 noreply\r\n1\r\nget a\r\n", b"END\r\n")
    c.say(b"ms b 2\r\nbb\r\nmg b v q\r\nmg absent v q\r\nmn\r\n", b"MN\r\n")
    c.say(b"lru_crawler metadump all\r\n", b"END\r\n")
    c.say(b"get a\r\n", b"END\r\n")
    watcher = Client(11211)
    watcher.say(b"watch fetchers\r\n", b"OK\r\n")
    c.say(b"get a b\r\n", b"END\r\n")
    time.sleep(0.5)
    c.say(b"quit\r\n", b"")
    watcher.close()
    c.close()


def _message(kind: str, data: bytes = b"") -> bytes:
    return kind.encode() + (len(data) + 4).to_bytes(4) + data


def talk_postgres_states() -> None:
    """COPY by the extended protocol with a Sync that is ignored, as libpq sends it; errors in it; what is skipped; a refused SSLRequest."""
    ready = b"Z\0\0\0\5I"
    c = Client(5432)
    c.say((8).to_bytes(4) + (80877103).to_bytes(4), b"N")
    c.say(b"\0\0\0\x29\0\3\0\0user\0postgres\0database\0postgres\0\0", ready)

    def extended(sql: bytes) -> bytes:
        return (
            _message("P", b"\0" + sql + bytes(3))
            + _message("B", bytes(8))
            + _message("D", b"P\0")
            + _message("E", bytes(5))
        )

    sync = _message("S")
    c.say(_message("Q", b"CREATE TABLE s (id int)\0"), ready)
    copy = b"COPY s FROM STDIN"
    c.say(extended(copy) + sync, b"\0\0\1\0\0")
    c.say(_message("d", b"1\n2\n") + _message("c") + sync, ready)
    c.say(_message("Q", b"SELECT count(*) FROM s\0"), ready)
    c.say(extended(copy) + sync, b"\0\0\1\0\0")
    c.say(_message("d", b"wrong\n") + _message("d", b"3\n") + _message("c") + sync, ready)
    c.say(_message("Q", copy + b"\0"), b"\0\0\1\0\0")
    c.say(_message("d", b"4\n") + _message("f", b"never mind\0"), ready)
    c.say(extended(b"SELEC 1") + extended(b"SELECT 2") + _message("Q", b"SELECT 3\0") + sync, ready)
    c.say(extended(b"SELECT 5") + sync + extended(b"SELECT 6") + sync, ready)
    c.say(_message("Q", b"COPY s TO STDOUT\0"), ready)
    c.say(_message("Q", b"LISTEN ch; NOTIFY ch\0"), ready)
    c.say(_message("Q", b"SELECT 7\0"), ready)
    c.say(_message("X"), b"")
    c.close()

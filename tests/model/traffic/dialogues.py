"""What is said: exchanges of HTTP, Redis, DNS, and of a toy protocol, each with what a log of it must show."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from random import Random

from traffic.connection import Exchange

LETTERS = b"abcdefghijklmnopqrstuvwxyz0123456789"
DNS_PORT = 53


@dataclass(frozen=True, slots=True)
class Spoken:
    """A conversation. `protocol` names the log that reads it; `lines` are what that log must show of it, in order."""

    protocol: str
    port: int
    exchanges: tuple[Exchange, ...]
    lines: tuple[tuple[object, ...], ...]


def text(random: Random, size: int) -> bytes:
    """Letters and digits."""
    return bytes(random.choices(LETTERS, k=size))


def http(random: Random, count: int, tag: str, most_bytes: int = 3000) -> Spoken:
    """GET, HEAD and POST with Content-Length, chunked, or no body. Lines: method, path, status, size of the answer."""
    exchanges, lines = [], []
    for i in range(count):
        path = f"/{tag}-{i}"
        method = random.choice(["GET", "GET", "POST", "HEAD"])
        asked = text(random, random.randint(1, most_bytes)) if method == "POST" else b""
        head = f"{method} {path} HTTP/1.1\r\nHost: www.example.test\r\n"
        head += f"Content-Length: {len(asked)}\r\n" if method == "POST" else ""
        status = random.choice([200, 200, 404, 204])
        body = b"" if status == 204 else text(random, random.randint(0, most_bytes))
        size = 0 if method == "HEAD" else len(body)
        answer = f"HTTP/1.1 {status} Words\r\n".encode()
        if status == 204:
            answer += b"\r\n"
        elif method != "HEAD" and random.random() < 0.3:
            answer += b"Transfer-Encoding: chunked\r\n\r\n" + chunked(random, body)
        else:
            answer += b"Content-Length: %d\r\n\r\n" % len(body) + (b"" if method == "HEAD" else body)
        exchanges.append(Exchange(head.encode() + b"\r\n" + asked, answer))
        lines.append((method, f"www.example.test{path}", status, size))
    return Spoken("http", 80, tuple(exchanges), tuple(lines))


def chunked(random: Random, body: bytes) -> bytes:
    """The body in chunks (RFC 9112 section 7.1)."""
    out, at = [], 0
    while at < len(body):
        size = random.randint(1, len(body) - at)
        out.append(b"%x\r\n%s\r\n" % (size, body[at : at + size]))
        at += size
    return b"".join(out) + b"0\r\n\r\n"


def redis(random: Random, count: int, tag: str, most_bytes: int = 3000) -> Spoken:
    """GET, SET and INCR. Lines: command, kind of reply, its text."""
    exchanges, lines = [], []
    for i in range(count):
        key = f"{tag}-{i}".encode()
        kind = random.choice(["GET", "SET", "INCR"])
        if kind == "GET":
            words, value = (b"GET", key), text(random, random.randint(1, 30))
            reply, shown = b"$%d\r\n%s\r\n" % (len(value), value), ("$", value.decode())
        elif kind == "SET":
            words = (b"SET", key, text(random, random.randint(1, min(most_bytes, 30))))
            reply, shown = b"+OK\r\n", ("+", "OK")
        else:
            number = random.randint(1, 10**6)
            words, reply, shown = (b"INCR", key), b":%d\r\n" % number, (":", str(number))
        asked = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
        exchanges.append(Exchange(asked, reply))
        lines.append((b" ".join(words).decode(), *shown))
    return Spoken("redis", 6379, tuple(exchanges), tuple(lines))


def dns_message(number: int, name: str, answer: str = "", ttl: int = 60) -> bytes:
    """A query for A, or with `answer` its response (RFC 1035 section 4)."""
    flags = 0x8180 if answer else 0x0100
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    out = struct.pack("!HHHHHH", number, flags, 1, bool(answer), 0, 0) + labels + struct.pack("!HH", 1, 1)
    if answer:
        out += struct.pack("!HHHIH", 0xC00C, 1, 1, ttl, 4) + bytes(map(int, answer.split(".")))
    return out


def dns(random: Random, count: int, tag: str, most_bytes: int = 0) -> Spoken:
    """Queries over TCP, each with its length before it (RFC 7766 section 8). Lines: name, answer."""
    exchanges, lines = [], []
    for i in range(count):
        number, name = random.getrandbits(16), f"{tag}-{i}.example.test"
        address = f"192.0.2.{random.randint(1, 254)}"
        asked, said = dns_message(number, name), dns_message(number, name, address)
        exchanges.append(Exchange(struct.pack("!H", len(asked)) + asked, struct.pack("!H", len(said)) + said))
        lines.append((name, address))
    return Spoken("dns", DNS_PORT, tuple(exchanges), tuple(lines))


def toy(random: Random, count: int, tag: str, most_bytes: int = 3000) -> Spoken:
    """Words that no decoder knows; sometimes the server speaks first."""
    exchanges = [
        Exchange(
            b"q%s.%d." % (tag.encode(), i) + text(random, random.randint(0, most_bytes)),
            b"r%s.%d." % (tag.encode(), i) + text(random, random.randint(0, most_bytes)),
        )
        for i in range(count)
    ]
    if random.random() < 0.3:
        exchanges.insert(0, Exchange(b"", b"hello " + tag.encode()))
    return Spoken("", 7777, tuple(exchanges), ())


SPEAKERS = (http, redis, dns, toy)

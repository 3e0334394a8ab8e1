"""What in a packet's bytes a secret can belong to."""

from __future__ import annotations

import struct

import pytest

from pcapdig.dig import hellos
from pcapdig.dig.hellos import Seams, ids_at, ids_in, protocol_of, transport_of

RANDOM, SESSION = bytes(range(32)), bytes(range(100, 132))


def hello(kind: int = 1, version: bytes = b"\x03\x03", session: bytes = SESSION) -> bytes:
    """A TLS record with a hello."""
    body = version + RANDOM + bytes([len(session)]) + session + b"\x00\x02\x13\x01\x01\x00"
    message = bytes([kind]) + len(body).to_bytes(3) + body
    return b"\x16\x03\x01" + len(message).to_bytes(2) + message


def test_what_is_cut_or_looks_alike_has_no_id() -> None:
    """Every cut before the random's end; application data, and other messages."""
    whole = hello()
    for size in range(11 + 32 + 1):
        assert list(ids_in(whole[:size])) == []
    assert list(ids_in(whole[:44])) == [RANDOM, b""] or RANDOM in ids_in(whole[:44])
    assert list(ids_in(b"\x17" + whole[1:])) == []
    assert list(ids_in(whole[:5] + b"\x0b" + whole[6:])) == []
    assert list(ids_in(b"")) == []


@pytest.mark.parametrize("kind", [1, 2])
@pytest.mark.parametrize("before", [b"", b"220 ready\r\n", bytes(54)])
def test_hellos_are_found_anywhere(kind: int, before: bytes) -> None:
    """Behind STARTTLS, in a tunnel; two of them in one packet."""
    assert list(ids_in(before + hello(kind))) == [RANDOM, SESSION]
    assert list(ids_in(before + hello(kind, session=b"") + hello(kind))) == [RANDOM, RANDOM, SESSION]


@pytest.mark.parametrize("version", [b"\x03\x00", b"\x03\x01", b"\x03\x04"])
def test_every_version(version: bytes) -> None:
    """SSL 3.0 to what drafts of TLS 1.3 said."""
    assert RANDOM in ids_in(hello(version=version))


@pytest.mark.parametrize("version", [b"\xfe\xff", b"\xfe\xfd"])
def test_dtls(version: bytes) -> None:
    """Its record and message have numbers of their own."""
    body = version + RANDOM + b"\x20" + SESSION
    message = b"\x01" + len(body).to_bytes(3) + bytes(2) + bytes(3) + len(body).to_bytes(3) + body
    record = b"\x16" + version + bytes(8) + len(message).to_bytes(2) + message
    assert list(ids_in(record)) == [RANDOM, SESSION]


def test_the_hello_of_ssl_2() -> None:
    """Its challenge stands at the end of TLS's random."""
    challenge = bytes(range(1, 17))
    body = b"\x01\x03\x01" + struct.pack(">HHH", 3, 0, 16) + b"\x00\x00\x05" + challenge
    assert bytes(16) + challenge in ids_at(b"\x80" + bytes([len(body)]) + body)


def test_an_encrypted_premaster_secret() -> None:
    """Its first 8 bytes, behind a length or, in SSL 3.0, at once."""
    secret = bytes(range(50, 58))
    tls = b"\x16\x03\x01\x01\x06\x10\x00\x01\x02\x01\x00" + secret + bytes(248)
    ssl3 = b"\x16\x03\x00\x01\x04\x10\x00\x01\x00" + secret + bytes(248)
    assert secret in ids_in(tls)
    assert secret in ids_in(ssl3)


def test_the_cookie_of_ssh() -> None:
    """In the packet that begins the key exchange."""
    cookie, names = bytes(range(16)), b"diffie-hellman-group14-sha256"
    inner = b"\x14" + cookie + len(names).to_bytes(4) + names
    packet = (len(inner) + 5).to_bytes(4) + b"\x04" + inner + bytes(4)
    assert ids_at(packet) == [cookie]
    assert ids_at(b"SSH-2.0-x\r\n" + packet) == [cookie]
    assert ids_at(b"") == ids_at(packet[1:]) == ids_at(packet[:21]) == []


@pytest.mark.parametrize("cut", [1, 2, 5, 11, 30, 43, 44, 60])
def test_a_hello_over_the_seam_of_two_segments(cut: int) -> None:
    """However it is cut, and byte by byte."""
    seams = Seams()
    whole = b"STARTTLS\r\n" + hello()
    first, second = whole[: 10 + cut], whole[10 + cut :]
    assert seams.joined(1, first) == b""
    assert {RANDOM, SESSION} <= set(ids_in(first)) | set(ids_in(seams.joined(1, second)))
    slow = Seams()
    found: set[bytes] = set()
    for at in range(len(whole)):
        found |= set(ids_in(slow.joined(1, whole[at : at + 1])))
    assert {RANDOM, SESSION} <= found


def test_seams_are_those_of_a_direction_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are forgotten."""
    monkeypatch.setattr(hellos, "MOST_SEAMS", 3)
    seams = Seams()
    part = hello()[:20]
    for direction in range(5):
        seams.joined(direction, part)
    assert [bool(seams.joined(direction, bytes(5))) for direction in range(5)] == [False, False, True, True, True]


@pytest.mark.parametrize(
    ("payload", "transport", "link_type", "expected"),
    [
        (b"", 17, 1, None),
        (b"\x01\0\0", 17, 1, None),
        (b"\x01\0\0\0" + bytes(144), 6, 1, None),
        (b"\x01\0\0\0" + bytes(145), 17, 1, None),
        (b"\x05\0\0\0" + bytes(144), 17, 1, None),
        (b"MSGX" + bytes(4), 6, 1, None),
        (b"HOLF" + bytes(4), 6, 1, None),
        (b"\x01\0\0\0" + bytes(144), 17, 1, "WireGuard"),
        (b"\x04\0\0\0" + bytes(28), 17, 1, "WireGuard"),
        (b"HELF" + bytes(4), 6, 1, "OPC UA"),
        (b"x", 50, 1, "ESP"),
        (b"x", 0, 195, "ZigBee"),
    ],
)
def test_protocols_by_their_signs(payload: bytes, transport: int, link_type: int, expected: str | None) -> None:
    """Those whose secrets do not say which connection they are of."""
    assert protocol_of(payload, transport, link_type) == expected


@pytest.mark.parametrize(
    ("protocol", "ports", "expected"),
    [(6, (80, 4500), 6), (17, (53, 80), 17), (17, (500, 4500), 50), (50, (0, 0), 50), (0, (0, 0), 255)],
)
def test_esp_in_udp_is_esp(protocol: int, ports: tuple[int, int], expected: int) -> None:
    """By its port (RFC 3948)."""
    assert transport_of(protocol, ports) == expected

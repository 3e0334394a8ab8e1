"""Which secrets a copy has."""

from __future__ import annotations

import struct

import pytest

from pcapdig.dig.carried_secrets import OPC_UA, SSH, TLS, WIREGUARD, CarriedSecrets, id_of, written
from pcapdig.dig.held import Held

ONE, TWO = bytes(range(32)), bytes(range(32, 64))
LINE_ONE = f"CLIENT_RANDOM {ONE.hex()} {'ab' * 48}\n".encode()
LINE_TWO = f"CLIENT_TRAFFIC_SECRET_0 {TWO.hex()} {'cd' * 32}\n".encode()


def body(kind: int, data: bytes, order: str = "<") -> bytes:
    """A block without framing."""
    return struct.pack(f"{order}II", kind, len(data)) + data + bytes(-len(data) % 4)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (TLS, b""),
        (TLS, b"# CLIENT_RANDOM 00 00"),
        (TLS, b"CLIENT_RANDOM " + b"0" * 63 + b" 00"),
        (TLS, b"CLIENT_RANDOM " + b"0" * 64),
        (TLS, b"client_random " + b"0" * 64 + b" 00"),
        (TLS, b"CLIENT_RANDOM " + b"g" * 64 + b" 00"),
        (TLS, b"RSA Session-ID: Master-Key:00"),
        (SSH, LINE_ONE),
        (SSH, b"0" * 31 + b" SHARED_SECRET 00"),
    ],
)
def test_a_line_that_names_no_connection(kind: int, line: bytes) -> None:
    """It is in no copy."""
    assert id_of(kind, line) is None


@pytest.mark.parametrize(
    ("kind", "line", "expected"),
    [
        (TLS, LINE_ONE, ONE),
        (TLS, LINE_TWO.strip() + b"\r\n", TWO),
        (TLS, b"PMS_CLIENT_RANDOM " + ONE.hex().upper().encode() + b" aabb", ONE),
        (TLS, b"QUIC_CLIENT_HANDSHAKE_TRAFFIC_SECRET " + ONE.hex().encode() + b" aabb", ONE),
        (TLS, b"RSA 0011223344556677 aabb", bytes.fromhex("0011223344556677")),
        (TLS, b"RSA Session-ID:0011aa Master-Key:aabb", bytes.fromhex("0011aa")),
        (
            SSH,
            b"00112233445566778899aabbccddeeff SHARED_SECRET aabb",
            bytes.fromhex("00112233445566778899aabbccddeeff"),
        ),
    ],
)
def test_a_line_names_its_connection(kind: int, line: bytes, expected: bytes) -> None:
    """By a random, a session, the beginning of an encrypted secret, a cookie."""
    assert id_of(kind, line) == expected


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_log_is_taken_line_by_line(order: str) -> None:
    """Lines wait, come once, and are put together again."""
    secrets = CarriedSecrets()
    log = b"# log\n" + LINE_ONE + LINE_TWO + b"nonsense\n" + LINE_ONE.replace(b"CLIENT_RANDOM", b"EXPORTER_SECRET")
    assert secrets.add(body(TLS, log, order), order) == []
    found = secrets.needed([ONE, b"unknown"], None)
    assert [line for _, line in found] == [LINE_ONE, LINE_ONE.replace(b"CLIENT_RANDOM", b"EXPORTER_SECRET")]
    assert secrets.needed([ONE], None) == []
    assert (len(secrets.lines), secrets.left_out) == (1, 1)
    data = b"".join(line for _, line in found)
    assert written(found, order)[8:-4] == body(TLS, data, order)


def test_a_line_behind_its_hello_goes_out_at_once() -> None:
    """As a recorder writes them that gets secrets when they are made."""
    secrets = CarriedSecrets()
    assert secrets.needed([ONE], None) == []
    assert secrets.add(body(TLS, LINE_ONE + LINE_TWO), "<") == [(TLS, LINE_ONE)]


def test_other_kinds_are_kept_whole_with_their_protocol_and_said() -> None:
    """They do not say which connection they are of. Unknown kinds, and blocks that are cut, are in no copy."""
    secrets = CarriedSecrets()
    assert secrets.add(body(WIREGUARD, b"LOCAL_STATIC_PRIVATE_KEY = x\n"), "<") == []
    assert secrets.add(body(OPC_UA, b"client_iv: 00\n"), "<") == []
    assert secrets.add(body(99, b"what"), "<") == secrets.add(b"short", "<") == []
    assert secrets.needed([], "WireGuard") == [(WIREGUARD, b"LOCAL_STATIC_PRIVATE_KEY = x\n")]
    assert secrets.needed([], "WireGuard") == secrets.needed([], "ESP") == []
    assert secrets.add(body(WIREGUARD, b"more"), "<") == [(WIREGUARD, b"more")]
    assert (secrets.untied, len(secrets.whole), secrets.left_out) == ({"WireGuard"}, 1, 2)


def test_waiting_lines_are_bounded() -> None:
    """The oldest are given up."""
    secrets = CarriedSecrets(lines=Held(most=1))
    secrets.add(body(TLS, LINE_ONE + LINE_TWO), "<")
    assert secrets.needed([ONE, TWO], None) == [(TLS, LINE_TWO)]
    assert secrets.lines.evicted == 1


def test_blocks_of_one_kind_are_joined_and_others_are_not() -> None:
    """Key logs are lines; of the rest nobody knows."""
    made = written([(WIREGUARD, b"a\n"), (TLS, LINE_ONE), (WIREGUARD, b"b\n"), (TLS, LINE_TWO)], "<")
    kinds = []
    at = 0
    while at < len(made):
        _, size, kind, length = struct.unpack_from("<IIII", made, at)
        kinds.append((kind, made[at + 16 : at + 16 + length]))
        at += size
    assert kinds == [(TLS, LINE_ONE + LINE_TWO), (WIREGUARD, b"a\n"), (WIREGUARD, b"b\n")]
    assert written([], "<") == b""

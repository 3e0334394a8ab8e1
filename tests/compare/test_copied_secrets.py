"""A copy is decrypted by tshark as the whole capture was, with the secrets of its own connections and no others."""

from __future__ import annotations

import ssl
import struct
import subprocess
from pathlib import Path

import pytest

from pcapdig.cli import main

TLS_KEY_LOG = 0x544C534B


class Capture:
    """A pcapng made by hand: raw IPv4, one TLS connection after the other, and the key log of all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packets: list[bytes] = []
        self.log = folder / "keys.log"
        certificate = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/CN=www.example.test"]
        made = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
        subprocess.run(["openssl", "req", *certificate, *made], check=True, capture_output=True)

    def talk(self, port: int, version: ssl.TLSVersion, *, segment: int = 1400) -> None:
        """A request and its answer from this port, in segments of so many bytes."""
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        client.minimum_version = client.maximum_version = version
        client.keylog_filename = str(self.log)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(self.folder / "cert.pem", self.folder / "key.pem")
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        one = client.wrap_bio(to_client, to_server)
        two = server.wrap_bio(to_server, to_client, server_side=True)
        wire = [
            _Bridge(self, port, segment, upward=True),
            _Bridge(self, port, segment, upward=False),
        ]
        wire[0].peer, wire[1].peer = wire[1], wire[0]
        self._handshake(one, two, to_server, to_client, wire)
        one.write(f"GET /from/{port} HTTP/1.1\r\nHost: www.example.test\r\n\r\n".encode())
        data = wire[0].carry(to_server)
        to_server.write(data)
        assert two.read(1000)
        two.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        wire[1].carry(to_client)

    @staticmethod
    def _handshake(
        one: ssl.SSLObject, two: ssl.SSLObject, up: ssl.MemoryBIO, down: ssl.MemoryBIO, wire: list[_Bridge]
    ) -> None:
        """Each flight is read out, put on the wire, and given to the other side."""
        ends = [(one, up, wire[0]), (two, down, wire[1])]
        done = [False, False]
        for turn in range(8):
            end, bio, bridge = ends[turn % 2]
            try:
                end.do_handshake()
                done[turn % 2] = True
            except ssl.SSLWantReadError:
                pass
            bio.write(bridge.carry(bio)) if bio.pending else None
            if all(done):
                break

    def write(self, path: Path) -> None:
        """The secrets first, then the packets."""
        log = self.log.read_bytes()
        path.write_bytes(
            block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
            + block(1, struct.pack("<HHI", 101, 0, 0))
            + block(10, struct.pack("<II", TLS_KEY_LOG, len(log)) + log)
            + b"".join(
                block(6, struct.pack("<IIIII", 0, 0, at, len(packet), len(packet)) + packet)
                for at, packet in enumerate(self.packets)
            )
        )


class _Bridge:
    """One direction of a connection on the wire."""

    peer: _Bridge

    def __init__(self, capture: Capture, port: int, segment: int, *, upward: bool) -> None:
        self.capture, self.segment, self.sent = capture, segment, 1
        self.ports = (port, 443) if upward else (443, port)
        self.addresses = (b"\x0a\0\0\x01", b"\x0a\0\0\x02") if upward else (b"\x0a\0\0\x02", b"\x0a\0\0\x01")

    def carry(self, bio: ssl.MemoryBIO) -> bytes:
        """Take all that waits, put it on the wire in segments, and return it."""
        data = bio.read()
        for start in range(0, len(data), self.segment):
            payload = data[start : start + self.segment]
            tcp = struct.pack(">HHIIHHHH", *self.ports, self.sent, self.peer.sent, 0x5018, 60000, 0, 0) + payload
            head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0)
            self.capture.packets.append(head + self.addresses[0] + self.addresses[1] + tcp)
            self.sent += len(payload)
        return data


def block(kind: int, body: bytes) -> bytes:
    """A whole block."""
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def decrypted(path: Path) -> list[str]:
    """The URLs that tshark reads."""
    argv = ["tshark", "-n", "-r", str(path), "-Y", "http.request", "-T", "fields", "-e", "http.request.uri"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("segment", [1400, 40])
def test_kept_connections_are_decrypted_and_others_have_no_secrets(tmp_path: Path, segment: int) -> None:
    """TLS 1.2 and 1.3; hellos in one segment, and in many, so that the random lies over a seam."""
    capture = Capture(tmp_path)
    versions = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    for port in (40001, 40002, 40003, 40004):
        capture.talk(port, versions[port % 2], segment=segment)
    whole, part = tmp_path / "whole.pcapng", tmp_path / "part.pcapng"
    capture.write(whole)
    assert decrypted(whole) == [f"/from/{port}" for port in (40001, 40002, 40003, 40004)]
    assert main(["-q", "-r", str(whole), "-w", str(part), "fd.port in (40002, 40003)"]) == 0
    assert decrypted(part) == ["/from/40002", "/from/40003"]
    copy = part.read_bytes()
    lines = capture.log.read_bytes().splitlines()
    randoms = [packet[51:83] for packet in capture.packets if packet[40:42] == b"\x16\x03" and packet[45] == 1]
    if segment == 1400:
        assert len(randoms) == 4
        for at, random in enumerate(randoms):
            of_it = [line for line in lines if random.hex().encode() in line]
            assert of_it
            assert all((line in copy) == (at in (1, 2)) for line in of_it)
    assert 0 < sum(line in copy for line in lines) < len(lines)

"""Decryption secrets blocks in a copy: the secrets of connections that kept packets belong to (draft-ietf-opsawg-pcapng, section 4.7).

A key log of TLS or SSH is taken line by line. A line names its connection by the client's random, a session id, the beginning of an encrypted
premaster secret or a cookie; it goes out before the kept packet that has those bytes, or at once when that was kept before. Other kinds do not
say which connection they are of: they are kept whole once a packet of their protocol is kept, and that is said.
Sources: NSS key log format (draft-ietf-tls-keylogfile); Wireshark, epan/dissectors/packet-tls-utils.c and packet-ssh.c.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from pcapdig.dig.held import Held, Remembered
from pcapdig.pcapng.blocks import DECRYPTION_SECRETS
from pcapdig.pcapng.layout import block, padded

if TYPE_CHECKING:
    from collections.abc import Iterable

TLS, SSH = 0x544C534B, 0x5353484B
WIREGUARD, OPC_UA, ZIGBEE_NETWORK, ZIGBEE_APPLICATION, ESP = 0x57474B4C, 0x55414B4C, 0x5A4E574B, 0x5A415053, 0x45535053
PROTOCOLS = {
    WIREGUARD: "WireGuard",
    OPC_UA: "OPC UA",
    ZIGBEE_NETWORK: "ZigBee",
    ZIGBEE_APPLICATION: "ZigBee",
    ESP: "ESP",
}
"""Kinds that do not say which connection they are of, and the protocol they open."""

_RSA_SESSION = re.compile(rb"RSA Session-ID:([0-9a-fA-F]+) Master-Key:[0-9a-fA-F]+\s*\Z")
_LINE = re.compile(rb"[A-Z][A-Z0-9_]* ([0-9a-fA-F]{16,}) [0-9a-fA-F]+\s*\Z")
_SSH_LINE = re.compile(rb"([0-9a-fA-F]{32}) [A-Z_]+ [0-9a-fA-F]+\s*\Z")


class CarriedSecrets:
    """The secrets of a capture, over all its sections: readers apply them to all."""

    def __init__(
        self, lines: Held[bytes, tuple[int, bytes]] | None = None, whole: Held[str, tuple[int, bytes]] | None = None
    ) -> None:
        """None yet. `lines`, `whole`: where lines and blocks of other kinds wait."""
        self.lines = lines if lines is not None else Held[bytes, tuple[int, bytes]]()
        self.whole = whole if whole is not None else Held[str, tuple[int, bytes]]()
        self.left_out = 0
        """Lines and blocks that can belong to nothing."""
        self.untied: set[str] = set()
        """Protocols of which secrets were kept that may be of other connections too."""
        self._ids: Remembered[bytes] = Remembered()
        self._protocols: set[str] = set()

    def add(self, body: bytes, order: str) -> list[tuple[int, bytes]]:
        """Take a block without framing; what of it goes into the copy at once, as kind and bytes."""
        if len(body) < 8:
            self.left_out += 1
            return []
        kind, size = struct.unpack_from(f"{order}II", body)
        data = body[8 : 8 + size]
        if kind in (TLS, SSH):
            return self._add_lines(kind, data)
        protocol = PROTOCOLS.get(kind)
        if protocol is None:
            self.left_out += 1
        elif protocol in self._protocols:
            self.untied.add(protocol)
            return [(kind, data)]
        else:
            self.whole.add(protocol, (kind, data), len(data))
        return []

    def needed(self, ids: Iterable[bytes], protocol: str | None) -> list[tuple[int, bytes]]:
        """Secrets of a kept packet.

        Args:
            ids: what hellos.ids_in found in it.
            protocol: one of PROTOCOLS, None where the packet is of none of them.
        """
        found = []
        for one in ids:
            if self._ids.add(one):
                found += self.lines.take(one)
        if protocol is not None and protocol not in self._protocols:
            self._protocols.add(protocol)
            blocks = self.whole.take(protocol)
            if blocks:
                self.untied.add(protocol)
            found += blocks
        return found

    def _add_lines(self, kind: int, data: bytes) -> list[tuple[int, bytes]]:
        now = []
        for line in data.rstrip(b"\0").splitlines():
            named = id_of(kind, line)
            if named is None:
                self.left_out += bool(line.strip()) and not line.startswith(b"#")
            elif named in self._ids:
                now.append((kind, line + b"\n"))
            else:
                self.lines.add(named, (kind, line + b"\n"), len(line))
        return now


def id_of(kind: int, line: bytes) -> bytes | None:
    """What a line of a key log names its connection by; None for one that names none."""
    found = _SSH_LINE.match(line) if kind == SSH else _RSA_SESSION.match(line) or _LINE.match(line)
    if found is None or len(found[1]) % 2:
        return None
    return bytes.fromhex(found[1].decode())


def written(secrets: list[tuple[int, bytes]], order: str) -> bytes:
    """Decryption secrets blocks: lines of one kind together, all others as they were; nothing for none."""
    logs: dict[int, list[bytes]] = {}
    blocks = []
    for kind, data in secrets:
        if kind in (TLS, SSH):
            logs.setdefault(kind, []).append(data)
        else:
            blocks.append((kind, data))
    blocks = [(kind, b"".join(lines)) for kind, lines in logs.items()] + blocks
    return b"".join(
        block(DECRYPTION_SECRETS, struct.pack(f"{order}II", kind, len(data)) + padded(data), order)
        for kind, data in blocks
    )

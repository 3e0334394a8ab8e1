"""Name resolution blocks in a copy: the names of addresses that kept packets have (draft-ietf-opsawg-pcapng, section 4.5).

A record goes out before the first kept packet with its address, or at once when such a packet was kept before. A block's options, which name
the server that answered, are left out: that server's packets may be too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcapdig.dig.held import Held, Remembered
from pcapdig.pcapng.blocks import NAME_RESOLUTION
from pcapdig.pcapng.layout import block, option, read_options

if TYPE_CHECKING:
    from collections.abc import Iterable

ADDRESS_BYTES = {1: 4, 2: 16, 3: 6, 4: 8}
"""Record type -> bytes of its address: IPv4, IPv6, EUI-48, EUI-64."""
_MAPPED = bytes(10) + b"\xff\xff"


class CarriedNames:
    """The names of a capture, over all its sections: readers apply them to all."""

    def __init__(self, held: Held[bytes, tuple[int, bytes]] | None = None) -> None:
        """None yet. `held`: where records wait."""
        self.held = held if held is not None else Held[bytes, tuple[int, bytes]]()
        self.left_out = 0
        """Records of unknown kinds."""
        self._kept: Remembered[bytes] = Remembered()

    def add(self, body: bytes, order: str) -> list[tuple[int, bytes]]:
        """Take the records of a block; those that go into the copy at once."""
        now = []
        for kind, value in read_options(body, 0, order):
            size = ADDRESS_BYTES.get(kind, 0)
            key = key_of(value[:size])
            if not size or len(value) <= size:
                self.left_out += 1
            elif key in self._kept:
                now.append((kind, value))
            else:
                self.held.add(key, (kind, value), len(value))
        return now

    def needed(self, addresses: Iterable[bytes]) -> list[tuple[int, bytes]]:
        """Records of addresses (4, 6, 8 or 16 bytes) that a kept packet has."""
        found = []
        for address in addresses:
            key = key_of(address)
            if self._kept.add(key):
                found += self.held.take(key)
        return found


def written(records: list[tuple[int, bytes]], order: str) -> bytes:
    """A name resolution block of these records; nothing for none."""
    if not records:
        return b""
    body = b"".join(option(kind, value, order) for kind, value in records)
    return block(NAME_RESOLUTION, body + bytes(4), order)


def key_of(address: bytes) -> bytes:
    """An address so that equal ones are equal: IPv4 as ::ffff:a.b.c.d."""
    return _MAPPED + address if len(address) == 4 else address

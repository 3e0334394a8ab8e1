"""The glance over many packets: never yes where the look at one finds something."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from pcapdig.dig.hellos import ESP, ZIGBEE_LINKS, Seams, ids_at, ids_in, protocol_of
from pcapdig.dig.plain_packets import Glance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pcapdig.trace.columns import Packets

HEAD = 20
HELLO = b"\x16\x03\x01\0\x80\x01\0\0\x7c\x03\x03" + bytes(range(32)) + b"\0"
PIECES = (
    b"\x16", b"\x03", b"\x01", HELLO, HELLO[:7], b"\x16\xfe\xfd" + bytes(10) + b"\x01" + bytes(11) + b"\xfe\xfd" + bytes(33),
    b"\x80\x2e\x01\x03\x01\0\x03\0\0\0\x10" + bytes(range(30)), b"SSH-2.0-x\r\n", b"\0\0\x01\0\x06\x14" + bytes(20), b"\x04\0\0\0" + bytes(28),
    b"\x01\0\0\0" + bytes(144), b"HELF\x20\0\0\0", b"MSGC\x20\0\0\0", b"GET / HTTP/1.1\r\n", b"x" * 90, b"",
)  # fmt: skip


@dataclass
class Columns:
    """Those columns that are looked at."""

    offset: NDArray[Any]
    captured: NDArray[Any]
    payload_offset: NDArray[Any]
    payload_captured: NDArray[Any]


def looked_at(payloads: list[bytes]) -> list[bool]:
    """Whether each payload is plain, behind a head of HEAD bytes, all one behind the other."""
    starts = np.cumsum([0] + [HEAD + len(payload) for payload in payloads[:-1]]).astype(np.uint64)
    sizes = np.array([len(payload) for payload in payloads], np.uint32)
    columns = Columns(starts, sizes + np.uint32(HEAD), starts + np.uint64(HEAD), sizes)
    glance = Glance(b"".join(bytes(HEAD) + payload for payload in payloads))
    return cast("list[bool]", glance.plain(cast("Packets", columns), np.arange(len(payloads))).tolist())


@pytest.mark.parametrize("payload", [b"GET / HTTP/1.1\r\n\r\n", b"", b"x", b"SELECT 1", b"\x16" + b"x" * 80])
def test_most_packets_are_spared(payload: bytes) -> None:
    """Nothing in them is of a protocol that has secrets, at the end of a capture too."""
    assert looked_at([payload, payload]) == [True, True]


@pytest.mark.parametrize("seed", range(300))
def test_what_the_look_finds_is_not_plain(seed: int) -> None:
    """Random payloads of the pieces that the look goes by."""
    dice = random.Random(seed)
    payloads = [b"".join(dice.choices(PIECES, k=dice.randint(0, 3))) for _ in range(30)]
    for payload, plain in zip(payloads, looked_at(payloads), strict=True):
        seams = Seams()
        seams.joined("a", payload)
        found = ids_in(bytes(HEAD) + payload) or ids_at(payload) or "a" in seams
        opened = [protocol_of(payload, transport, 1) for transport in (6, 17)]
        assert not plain or not (found or any(opened))


def test_what_the_glance_leaves_to_others() -> None:
    """ESP and ZigBee are known without the bytes."""
    assert protocol_of(b"x", ESP, 1) == "ESP"
    assert all(protocol_of(b"x", 17, link) == "ZigBee" for link in ZIGBEE_LINKS)

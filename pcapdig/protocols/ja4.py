"""JA4: what a TLS client is recognised by.

In: what a ClientHello says. Out: the fingerprint. Source: FoxIO, "JA4: TLS Client Fingerprinting" (github.com/FoxIO-LLC/ja4,
technical_details/JA4.md), of which this method alone is BSD 3-Clause; RFC 8701 (GREASE).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

_VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}
_SERVER_NAME, _ALPN = 0x0000, 0x0010


def is_grease(number: int) -> bool:
    """Whether a cipher, extension or version is one of RFC 8701's: 0x0a0a, 0x1a1a ... 0xfafa."""
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF


def ja4(
    *,
    version: int,
    ciphers: Sequence[int],
    extensions: Sequence[int],
    signature_algorithms: Sequence[int],
    alpn: bytes | None,
) -> str:
    """The fingerprint of a ClientHello over TCP.

    Args:
        version: the highest of supported_versions without GREASE, else that of the hello.
        ciphers: as sent.
        extensions: as sent.
        signature_algorithms: as sent.
        alpn: the first protocol offered; None: none.
    """
    ciphers = [cipher for cipher in ciphers if not is_grease(cipher)]
    extensions = [extension for extension in extensions if not is_grease(extension)]
    algorithms = [algorithm for algorithm in signature_algorithms if not is_grease(algorithm)]
    name = "d" if _SERVER_NAME in extensions else "i"
    counts = f"{min(len(ciphers), 99):02d}{min(len(extensions), 99):02d}"
    hashed = ",".join(f"{number:04x}" for number in sorted(e for e in extensions if e not in (_SERVER_NAME, _ALPN)))
    if algorithms:
        hashed += "_" + ",".join(f"{number:04x}" for number in algorithms)
    first = f"t{_VERSIONS.get(version, '00')}{name}{counts}{_alpn_letters(alpn)}"
    ciphers_hash = _hash(",".join(f"{number:04x}" for number in sorted(ciphers)))
    return f"{first}_{ciphers_hash}_{_hash(hashed) if extensions else _hash('')}"


def _alpn_letters(alpn: bytes | None) -> str:
    """First and last character; of their hex digits where they are not letters or digits."""
    if not alpn:
        return "00"
    ends = bytes((alpn[0], alpn[-1]))
    if ends.isalnum():
        return ends.decode("ascii")
    digits = alpn.hex()
    return digits[0] + digits[-1]


def _hash(text: str) -> str:
    """Twelve digits of SHA-256; zeros for nothing."""
    return sha256(text.encode("ascii")).hexdigest()[:12] if text else "0" * 12

"""What a DNS record says, in the words of zone files: as dig shows it.

In: a message, and where a record's data is. Out: text. Source: RFC 1035 section 3.3, 5.1; 1876 (LOC), 2782 (SRV), 3403 (NAPTR), 3596 (AAAA),
4034 (DNSKEY, RRSIG, NSEC, DS), 4255 (SSHFP), 5155 (NSEC3), 6698 (TLSA), 6891 (OPT), 7043 (EUI48, EUI64), 7553 (URI), 8659 (CAA);
dns_svcb.py reads SVCB and HTTPS. What does not read as its type is shown as RFC 3597 section 5 has it: `\\# 4 c0000201`.
"""

from __future__ import annotations

import base64
import ipaddress
import socket
import struct
from typing import TYPE_CHECKING

from pcapdig.protocols.dns_names import BadMessageError, read_name
from pcapdig.protocols.dns_options import options_text
from pcapdig.protocols.dns_svcb import service_text
from pcapdig.protocols.dns_types import quoted, strings, time_text, type_bitmap, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

_UNREAD_KEPT = 64
"""Bytes shown of data that is not read."""


def rdata_text(message: bytes, at: int, size: int, kind: int) -> str:
    """What a record of type `kind` says whose `size` bytes of data begin at `at`; all of them are there."""
    reader = _READERS.get(kind)
    data = message[at : at + size]
    if reader is not None:
        try:
            return reader(message, at, data)
        except (BadMessageError, struct.error, ValueError, IndexError):
            pass
    return f"\\# {size} {data[:_UNREAD_KEPT].hex()}".rstrip()


def _name(message: bytes, at: int, data: bytes) -> str:
    """CNAME and the like."""
    return _whole_name(message, at, len(data))


def _whole_name(message: bytes, at: int, size: int) -> str:
    """A name, and whatever may stand behind it.

    Raises:
        BadMessageError: it goes on behind the record.
    """
    name, after = read_name(message, at)
    if after > at + size:
        raise BadMessageError("name is longer than the record")
    return name


def _numbers_and_name(form: str) -> Callable[[bytes, int, bytes], str]:
    """Numbers, then a name: MX, SRV, AFSDB ..."""

    def read(message: bytes, at: int, data: bytes) -> str:
        numbers, size = struct.unpack_from(form, data), struct.calcsize(form)
        return " ".join(map(str, (*numbers, _whole_name(message, at + size, len(data) - size))))

    return read


def _soa(message: bytes, at: int, data: bytes) -> str:
    primary, mailbox_at = read_name(message, at)
    mailbox, numbers_at = read_name(message, mailbox_at)
    if numbers_at + 20 > at + len(data):
        raise BadMessageError("numbers are cut")
    return " ".join((primary, mailbox, *map(str, struct.unpack_from(">5I", message, numbers_at))))


def _two_names(message: bytes, at: int, data: bytes) -> str:
    """RP, MINFO."""
    first, after = read_name(message, at)
    return f"{first} {_whole_name(message, after, at + len(data) - after)}"


def _strings(_message: bytes, _at: int, data: bytes) -> str:
    """TXT, HINFO ..."""
    return " ".join(map(quoted, strings(data)))


def _a(_message: bytes, _at: int, data: bytes) -> str:
    return str(ipaddress.IPv4Address(data))


def _aaaa(_message: bytes, _at: int, data: bytes) -> str:
    if len(data) != 16:
        raise BadMessageError("no address")
    return socket.inet_ntop(socket.AF_INET6, data)


def _ds(_message: bytes, _at: int, data: bytes) -> str:
    """DS, CDS, DLV: key tag, algorithm, digest type, digest."""
    tag, algorithm, digest = struct.unpack_from(">HBB", data)
    return f"{tag} {algorithm} {digest} {data[4:].hex().upper()}"


def _dnskey(_message: bytes, _at: int, data: bytes) -> str:
    """DNSKEY, CDNSKEY, KEY: flags, protocol, algorithm, key."""
    flags, protocol, algorithm = struct.unpack_from(">HBB", data)
    return f"{flags} {protocol} {algorithm} {_base64(data[4:])}"


def _rrsig(message: bytes, at: int, data: bytes) -> str:
    """RRSIG, SIG: type covered, algorithm, labels, original TTL, expiration, inception, key tag, signer, signature."""
    covered, algorithm, labels, ttl_s, expires, begins, tag = struct.unpack_from(">HBBIIIH", data)
    signer, after = read_name(message, at + 18)
    if after > at + len(data):
        raise BadMessageError("name is longer than the record")
    signature = _base64(message[after : at + len(data)])
    return f"{type_name(covered)} {algorithm} {labels} {ttl_s} {time_text(expires)} {time_text(begins)} {tag} {signer} {signature}"


def _nsec(message: bytes, at: int, data: bytes) -> str:
    """The next name, and the types that this one has."""
    name, after = read_name(message, at)
    if after > at + len(data):
        raise BadMessageError("name is longer than the record")
    return " ".join((name, *type_bitmap(message[after : at + len(data)])))


def _nsec3(_message: bytes, _at: int, data: bytes) -> str:
    """Hash algorithm, flags, iterations, salt, next hashed name, types."""
    algorithm, flags, iterations, salt_size = struct.unpack_from(">BBHB", data)
    salt = _exactly(data, 5, salt_size)
    at = 5 + salt_size
    hashed = base64.b32hexencode(_exactly(data, at + 1, data[at])).decode().rstrip("=")
    types = type_bitmap(data[at + 1 + data[at] :])
    return " ".join((str(algorithm), str(flags), str(iterations), salt.hex().upper() or "-", hashed, *types))


def _nsec3param(_message: bytes, _at: int, data: bytes) -> str:
    algorithm, flags, iterations, size = struct.unpack_from(">BBHB", data)
    return f"{algorithm} {flags} {iterations} {_exactly(data, 5, size).hex().upper() or '-'}"


def _tlsa(_message: bytes, _at: int, data: bytes) -> str:
    """TLSA, SMIMEA: usage, selector, matching type, certificate data."""
    return f"{data[0]} {data[1]} {data[2]} {data[3:].hex().upper()}"


def _sshfp(_message: bytes, _at: int, data: bytes) -> str:
    """Algorithm, fingerprint type, fingerprint."""
    return f"{data[0]} {data[1]} {data[2:].hex().upper()}"


def _caa(_message: bytes, _at: int, data: bytes) -> str:
    """Flags, tag, value."""
    tag = _exactly(data, 2, data[1])
    if not tag.isalnum():
        raise BadMessageError("no tag")
    return f"{data[0]} {tag.decode('ascii')} {quoted(data[2 + len(tag) :])}"


def _uri(_message: bytes, _at: int, data: bytes) -> str:
    """Priority, weight, target."""
    priority, weight = struct.unpack_from(">HH", data)
    return f"{priority} {weight} {quoted(data[4:])}"


def _naptr(message: bytes, at: int, data: bytes) -> str:
    """Order, preference, flags, services, regular expression, replacement."""
    order, preference = struct.unpack_from(">HH", data)
    texts, place = [], 4
    for _ in range(3):
        texts.append(quoted(_exactly(data, place + 1, data[place])))
        place += 1 + data[place]
    return f"{order} {preference} {' '.join(texts)} {_whole_name(message, at + place, len(data) - place)}"


def _loc(_message: bytes, _at: int, data: bytes) -> str:
    """Latitude, longitude, altitude, size, precisions (RFC 1876 section 3)."""
    version, size, horizontal, vertical, latitude, longitude, altitude = struct.unpack(">BBBBIII", data)
    if version:
        raise BadMessageError("unknown version")
    metres = (altitude - 10_000_000) / 100
    places = _angle(latitude, "NS", 90), _angle(longitude, "EW", 180)
    return f"{places[0]} {places[1]} {metres:.2f}m {_length(size)}m {_length(horizontal)}m {_length(vertical)}m"


def _angle(value: int, sides: str, most_degrees: int) -> str:
    """Thousandths of a second of arc, from 2^31 on. `sides`: letters of those above and below."""
    offset = value - (1 << 31)
    degrees, rest = divmod(abs(offset), 3_600_000)
    if abs(offset) > most_degrees * 3_600_000:
        raise BadMessageError("no angle")
    minutes, rest = divmod(rest, 60_000)
    return f"{degrees} {minutes} {rest // 1000}.{rest % 1000:03d} {sides[offset < 0]}"


def _length(value: int) -> str:
    """Centimetres as a digit and a power of ten, in metres."""
    digit, power = value >> 4, value & 15
    if digit > 9 or power > 9:
        raise BadMessageError("no length")
    centimetres = digit * 10**power
    return str(centimetres // 100) if centimetres % 100 == 0 else f"{centimetres / 100:.2f}"


def _eui(_message: bytes, _at: int, data: bytes) -> str:
    if len(data) not in (6, 8):
        raise BadMessageError("no EUI")
    return data.hex("-")


def _opt(_message: bytes, _at: int, data: bytes) -> str:
    return options_text(data)


def _exactly(data: bytes, at: int, size: int) -> bytes:
    """Bytes that must be there."""
    part = data[at : at + size]
    if len(part) < size:
        raise BadMessageError("field is cut")
    return part


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


_READERS: dict[int, Callable[[bytes, int, bytes], str]] = {
    1: _a, 2: _name, 3: _name, 4: _name, 5: _name, 6: _soa, 7: _name, 8: _name, 9: _name, 12: _name, 13: _strings, 14: _two_names,
    15: _numbers_and_name(">H"), 16: _strings, 17: _two_names, 18: _numbers_and_name(">H"), 19: _strings, 20: _strings, 21: _numbers_and_name(">H"),
    24: _rrsig, 25: _dnskey, 28: _aaaa, 29: _loc, 33: _numbers_and_name(">3H"), 35: _naptr, 36: _numbers_and_name(">H"), 39: _name, 41: _opt, 43: _ds,
    44: _sshfp, 46: _rrsig, 47: _nsec, 48: _dnskey, 50: _nsec3, 51: _nsec3param, 52: _tlsa, 53: _tlsa, 59: _ds, 60: _dnskey, 64: service_text,
    65: service_text, 99: _strings, 107: _numbers_and_name(">H"), 108: _eui, 109: _eui, 256: _uri, 257: _caa, 32769: _ds,
}  # fmt: skip

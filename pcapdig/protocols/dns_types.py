"""The numbers of DNS by name, and the pieces that several kinds of records have.

In: numbers, bytes. Out: text. Source: IANA registry "Domain Name System (DNS) Parameters"; RFC 1035 section 5.1 (character strings), RFC 4034
sections 3.2 (times) and 4.1.2 (type bit maps), RFC 3597 section 5 (types without a name).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pcapdig.protocols.dns_names import BadMessageError

TYPES = {
    1: "A", 2: "NS", 3: "MD", 4: "MF", 5: "CNAME", 6: "SOA", 7: "MB", 8: "MG", 9: "MR", 10: "NULL", 11: "WKS", 12: "PTR", 13: "HINFO", 14: "MINFO",
    15: "MX", 16: "TXT", 17: "RP", 18: "AFSDB", 19: "X25", 20: "ISDN", 21: "RT", 22: "NSAP", 23: "NSAP-PTR", 24: "SIG", 25: "KEY", 26: "PX",
    27: "GPOS", 28: "AAAA", 29: "LOC", 30: "NXT", 33: "SRV", 35: "NAPTR", 36: "KX", 37: "CERT", 38: "A6", 39: "DNAME", 41: "OPT", 42: "APL", 43: "DS",
    44: "SSHFP", 45: "IPSECKEY", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 49: "DHCID", 50: "NSEC3", 51: "NSEC3PARAM", 52: "TLSA", 53: "SMIMEA",
    55: "HIP", 59: "CDS", 60: "CDNSKEY", 61: "OPENPGPKEY", 62: "CSYNC", 63: "ZONEMD", 64: "SVCB", 65: "HTTPS", 99: "SPF", 104: "NID", 105: "L32",
    106: "L64", 107: "LP", 108: "EUI48", 109: "EUI64", 249: "TKEY", 250: "TSIG", 251: "IXFR", 252: "AXFR", 253: "MAILB", 254: "MAILA", 255: "ANY",
    256: "URI", 257: "CAA", 258: "AVC", 32768: "TA", 32769: "DLV",
}  # fmt: skip
RCODES = {
    0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN", 7: "YXRRSET", 8: "NXRRSET",
    9: "NOTAUTH", 10: "NOTZONE", 11: "DSOTYPENI", 16: "BADVERS", 17: "BADKEY", 18: "BADTIME", 19: "BADMODE", 20: "BADNAME", 21: "BADALG",
    22: "BADTRUNC", 23: "BADCOOKIE",
}  # fmt: skip
OPCODES = {0: "QUERY", 1: "IQUERY", 2: "STATUS", 4: "NOTIFY", 5: "UPDATE", 6: "DSO"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def opcode_name(number: int) -> str:
    """An opcode as text."""
    return OPCODES.get(number, f"OPCODE{number}")


def type_name(number: int) -> str:
    """A record type as text."""
    return TYPES.get(number, f"TYPE{number}")


def strings(data: bytes) -> list[bytes]:
    """The character strings of a TXT record.

    Raises:
        BadMessageError: the last one is cut.
    """
    found, at = [], 0
    while at < len(data):
        end = at + 1 + data[at]
        if end > len(data):
            raise BadMessageError("string is cut")
        found.append(data[at + 1 : end])
        at = end
    return found


def quoted(data: bytes) -> str:
    """A character string in double quotes, with `\\DDD` for what is no printable ASCII."""
    return f'"{escaped(data)}"'


def escaped(data: bytes, special: bytes = b'"\\') -> str:
    """Bytes as text, with a backslash before `special` ones."""
    return "".join(
        f"\\{byte:03d}" if not 0x20 <= byte <= 0x7E else f"\\{chr(byte)}" if byte in special else chr(byte)
        for byte in data
    )


def time_text(seconds: int) -> str:
    """Seconds since 1970 (32 bits) as YYYYMMDDHHmmSS."""
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y%m%d%H%M%S")


def type_bitmap(data: bytes) -> list[str]:
    """The types that a bit map has: windows of 256, each with up to 32 bytes.

    Raises:
        BadMessageError: a window is cut, empty or too long.
    """
    found, at = list[str](), 0
    while at < len(data):
        size = data[at + 1] if at + 1 < len(data) else 0
        bits = data[at + 2 : at + 2 + size]
        if not 1 <= size <= 32 or len(bits) < size:
            raise BadMessageError("bit map is cut")
        found += [
            type_name(data[at] << 8 | index << 3 | bit)
            for index, byte in enumerate(bits)
            for bit in range(8)
            if byte & 0x80 >> bit
        ]
        at += 2 + size
    return found

"""Names in an X.509 certificate: whom it is for.

In: DER bytes. Out: names. Only the path to the names is read, nothing is checked. Source: RFC 5280 section 4.1 (structure), 4.2.1.6
(subjectAltName); X.690 section 8.1 (DER).
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import NamedTuple

NAMES_LIMIT = 256
"""Names taken of one certificate."""
_COMMON_NAME = b"\x55\x04\x03"
_ALT_NAME = b"\x55\x1d\x11"
_SEQUENCE, _OID, _OCTETS, _EXTENSIONS, _VERSION = 0x30, 0x06, 0x04, 0xA3, 0xA0
_DNS, _IP = 0x82, 0x87


class _Element(NamedTuple):
    tag: int
    content: bytes


def certificate_names(der: bytes) -> tuple[str, ...]:
    """DNS names and addresses of subjectAltName; the subject's common name where there are none; () where it cannot be read."""
    try:
        body = _elements(_elements(_elements(der)[0].content)[0].content)
    except IndexError:
        return ()
    names = _alternative_names(body)
    if names:
        return tuple(names)
    fields = [element for element in body if element.tag != _VERSION]
    # serialNumber, signature, issuer, validity, subject: RFC 5280 section 4.1
    return tuple(_common_names(fields[4].content)[:1]) if len(fields) > 4 else ()


def _alternative_names(body: list[_Element]) -> list[str]:
    names: list[str] = []
    for holder in body:
        if holder.tag != _EXTENSIONS:
            continue
        for extension in (e for sequence in _elements(holder.content) for e in _elements(sequence.content)):
            parts = _elements(extension.content)
            if len(parts) < 2 or parts[0] != (_OID, _ALT_NAME) or parts[-1].tag != _OCTETS:
                continue
            for general in (name for sequence in _elements(parts[-1].content) for name in _elements(sequence.content)):
                if general.tag == _DNS:
                    names.append(_text(general.content))
                elif general.tag == _IP and len(general.content) in (4, 16):
                    names.append(str(ip_address(general.content)))
                if len(names) == NAMES_LIMIT:
                    return names
    return names


def _common_names(subject: bytes) -> list[str]:
    """A Name is a sequence of sets of attributes; the last common name is the most specific."""
    names: list[str] = []
    for attribute in (pair for relative in _elements(subject) for pair in _elements(relative.content)):
        parts = _elements(attribute.content)
        if len(parts) == 2 and parts[0] == (_OID, _COMMON_NAME):
            text = parts[1].content.decode("utf-16-be", "replace") if parts[1].tag == 0x1E else _text(parts[1].content)
            names.insert(0, text)
    return names


def _elements(data: bytes) -> list[_Element]:
    """The elements that stand side by side in `data`, up to the first that is cut or longer than DER allows."""
    elements, at = [], 0
    while at + 2 <= len(data):
        tag, size = data[at], data[at + 1]
        at += 2
        if size >= 0x80:
            count = size & 0x7F
            if not 0 < count <= 4 or at + count > len(data):
                break
            size = int.from_bytes(data[at : at + count])
            at += count
        if at + size > len(data):
            break
        elements.append(_Element(tag, data[at : at + size]))
        at += size
    return elements


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")

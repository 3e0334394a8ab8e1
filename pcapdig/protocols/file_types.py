"""Types of files by the bytes they begin with, and names of files by what a message says.

In: the first bytes, header values, URLs. Out: texts. Only signatures that no other type shares are here: what is not sure is not
told. Sources: the WHATWG MIME Sniffing Standard sections 6 and 7 for media, and each format's own document for the others.
Must not know connections or directories.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

SNIFFED_SIZE = 262
"""Bytes that are looked at: tar has its word at 257."""

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"\x7fELF", "application/x-elf"),
    (0, b"\x00asm\x01\x00\x00\x00", "application/wasm"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (0, b"OggS\x00", "application/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"wOFF", "font/woff"),
    (0, b"wOF2", "font/woff2"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"%!PS-Adobe-", "application/postscript"),
    (0, b"<?xml ", "application/xml"),
    (0, b"#!/", "text/x-script"),
    (257, b"ustar", "application/x-tar"),
)
"""(offset, bytes, type)."""
_FIRST_TYPES = tuple(name for offset, _, name in _SIGNATURES if offset == 0)
_FIRST_BYTES = re.compile(b"|".join(b"(%b)" % re.escape(word) for offset, word, _ in _SIGNATURES if offset == 0))
"""All that stand at the beginning, asked for at once: of web pages, which are most files, none is true."""
_LATER = tuple(signature for signature in _SIGNATURES if signature[0])
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}

_EXTENDED_NAME = re.compile(r"filename\*\s*=\s*(utf-8|iso-8859-1)'[^']*'([^;\s]+)", re.IGNORECASE)
"""RFC 8187 section 3.2: charset'language'percent-encoded. UTF-8, or ISO 8859-1 as RFC 5987 had it too."""
_QUOTED_NAME = re.compile(r'filename\s*=\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_BARE_NAME = re.compile(r'filename\s*=\s*([^;"\s]+)', re.IGNORECASE)


def type_of(data: bytes) -> str | None:
    """The type that the first SNIFFED_SIZE bytes of a file (fewer if it has fewer) prove; None: none is proved."""
    if (first := _FIRST_BYTES.match(data)) and first.lastindex:
        return _FIRST_TYPES[first.lastindex - 1]
    for offset, signature, name in _LATER:
        if data.startswith(signature, offset):
            return name
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12])
    if (
        data[:2] == b"MZ" and len(data) >= 64
    ):  # alone these two letters prove nothing; 28 is where the next header's place stands
        return "application/vnd.microsoft.portable-executable" if _is_executable(data) else None
    return None


def _is_executable(data: bytes) -> bool:
    """The PE signature stands where the MZ header says (PE format, section "Signature")."""
    at = int.from_bytes(data[60:64], "little")
    return data[at : at + 4] == b"PE\0\0"


def disposition_name(value: str) -> str | None:
    """The file name in a Content-Disposition (RFC 6266 section 4.3, RFC 7578 section 4.2); None: it has none."""
    extended = _EXTENDED_NAME.search(value)
    if extended:
        return unquote(extended[2], encoding=extended[1], errors="replace")
    quoted = _QUOTED_NAME.search(value)
    if quoted:
        return re.sub(r'\\(["\\])', r"\1", quoted[1]) or None
    bare = _BARE_NAME.search(value)
    return bare[1] if bare else None


def url_name(url: str) -> str | None:
    """The last word of a URL's path, without percent-encoding; None: it ends with a slash, or has no path."""
    path = re.split(r"[?#]", url, maxsplit=1)[0]
    return unquote(path.rpartition("/")[2]) or None if "/" in path else None


def safe_name(name: str) -> str:
    """A file's name made of what came over a network: at most 100 bytes, letters, digits and few signs, no dot at its beginning."""
    text = re.sub(r"[^\w.,()+=@ -]", "_", name).strip(" .")
    stem, dot, suffix = text.rpartition(".")
    if not dot or len(suffix.encode()) > 20:
        stem, dot, suffix = text, "", ""
    room = 100 - len((dot + suffix).encode())
    return (stem.encode()[:room].decode("utf-8", "ignore") + dot + suffix) or "body"

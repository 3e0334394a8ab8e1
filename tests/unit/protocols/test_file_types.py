"""Types by first bytes, and names."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from pcapdig.protocols.file_types import disposition_name, safe_name, type_of, url_name


@pytest.mark.parametrize(
    "data", [b"", b"MZ", b"MZ" + bytes(400), b"RIFF\0\0\0\0ABCD", b"hello", b"\x89PNG\n", b"\0" * 300]
)
def test_what_proves_nothing(data: bytes) -> None:
    """No guess."""
    assert type_of(data) is None


def test_types() -> None:
    """Of files that others made."""
    archive = BytesIO()
    zipfile.ZipFile(archive, "w").close()
    assert type_of(archive.getvalue()) == "application/zip"
    assert type_of(Path(sys.executable).resolve().read_bytes()[:262]) == "application/x-elf"
    tar = subprocess.run(["tar", "cf", "-", "/etc/hostname"], capture_output=True, check=True)
    assert type_of(tar.stdout[:262]) == "application/x-tar"
    assert type_of(b"RIFF\x24\0\0\0WEBPVP8 ") == "image/webp"
    assert type_of(b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0") == (
        "application/vnd.microsoft.portable-executable"
    )


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("attachment", None),
        ('form-data; name="x"', None),
        ('form-data; name="x"; filename="a b.txt"', "a b.txt"),
        (r'attachment; filename="a\"b.txt"', 'a"b.txt'),
        ("attachment; FileName=plain.bin; x=1", "plain.bin"),
        ("attachment; filename=a.txt; filename*=UTF-8''%e2%82%ac.txt", "€.txt"),
        ("attachment; filename*=nonsense''x; filename=a.txt", "a.txt"),
        ('attachment; filename=""', None),
    ],
)
def test_name_in_a_disposition(value: str, name: str | None) -> None:
    """RFC 6266 and 8187."""
    assert disposition_name(value) == name


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("h/a/b%20c.txt?x=/y#z", "b c.txt"),
        ("h/a/", None),
        ("h", None),
        ("/index.html", "index.html"),
        ("h/%2e%2e%2f", "../"),
    ],
)
def test_name_in_a_url(url: str, name: str | None) -> None:
    """The last word of the path."""
    assert url_name(url) == name


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..",
        "",
        "a\0b",
        "-rf",
        "a" * 300,
        "\x1b[31m",
        "\u202etxt.exe",
        "x" * 90 + ".é" * 80,
        " . ",
        "a/b\\c",
    ],
)
def test_no_name_leads_elsewhere(name: str) -> None:
    """No slash, no control character, no dot at the beginning, and short."""
    safe = safe_name(name)
    assert safe and not set(safe) & set("/\\\0") and safe.isprintable() and safe[0] != "." and len(safe.encode()) <= 100


def test_a_good_name_stays() -> None:
    """With its suffix, also when it is cut."""
    assert safe_name("me at sea (2).jpeg") == "me at sea (2).jpeg"
    assert safe_name("x" * 300 + ".tar.gz").endswith("xx.gz")

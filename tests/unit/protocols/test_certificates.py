"""Names in certificates made by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pcapdig.protocols.certificates import certificate_names


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """One with subjectAltName, one with a common name only."""
    folder: Path = tmp_path_factory.mktemp("certificates")
    made = []
    for number, extra in enumerate(
        (["-addext", "subjectAltName=DNS:a.example,DNS:*.b.example,IP:192.0.2.1,IP:2001:db8::1"], [])
    ):
        path = folder / f"{number}.der"
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(folder / "key")]
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                *key,
                "-subj",
                "/O=Shop/CN=common.example",
                "-outform",
                "DER",
                "-out",
                str(path),
                *extra,
            ],
            check=True,
            capture_output=True,
        )
        made.append(path.read_bytes())
    return made


@pytest.mark.parametrize(
    "data", [b"", b"\x30", b"\x30\x80\0\0", b"\x30\x84\xff\xff\xff\xff", b"\x30\x00", b"\x30\x02\x30\x00"]
)
def test_no_certificate_has_no_names(data: bytes) -> None:
    """Cut, indefinite length, too long, empty."""
    assert certificate_names(data) == ()


def test_any_cut_is_survived(certificates: list[bytes]) -> None:
    """No names come from a certificate that ends too early."""
    der = certificates[0]
    assert {certificate_names(der[:size]) for size in range(len(der))} == {()}


def test_alternative_names(certificates: list[bytes]) -> None:
    """DNS names and addresses; the common name does not count beside them (RFC 9525)."""
    assert certificate_names(certificates[0]) == ("a.example", "*.b.example", "192.0.2.1", "2001:db8::1")


def test_common_name(certificates: list[bytes]) -> None:
    """Where there is nothing else."""
    assert certificate_names(certificates[1]) == ("common.example",)

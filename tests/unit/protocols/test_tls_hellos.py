"""Hellos and certificates of TLS, byte by byte."""

from __future__ import annotations

import pytest

from pcapdig.protocols.tls_hellos import (
    client_hello,
    first_certificate,
    server_hello,
    ssl2_client_hello,
    ssl2_server_hello,
    version_name,
)

NAME = b"\0\0\0\x0b\0\x09\0\0\x06a.test"
START = b"\x03\x03" + bytes(32) + b"\0"
CLIENT = START + b"\0\x04\x13\x01\xc0\x2f" + b"\x01\0"


def client(*extensions: bytes) -> bytes:
    """A ClientHello's body."""
    data = b"".join(extensions)
    return CLIENT + len(data).to_bytes(2) + data


@pytest.mark.parametrize("size", [0, 1, 34, 35, 36])
def test_a_hello_that_is_cut(size: int) -> None:
    """Before its ciphers nothing of it is known."""
    assert client_hello(CLIENT[:size]) is None
    assert server_hello(CLIENT[:size]) is None


@pytest.mark.parametrize("extension", [b"\0\x10\0\xff", b"\0\x10\0\x04\0\xff\xffh", b"\0"])
def test_what_follows_a_wrong_length(extension: bytes) -> None:
    """What stands before it is told."""
    hello = client_hello(client(NAME, extension))
    assert hello is not None
    assert (hello.server_name, hello.alpn) == ("a.test", ())


def test_a_hello_without_extensions() -> None:
    """As SSL 3.0 has it."""
    hello = client_hello(CLIENT)
    assert hello is not None
    assert (hello.version, hello.ciphers, hello.server_name) == (0x0303, (0x1301, 0xC02F), None)
    assert hello.ja4 is not None
    assert hello.ja4.startswith("t12i020000_")


def test_ciphers_of_an_odd_length() -> None:
    """Half a cipher is none."""
    hello = client_hello(START + b"\0\x03\x13\x01\xc0" + b"\x01\0")
    assert hello is not None
    assert hello.ciphers == (0x1301,)


def test_a_draft_of_tls13() -> None:
    """Draft 18 has neither session id nor compression in its ServerHello."""
    hello = server_hello(b"\x7f\x12" + bytes(range(32)) + b"\x13\x02" + b"\0\0")
    assert hello is not None
    assert (version_name(hello.version), hello.cipher) == ("TLSv1.3-draft18", "TLS_AES_256_GCM_SHA384")


def test_a_version_chosen_by_extension() -> None:
    """RFC 8446 section 4.1.3: what stands first is 1.2 for old middleboxes' sake."""
    hello = server_hello(START + b"\x13\x05" + b"\0" + b"\0\x06" + b"\0\x2b\0\x02\x03\x04")
    assert hello is not None
    assert (hello.version, hello.cipher) == (0x0304, "TLS_AES_128_CCM_8_SHA256")


def test_an_unknown_cipher_and_version_have_their_numbers() -> None:
    """Known ones have names."""
    hello = server_hello(START + b"\xfa\xce" + b"\0")
    assert hello is not None
    assert hello.cipher == "0xface"
    assert (version_name(0x0304), version_name(0xFB17)) == ("TLSv1.3", "0xfb17")


@pytest.mark.parametrize("body", [b"", bytes(7), b"\x03\x01\0\x02\0\0\0\x10" + bytes(17), b"\0\x02" + bytes(6)])
def test_a_wrong_ssl2_hello(body: bytes) -> None:
    """Too short, half a cipher, or none."""
    assert ssl2_client_hello(body) is None
    assert ssl2_server_hello(body) is None


def test_the_certificate_of_ssl2() -> None:
    """It stands behind the lengths."""
    found = ssl2_server_hello(b"\0\x01\0\x02" + b"\0\x04\0\x03\0\x10" + b"cert" + b"\x01\0\x80" + bytes(16))
    assert found is not None
    assert found[1] == b"cert"


def test_the_first_certificate() -> None:
    """Of a list; an empty list, and one that is cut, give what there is."""
    assert first_certificate(b"\0\0\x0b" + b"\0\0\x03one" + b"\0\0\x02tw") == b"one"
    assert first_certificate(b"\0\0\0") == b""

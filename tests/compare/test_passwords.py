"""Passwords in every capture, as tshark shows them."""

from __future__ import annotations

import base64
import binascii
from contextlib import suppress
from pathlib import Path

from by_pcapdig import pcapdig
from by_tshark import Frame, tshark
from test_protocols import names


def passwords(frame: Frame) -> set[str]:
    """The passwords that tshark shows in a packet; those of SMTP's SASL are in base64, PLAIN's behind names and NUL (RFC 4616)."""
    found = {*frame["imap.request.password"], *frame["ldap.simple"]}
    for command, argument in (
        ("ftp.request.command", "ftp.request.arg"),
        ("pop.request.command", "pop.request.parameter"),
    ):
        if [word.upper() for word in frame[command]] == ["PASS"]:
            found |= {*frame[argument]}
    for name in ("smtp.auth.password", "smtp.auth.username_password"):
        with suppress(binascii.Error):
            found |= {
                base64.b64decode(text, validate=True).rpartition(b"\0")[2].decode("latin-1") for text in frame[name]
            }
    return found - {""}


def test_passwords_hold_those_of_tshark(capture: Path) -> None:
    """Each password of FTP, POP3, IMAP, LDAP and SMTP, in its conversation.

    tshark takes the quotes off a password of IMAP also where it has none. FTP's PASS is known by what the server says next.
    """
    expected = set[tuple[str, str]]()
    for frame in tshark(capture).frames:
        if frame.conversation and frame.conversation not in tshark(capture).is_cut and (shown := passwords(frame)):
            (name,) = names(capture, {frame.conversation})
            expected |= {(name, secret) for secret in shown}
    lines = pcapdig(capture, decap=True).records("plaintext", secrets="show") if expected else []
    found = {(each["fd.name"], each["secret"]) for each in lines}
    found |= {(each["fd.name"], each["secret"][1:-1]) for each in lines if each["protocol"] == "imap"}
    assert not expected - found

"""Bodies on their way."""

from __future__ import annotations

import gzip
import hashlib
from typing import Any

import pytest

from pcapdig.chisels import transfers
from pcapdig.chisels.dialogues import Found
from pcapdig.chisels.transfers import Transfer, body_of
from pcapdig.protocols._http_heads import request_in, response_in
from pcapdig.protocols.conversation import Moment
from pcapdig.protocols.http import HttpPiece
from pcapdig.trace.columns import Tables

NOW = Moment(0)


def found(
    *, method: str = "GET", of_response: bool = True, status: int = 200, fields: str = "", codings: Any = ()
) -> Found[HttpPiece]:
    """The first piece of a body."""
    of_request = "" if of_response else fields
    request = request_in(f"{method} /a/name.txt?q HTTP/1.1\r\nHost: h\r\n{of_request}\r\n".encode(), NOW)
    response = response_in(f"HTTP/1.1 {status} X\r\n{fields}\r\n".encode(), NOW) if of_response else None
    piece = HttpPiece(asked=NOW, answered=NOW, request=request, response=response, codings=codings, data=b"")
    return Found(piece, 0, Tables())


def taken(transfer: Transfer, data: bytes, missing: int = 0) -> bytes:
    """What comes out of some bytes."""
    return b"".join(transfer.take(data, missing))


def test_an_unknown_coding_is_told() -> None:
    """Nothing is decoded, and it is not whole."""
    transfer = body_of(found(codings=("odd",)))
    assert taken(transfer, b"xyz") == b""
    assert (transfer.wire_bytes, transfer.size_bytes, transfer.problem) == (3, 0, "content coding odd is not known")
    assert transfer.state(is_complete=True) == "cut"


def test_a_bomb_is_not_decoded_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its beginning counts."""
    monkeypatch.setattr(transfers, "BOMB_SIZE", 1 << 20)
    transfer = body_of(found(codings=("gzip",)))
    taken(transfer, gzip.compress(bytes(50 << 20)))
    assert transfer.problem == "it decodes to more than 200 times its size"
    assert transfer.size_bytes < 20 << 20


def test_what_follows_missing_bytes_is_only_counted() -> None:
    """Size and hash are of what came before."""
    transfer = body_of(found())
    assert (taken(transfer, b"ab"), taken(transfer, b"", 5), taken(transfer, b"cd")) == (b"ab", b"", b"")
    assert (transfer.wire_bytes, transfer.size_bytes, transfer.missing_bytes) == (9, 2, 5)
    assert transfer.sha256 == hashlib.sha256(b"ab").hexdigest()
    assert transfer.state(is_complete=True) == "cut"


def test_a_coding_cut_short_is_cut() -> None:
    """Though the message was whole."""
    transfer = body_of(found(codings=("gzip",)))
    data = gzip.compress(b"text")
    assert taken(transfer, data[:-1]) == b"text"
    assert transfer.state(is_complete=True) == "cut"
    assert taken(transfer, data[-1:]) == b""
    assert [transfer.state(is_complete=complete) for complete in (True, False)] == ["whole", "cut"]


def test_partial_content() -> None:
    """206 with its range."""
    transfer = body_of(found(status=206, fields="Content-Range: bytes 1-2/9\r\n"))
    assert (transfer.range, transfer.state(is_complete=True)) == ("bytes 1-2/9", "part")


@pytest.mark.parametrize(
    ("method", "of_response", "fields", "name"),
    [
        ("GET", True, "", "name.txt"),
        ("GET", True, 'Content-Disposition: attachment; filename="x.bin"\r\n', "x.bin"),
        ("PUT", False, "", "name.txt"),
        ("POST", False, "", None),
    ],
)
def test_name(method: str, of_response: bool, fields: str, name: str | None) -> None:
    """The URL of a POST names what takes it."""
    assert body_of(found(method=method, of_response=of_response, fields=fields)).name == name


def test_a_form_is_taken_apart_only_in_uploads() -> None:
    """Responses are whole things."""
    fields = "Content-Type: multipart/form-data; boundary=X\r\n"
    assert body_of(found(method="POST", of_response=False, fields=fields)).form
    assert body_of(found(fields=fields)).form is None

"""What HTTP carries: one body, or one file in a form, counted, hashed and looked at as it goes by.

In: the bytes in pieces. Out: size, SHA-256, type, name, and decoded bytes for who wants to save them. Holds no more than the first
bytes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pcapdig.protocols.bodies import CodingError, Decoder
from pcapdig.protocols.file_types import SNIFFED_SIZE, disposition_name, type_of, url_name
from pcapdig.protocols.multipart import Multipart, boundary_of
from pcapdig.render.items import NewFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pcapdig.chisels.dialogues import Found
    from pcapdig.protocols.http import HttpPiece
    from pcapdig.trace.renumbering import Renumbering

_PARTIAL = 206
"""Status of a response that carries a part of something longer (RFC 9110 section 15.3.7)."""

BOMB_SIZE, BOMB_RATIO = 64 << 20, 200
"""A body that decodes to more bytes than BOMB_SIZE, and to more than BOMB_RATIO times those it came in, is not decoded further. Text seldom
shrinks to a hundredth; deflate can to a thousandth."""


class Transfer:
    """A file on its way."""

    def __init__(self, found: Found[HttpPiece], headers: tuple[tuple[str, str], ...], codings: tuple[str, ...]) -> None:
        """Made of the first piece of a body.

        Args:
            found: that piece, and where it was.
            headers: those of the message, or of the part of a form.
            codings: content codings to undo, in the order applied.
        """
        request, response = found.record.request, found.record.response
        self.found = found
        self.headers = headers
        self.is_upload = response is None
        self.method = request.method if request else None
        self.url = request.url if request else None
        self.sent_type = _value(headers, "content-type")
        """Content-Type, without its parameters."""
        self.name = disposition_name(_header(headers, "content-disposition"))
        """Of the file; None: nothing says one."""
        self.range = _value(headers, "content-range") if response and response.status == _PARTIAL else None
        """Content-Range of a part of something longer."""
        self.form: Multipart | None = None
        """Takes a form apart; None: it is none."""
        self.part: Transfer | None = None
        """What part of the form is under way."""
        self.file = NewFile()
        """Where it is saved."""
        self.saved_bytes = 0
        self.is_left_out = False
        """It is not saved, since there are too many files."""
        self.wire_bytes = 0
        """Bytes that came, with content coding."""
        self.size_bytes = 0
        """Bytes without it, as far as they came in one piece."""
        self.missing_bytes = 0
        """Bytes of it that were sent and not captured."""
        self.problem: str | None = None
        """Why it is not decoded to its end; None: nothing went wrong."""
        self._is_partial = bool(response and response.status == _PARTIAL)
        self._first = b""
        self._hash = hashlib.sha256()
        self._decoder: Decoder | None = None
        try:
            self._decoder = Decoder(codings)
        except CodingError as error:
            self.problem = str(error)

    def take(self, data: bytes, missing: int = 0) -> Iterator[bytes]:
        """More of it; gives what it says without content coding. What comes after missing bytes is only counted."""
        self.wire_bytes += len(data) + missing
        self.missing_bytes += missing
        if self.problem or self.missing_bytes or self._decoder is None:
            return
        try:
            for part in self._decoder.feed(data):
                self._note(part)
                yield part
                if self.size_bytes > max(BOMB_SIZE, BOMB_RATIO * self.wire_bytes):
                    self.problem = f"it decodes to more than {BOMB_RATIO} times its size"
                    return
        except CodingError as error:
            self.problem = str(error)

    def renumber(self, renumbering: Renumbering) -> None:
        """Its flow gets a new number."""
        self.found = self.found._replace(flow=int(renumbering.new[self.found.flow]))
        if self.part is not None:
            self.part.found = self.found

    def _note(self, data: bytes) -> None:
        self.size_bytes += len(data)
        self._hash.update(data)
        if len(self._first) < SNIFFED_SIZE:
            self._first += data[: SNIFFED_SIZE - len(self._first)]

    def state(self, *, is_complete: bool) -> str:
        """`whole`; `part` of something longer, all of which was sent; `cut`. `is_complete`: it came to its end."""
        is_decoded = self._decoder is not None and (not self.wire_bytes or self._decoder.is_ended)
        if not is_complete or self.problem or self.missing_bytes or not (is_decoded or self._is_partial):
            return "cut"
        return "part" if self._is_partial else "whole"

    @property
    def sha256(self) -> str:
        """Of what `size_bytes` counts, in hexadecimal."""
        return self._hash.hexdigest()

    @property
    def type(self) -> str | None:
        """What its first bytes prove it to be."""
        return type_of(self._first)


def body_of(found: Found[HttpPiece]) -> Transfer:
    """The body that begins with a piece."""
    piece = found.record
    headers = piece.carrier.headers
    transfer = Transfer(found, headers, piece.codings)
    if transfer.name is None and transfer.url and (piece.response or transfer.method == "PUT"):
        transfer.name = url_name(transfer.url)  # a POST's URL names what takes it
    boundary = boundary_of(_header(headers, "content-type"))
    if transfer.is_upload and boundary:
        transfer.form = Multipart(boundary)
    return transfer


def _header(headers: tuple[tuple[str, str], ...], name: str) -> str:
    return next((value for key, value in headers if key == name), "")


def _value(headers: tuple[tuple[str, str], ...], name: str) -> str | None:
    """A header's value without parameters; None: it is not there, or empty."""
    return _header(headers, name).partition(";")[0].strip() or None

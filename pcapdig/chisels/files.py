"""files: what HTTP carried, each body a line, and a file if asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from pcapdig.chisels.chisel import Arg
from pcapdig.chisels.httplog import http_beginning
from pcapdig.chisels.logs import LogChisel
from pcapdig.errors import UsageError
from pcapdig.render.items import Extract, Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pcapdig.chisels.dialogues import Found, Opening
    from pcapdig.chisels.transfers import Transfer
    from pcapdig.protocols.conversation import Dialogue
    from pcapdig.protocols.http_messages import HttpMessage, HttpPiece
    from pcapdig.protocols.multipart import PartPiece
    from pcapdig.render.items import Item
    from pcapdig.trace.renumbering import Renumbering

_OPEN_LIMIT = 4096
"""Bodies under way at once; of more, the oldest is told as cut."""


class Files(LogChisel["HttpPiece"]):
    """A line a body, and one for each file in a form."""

    name: ClassVar[str] = "files"
    category: ClassVar[str] = "Net"
    short_description: ClassVar[str] = "List and save the files that HTTP carried"
    description: ClassVar[str] = (
        "Shows each body that an HTTP message carried, uploads (>) and downloads (<), and each file in a multipart/form-data "
        "upload: when its message began, URL, file name (Content-Disposition, else the URL's last word), type as sent and as "
        "the first bytes prove it, bytes as sent and without chunks and content coding (gzip, deflate, brotli, zstd), SHA-256 of "
        "those, and whether that is all of it: whole; part, of a longer one (206); cut, where bytes are missing, the connection "
        "ended too early or the coding is broken: then size and SHA-256 are of what came before. HTTP/1.0 and 1.1, any port. "
        "--save DIR writes each body to a file of its own in DIR, mode 0600, and never over another; a file is written up to "
        "--max-mib, all together up to --total-mib and --max-files, while sizes and SHA-256 go on."
    )
    args: ClassVar[tuple[Arg, ...]] = (
        Arg(
            name="save",
            type="string",
            description="directory for the bodies; without it none is written",
            optional=True,
        ),
        Arg(name="max_mib", type="int", description="MiB written of one body, 100 if not given", optional=True),
        Arg(name="total_mib", type="int", description="MiB written of all bodies, 10000 if not given", optional=True),
        Arg(name="max_files", type="int", description="files written, 10000 if not given", optional=True),
    )

    def __init__(
        self,
        *,
        save: str | None = None,
        max_mib: str = "100",
        total_mib: str = "10000",
        max_files: str = "10000",
        verbose: bool = False,
    ) -> None:
        """Raises UsageError where a limit is no number, or `save` is empty."""
        from pcapdig.protocols.http import HttpBodies, starts  # once: a dialogue is begun for each connection

        super().__init__(verbose=verbose)
        self.beginning = http_beginning()
        self._starts, self._new_dialogue = starts, HttpBodies
        if save == "":
            raise UsageError("chisel files: save is empty; it takes a directory")
        self._directory = save
        self._limit_bytes = _mib("max_mib", max_mib)
        self._left_bytes = _mib("total_mib", total_mib)
        self._file_limit = self._left_files = _whole("max_files", max_files, "files")
        self._unsaved = 0  # bodies that were not written because there were too many
        self._under_way: dict[HttpMessage, Transfer] = {}
        self._given_up: set[HttpMessage] = set()  # told before their end

    def begin(self, opening: Opening) -> Dialogue[HttpPiece, Any] | None:
        """Where a request or a response begins."""
        return self._new_dialogue() if self._starts(opening.data) else None

    def renumber(self, renumbering: Renumbering) -> Iterator[Item]:
        """Bodies under way in connections that go are cut off."""
        yield from super().renumber(renumbering)
        for transfer in list(self._under_way.values()):
            if renumbering.goes(transfer.found.flow):
                yield from self._ended(transfer, is_complete=False)
            else:
                transfer.renumber(renumbering)

    def end(self) -> Iterator[Item]:
        """What never ended."""
        yield from super().end()
        for transfer in list(self._under_way.values()):
            yield from self._ended(transfer, is_complete=False)

    def notes(self) -> Iterator[str]:
        """What was not written, and what was given up."""
        yield from super().notes()
        if self._unsaved:
            yield f"{self._unsaved:,} bodies were not written: --max-files is {self._file_limit:,}"

    def lines(self, found: Found[HttpPiece]) -> Iterator[Item]:
        """What to write of a piece, and the lines of what ended with it."""
        from pcapdig.chisels.transfers import body_of

        piece = found.record
        transfer = self._under_way.get(piece.carrier)
        if piece.carrier in self._given_up:
            if piece.is_end:
                self._given_up.remove(piece.carrier)
            return
        if transfer is None:
            if len(self._under_way) >= _OPEN_LIMIT:
                oldest = next(iter(self._under_way.values()))
                self._given_up.add(oldest.found.record.carrier)
                yield from self._ended(oldest, is_complete=False)
            transfer = self._under_way[piece.carrier] = body_of(found)
        for data in transfer.take(piece.data, piece.missing):
            yield from self._saved(transfer, data)
            if transfer.form:
                yield from self._parts(transfer, transfer.form.feed(data))
        if piece.is_end:
            yield from self._ended(transfer, is_complete=piece.is_complete)

    def _ended(self, transfer: Transfer, *, is_complete: bool) -> Iterator[Item]:
        """The line of a body, after those of the files in it that it cuts off."""
        del self._under_way[transfer.found.record.carrier]
        if transfer.form:
            yield from self._parts(transfer, transfer.form.end())
        yield self._told(transfer, is_complete=is_complete)

    def _parts(self, form: Transfer, pieces: Iterable[PartPiece]) -> Iterator[Item]:
        """The same for the files in a form."""
        from pcapdig.chisels.transfers import Transfer

        for piece in pieces:
            if form.part is None or form.part.headers is not piece.part.headers:
                form.part = Transfer(form.found, piece.part.headers, ())
            if form.part.name is None:
                continue  # a field, no file
            for data in form.part.take(piece.data):
                yield from self._saved(form.part, data)
            if piece.is_end:
                yield self._told(form.part, is_complete=piece.is_complete)

    def _saved(self, transfer: Transfer, data: bytes) -> Iterator[Extract]:
        """What is written of some more bytes."""
        from pcapdig.protocols.file_types import safe_name

        size = min(len(data), self._limit_bytes - transfer.saved_bytes, self._left_bytes)
        if self._directory is None or size <= 0 or transfer.is_left_out:
            return
        if not transfer.saved_bytes:
            if not self._left_files:
                transfer.is_left_out = True
                self._unsaved += 1
                return
            self._left_files -= 1
        transfer.saved_bytes += size
        self._left_bytes -= size
        name = f"{transfer.found.record.moment.number}-{safe_name(transfer.name or 'body')}"
        yield Extract(directory=self._directory, name=name, data=data[:size], new=transfer.file)

    def _told(self, transfer: Transfer, *, is_complete: bool) -> Line:
        """The line of what has ended."""
        pairs: dict[str, int | str | None] = {
            "method": transfer.method,
            "url": transfer.url,
            "name": transfer.name,
            "type": transfer.sent_type,
            "magic": transfer.type,
            "wire": transfer.wire_bytes,
            "size": transfer.size_bytes,
            "sha256": transfer.sha256,
            "state": transfer.state(is_complete=is_complete),
        }
        if transfer.range:
            pairs["range"] = transfer.range
        if transfer.missing_bytes:
            pairs["missing"] = transfer.missing_bytes
        if transfer.problem:
            pairs["problem"] = transfer.problem
        if transfer.file.path is not None:
            pairs["saved"] = transfer.file.path
            if transfer.saved_bytes < transfer.size_bytes:
                pairs["saved_bytes"] = transfer.saved_bytes
        pairs["fd.name"] = transfer.found.connection
        kind = "upload" if transfer.is_upload else "download"
        members = {"direction": kind, **pairs}
        return self.call_line(transfer.found, {**pairs}, members.items(), before=f"{kind} ", shows_latency=False)


def _mib(name: str, text: str) -> int:
    """MiB as bytes.

    Raises:
        UsageError: it is no whole number.
    """
    return _whole(name, text, "MiB") << 20


def _whole(name: str, text: str, things: str) -> int:
    """A whole number.

    Raises:
        UsageError: it is none.
    """
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise UsageError(f"chisel files: {name} {text!r} is not a whole number of {things}")
    return int(text)

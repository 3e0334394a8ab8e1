"""What a MySQL server answers: OK, error, result sets of any number of rows.

In: packets. Out: `SqlAnswer`. Whether the connection leaves out EOF packets (CLIENT_DEPRECATE_EOF) is seen from the packets: an EOF packet
has 5 bytes of payload, of which clients of before 4.1 get the first, the OK packet in its place 7 or more. Source: as mysql.py, "Text
Resultset", "OK_Packet", "EOF_Packet".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcapdig.protocols.inbox import LostPlaceError
from pcapdig.protocols.mysql_packets import Bytes, CutPacketError
from pcapdig.protocols.sql import SqlAnswer, SqlError

if TYPE_CHECKING:
    from pcapdig.protocols.inbox import Inbox, Reading
    from pcapdig.protocols.mysql_logins import Login

_KEPT = 1024
_MORE_RESULTS, _CURSOR = 0x0008, 0x0040
_OK, _EOF, _ERROR, _LOCAL_FILE, _AUTH_MORE = 0x00, 0xFE, 0xFF, 0xFB, 0x01
_EOF_SIZES = (1, 5)
_FULL = 0xFFFFFF
_DUMPS = ("binlog_dump", "binlog_dump_gtid", "table_dump")
"""Commands that are answered with events until an EOF packet or an error: COM_BINLOG_DUMP."""
_PROGRESS = b"\xff\xff\xff"
"""Beginning of MariaDB's progress report, which comes as an error of code 65535 before an answer, or after the file it is about."""


def read_packet(inbox: Inbox, keep: int) -> Reading[tuple[int, bytes, int]]:
    """One packet: its first number, first bytes of its payload, its size. Those of 16 MiB go on in the next, and are one here."""
    header = yield from inbox.exactly(4)
    size, sequence = int.from_bytes(header[:3], "little"), header[3]
    data = yield from inbox.prefix(size, keep)
    total, part = size, size
    while part == _FULL:
        header = yield from inbox.exactly(4)
        part = int.from_bytes(header[:3], "little")
        yield from inbox.prefix(part, 0)
        total += part
    return sequence, data, total


def _read_answer(inbox: Inbox) -> Reading[tuple[int, bytes, int]]:
    """The next packet that is no report of progress."""
    while True:
        packet = yield from read_packet(inbox, _KEPT)
        if not packet[1].startswith(_PROGRESS):
            return packet


class AnswerReader:
    """Reads one answer. `command`: what it answers, as mysql.py names it; empty: not known."""

    def __init__(self, command: str, login: Login | None = None) -> None:
        """`login`: told when the server asks for another plugin."""
        self.prepared: int | None = None
        """Id of a statement prepared."""
        self.parameter_count = 0
        """Its parameters."""
        self.file_number: int | None = None
        """Number of the next packet of a file that the client is to send (LOAD DATA LOCAL INFILE) and has not ended; None: there is none."""
        self.is_done = False
        """The answer has come to its end."""
        self.streams = False
        """Events of a dump follow the answer."""
        self._login_heard = login
        self._command = command
        self._rows: int | None = None
        self._affected: int | None = None

    def read(self, inbox: Inbox) -> Reading[SqlAnswer | None]:
        """The answer; None: the packet was none, but the end of an answer before."""
        sequence, data, size = yield from _read_answer(inbox)
        if not data:
            if size:
                raise LostPlaceError  # not captured
            return SqlAnswer()  # debug and others answer with nothing
        if sequence == 0:
            raise LostPlaceError
        if data[0] == _EOF and size in _EOF_SIZES and sequence > 1 and self._command != "connect":
            return None
        try:
            if self._command in ("connect", "change_user"):
                return (yield from self._login(inbox, data))
            if self._command == "statistics":
                return SqlAnswer()
            if data[0] == _ERROR:
                return SqlAnswer(error=read_error(data))
            if self._command in _DUMPS:
                self.streams = data[0] == _OK
                return SqlAnswer()
            if self._command == "prepare":
                return (yield from self._prepared(inbox, data))
            if self._command == "fetch":
                self._rows = 0
                yield from self._read_rows(inbox, data, size)
            elif self._command == "field_list":
                yield from self._read_rows(inbox, data, size)
                self._rows = None
            else:
                return (yield from self._results(inbox, sequence, data, size))
        except CutPacketError:
            raise LostPlaceError from None
        return self._answer(None)

    def _answer(self, error: SqlError | None) -> SqlAnswer:
        return SqlAnswer(rows=self._rows, affected=self._affected, error=error)

    def _login(self, inbox: Inbox, data: bytes) -> Reading[SqlAnswer]:
        """Until OK or an error; in between servers and clients may ask each other more."""
        while data[:1] in (bytes([_AUTH_MORE]), bytes([_EOF])):
            if data[0] == _EOF and self._login_heard:
                self._login_heard.switch(data)
            _, data, _ = yield from read_packet(inbox, _KEPT)
        if data[:1] == bytes([_ERROR]):
            return SqlAnswer(error=read_error(data))
        if data[:1] != bytes([_OK]):
            raise LostPlaceError
        return SqlAnswer()

    def _prepared(self, inbox: Inbox, data: bytes) -> Reading[SqlAnswer]:
        """The statement's id, then definitions of parameters and columns; an EOF packet after each kind is left for `read`."""
        head = Bytes(data, 1)
        number, columns, parameters = head.integer(4), head.integer(2), head.integer(2)
        left = columns + parameters
        while left:
            _, data, size = yield from read_packet(inbox, 1)
            if not (data == b"\xfe" and size in _EOF_SIZES):
                left -= 1
        self.prepared, self.parameter_count = number, parameters
        return SqlAnswer()

    def _results(self, inbox: Inbox, sequence: int, data: bytes, size: int) -> Reading[SqlAnswer]:
        """OK packets and result sets, until one says that it is the last."""
        while True:
            error = None
            if data[0] == _LOCAL_FILE:
                status = _MORE_RESULTS  # the client sends the file, then OK comes
                self.file_number = (sequence + 1) & 0xFF
            elif data[0] == _OK or (data[0] == _EOF and size < 9):
                status = self._read_ok(data, size)
            elif data[0] == _ERROR:
                return self._answer(read_error(data))
            else:
                status, error = yield from self._read_result_set(inbox, data)
            if error or not status & _MORE_RESULTS:
                return self._answer(error)
            sequence, data, size = yield from _read_answer(inbox)
            if not data:
                raise LostPlaceError

    def read_stream(self, inbox: Inbox) -> Reading[None]:
        """The events of a dump, to the packet that ends them; commands are answered again behind it."""
        while self.streams:
            yield from inbox.something()
            _, data, size = yield from read_packet(inbox, 1)
            self.streams = data != b"\xff" and not (data == b"\xfe" and size in _EOF_SIZES)

    def _read_ok(self, data: bytes, size: int) -> int:
        """An OK or EOF packet; its status flags."""
        packet = Bytes(data, 1)
        if data[0] == _EOF and len(data) in _EOF_SIZES:
            return self._end_status(data, size)
        self._affected = (self._affected or 0) + packet.length()
        packet.length()
        if self._login_heard and self._login_heard.is_old:
            return 0  # it has one result, and flags only if the client knows transactions
        return packet.integer(2)

    def _read_result_set(self, inbox: Inbox, data: bytes) -> Reading[tuple[int, SqlError | None]]:
        """Columns, then rows. The packet after the definitions is an EOF, or the first row."""
        columns = Bytes(data).length()
        sends_definitions = data[-1] != 0 or len(data) != _length_size(data) + 1  # MARIADB_CLIENT_CACHE_METADATA
        for _ in range(columns if sends_definitions else 0):
            yield from read_packet(inbox, 0)
        self._rows = self._rows or 0
        _, data, size = yield from read_packet(inbox, _KEPT)
        if data[:1] == b"\xfe" and size in _EOF_SIZES:
            status = self._end_status(data, size)
            if status & _CURSOR:
                return status & ~_MORE_RESULTS, None
            _, data, size = yield from read_packet(inbox, _KEPT)
        return (yield from self._read_rows(inbox, data, size))

    def _read_rows(self, inbox: Inbox, data: bytes, size: int) -> Reading[tuple[int, SqlError | None]]:
        """Rows from this packet on, to the packet that ends them: status flags, or the error that broke them off."""
        rows = self._rows or 0
        while True:
            first = data[:1]
            if size and not first:
                raise LostPlaceError  # it may have been the last one
            if first == b"\xff":
                self._rows = rows
                return 0, read_error(data)
            if first == b"\xfe" and size < _FULL:
                self._rows = rows
                return self._end_status(data, size), None
            rows += 1
            _, data, size = yield from read_packet(inbox, 64)

    def _end_status(self, data: bytes, size: int) -> int:
        """Status flags of the packet of `size` bytes that ends definitions or rows: EOF, or OK with the EOF's first byte."""
        if len(data) < min(size, 5):
            raise LostPlaceError  # not captured
        packet = Bytes(data, 1)
        if len(data) == 1:
            return 0
        if len(data) == 5:
            packet.take(2)
        else:
            packet.length()
            packet.length()
        return packet.integer(2)


def _length_size(data: bytes) -> int:
    """Bytes of the length-encoded integer at the start."""
    return {0xFC: 3, 0xFD: 4, 0xFE: 9}.get(data[0], 1)


def read_error(data: bytes) -> SqlError:
    """An error packet. Raises CutPacketError."""
    packet = Bytes(data, 1)
    code = packet.integer(2)
    text = packet.rest().decode("utf-8", "replace")
    state, text = (text[1:6], text[6:]) if text.startswith("#") else ("", text)
    return SqlError(code=code, state=state, message=text)

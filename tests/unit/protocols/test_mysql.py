"""MySQL conversations, of a real MariaDB too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.mysql import MysqlDialogue, starts
from pcapdig.protocols.sql import SqlAnswer, SqlCall, SqlError

OK = b"\7\0\0\1\0\0\0\2\0\0\0"


def packet(payload: bytes, number: int = 0) -> bytes:
    """With its header."""
    return len(payload).to_bytes(3, "little") + bytes([number]) + payload


def calls(*turns: tuple[bool, bytes]) -> list[SqlCall]:
    """The calls of a connection."""
    dialogue = MysqlDialogue()
    return [
        r for from_client, data in turns for r in dialogue.feed(Turn(data, from_client, Moment(0)))
    ] + dialogue.end()


def mysql(opening: Any) -> MysqlDialogue | None:
    """Begin as the chisel does."""
    return MysqlDialogue() if starts(opening.data, from_client=opening.from_client) else None


@pytest.mark.parametrize(
    "data", [b"", b"\x05\0\0\0\x0a", b"GET / HTTP/1.1\r\n\r\n", packet(b"\x03\x01\x02"), packet(b"\x0e"), bytes(80)]
)
@pytest.mark.parametrize("from_client", [True, False])
def test_what_does_not_begin_a_conversation(data: bytes, from_client: bool) -> None:
    """Zeros, HTTP, a command without a text."""
    assert not starts(data, from_client=from_client)


def test_an_unknown_command_loses_the_place() -> None:
    """The next turn is read."""
    found = calls((True, packet(b"\x77zz") + packet(b"\x03SELECT 0")), (True, packet(b"\x03SELECT 1")), (False, OK))
    assert [call.statement for call in found] == ["SELECT 1"]


def test_a_short_execute_is_not_guessed_at() -> None:
    """An execute that was cut has the parameters that are there."""
    prepared = b"\0\1\0\0\0\0\0\1\0\0\0\0"
    execute = b"\x17\1\0\0\0\0\1\0\0\0\0\1\x08\0\1\2"
    found = calls(
        (True, packet(b"\x16SELECT ?")),
        (False, packet(prepared, 1) + packet(b"\3def", 2)),
        (True, packet(execute)),
        (False, OK),
    )
    assert [(call.command, call.statement, call.parameters) for call in found] == [
        ("prepare", "SELECT ?", None),
        ("execute", "SELECT ?", ()),
    ]


def test_nothing_is_read_under_tls() -> None:
    """A TLS request is the first half of a login."""
    greeting = packet(b"\x0a8.0\0" + bytes(40))
    dialogue = MysqlDialogue()
    dialogue.feed(Turn(greeting, False, Moment(0)))
    dialogue.feed(Turn(packet(b"\0\x0a\0\0" + bytes(28), 1), True, Moment(0)))
    assert dialogue.is_over


def test_the_capture(records_of: Callable[..., list[Any]], tshark: Callable[..., list[list[str]]]) -> None:
    """Statements and error codes are tshark's; rows, changes and parameters are what captures/clients.py asks for."""
    found = records_of("mysql", mysql)
    texts = [call.statement for call in found if call.command in ("query", "prepare")]
    assert texts == [query for (query,) in tshark("mysql", "mysql.command in {3, 22}", "mysql.query")]
    errors = [str(call.answer.error.code) for call in found if call.answer and call.answer.error]
    assert errors == [code for (code,) in tshark("mysql", "mysql.error_code", "mysql.error_code")]
    inserts = [call.parameters for call in found if call.command == "execute" and call.statement.startswith("INSERT")]
    assert inserts == [
        (0, 0.0, "thing 0", None),
        (1, 1.5, "thing 1", "2024-02-01 10:00:00"),
        (2, 3.0, "thing 2", "2024-02-02 10:00:00"),
    ]
    counts = {call.statement: (call.answer.rows, call.answer.affected) for call in found if call.command == "query"}
    assert counts["SELECT * FROM t"] == (3, None)
    assert counts["SELECT 1; SELECT id FROM t; UPDATE t SET name = 'x'"] == (4, 3)
    assert {(call.user, call.database) for call in found} == {("shop", "shop")}
    assert [call for call in found if call.answer is None] == []


def test_a_statement_of_more_than_16_mib() -> None:
    """Goes on in the next packet, and is one."""
    first = b"\x03SELECT '" + b"x" * (0xFFFFFF - 9)
    data = packet(first) + packet(b"'", 1)
    found = calls(
        (True, data),
        (False, packet(b"\1", 2) + packet(b"\3def", 3) + packet(b"\1x", 4) + packet(b"\xfe\0\0\2\0\0\0", 5)),
    )
    assert [(call.command, call.statement[:8], call.answer and call.answer.rows) for call in found] == [
        ("query", "SELECT '", 1)
    ]


def test_a_local_file_is_no_command() -> None:
    """Whatever its bytes and packet numbers are."""
    turns = [
        (True, packet(b"\x03LOAD DATA LOCAL")),
        (False, packet(b"\xfbfile", 1)),
        (True, packet(b"\x03SELECT 1", 0) + packet(b"", 3)),
    ]
    found = calls(*turns, (False, packet(b"\0\7\0\2\0\0\0", 4)), (True, packet(b"\x03SELECT 2")), (False, OK))
    assert [(call.statement, call.answer and call.answer.affected) for call in found] == [
        ("LOAD DATA LOCAL", 7),
        ("SELECT 2", 0),
    ]


def test_parameters_sent_ahead() -> None:
    """COM_STMT_SEND_LONG_DATA, in pieces; the others are where they belong."""
    execute = b"\x17\1\0\0\0\0\1\0\0\0\0\1\xfc\0\x08\0" + (7).to_bytes(8, "little")
    ahead = [packet(b"\x18\1\0\0\0\0\0" + part) for part in (b"long ", b"data")]
    found = calls(
        (True, packet(b"\x16SELECT ?, ?")),
        (False, packet(b"\0\1\0\0\0\0\0\2\0\0\0\0", 1) + packet(b"\3def", 2) * 2),
        (True, b"".join(ahead) + packet(execute)),
        (False, OK),
    )
    assert found[-1].parameters == ("long data", 7)


def test_mariadbs_execute_of_what_is_not_prepared_yet() -> None:
    """Id -1, sent in one go with the prepare."""
    execute = b"\x17\xff\xff\xff\xff\0\1\0\0\0\0\1\x08\0" + (7).to_bytes(8, "little")
    prepared = packet(b"\0\1\0\0\0\0\0\1\0\0\0\0", 1) + packet(b"\3def", 2)
    found = calls((True, packet(b"\x16SELECT ?") + packet(execute)), (False, prepared), (False, OK))
    assert [(call.command, call.statement, call.parameters) for call in found][1] == ("execute", "SELECT ?", (7,))


def test_an_execute_whose_prepare_was_not_captured() -> None:
    """A connection is recognised by it."""
    execute = packet(b"\x17\1\0\0\0\0\1\0\0\0\0")
    assert starts(execute, from_client=True)
    assert [(call.command, call.statement, call.parameters) for call in calls((True, execute), (False, OK))] == [
        ("execute", "", None)
    ]


def test_a_refused_connection() -> None:
    """An error in place of the greeting."""
    refusal = packet(b"\xff\x6a\x04Host '::1' is not allowed")
    assert starts(refusal, from_client=False)
    (call,) = calls((False, refusal))
    assert (call.command, call.answer and call.answer.error and call.answer.error.code) == ("connect", 1130)


def test_change_user() -> None:
    """Later statements are the other user's."""
    turns = [
        (True, packet(b"\x11bob\0\0shop\0")),
        (False, packet(b"\0\0\0\2\0\0\0", 1)),
        (True, packet(b"\x03SELECT 1")),
        (False, OK),
    ]
    assert [(call.command, call.user, call.database) for call in calls(*turns)] == [
        ("change_user", "bob", "shop"),
        ("query", "bob", "shop"),
    ]


def test_the_table_of_field_list() -> None:
    """COM_FIELD_LIST, which clients send to complete names."""
    answer = packet(b"\3def", 1) + packet(b"\xfe\0\0\2\0", 2)
    (call,) = calls((True, packet(b"\x04prices\0%")), (False, answer))
    assert (call.command, call.statement, call.answer and call.answer.rows) == ("field_list", "prices", None)


def test_a_login_whose_greeting_was_not_captured() -> None:
    """Its layout is certain, and a connection begins with it."""
    login = packet(b"\x08\x82\x08\0" + bytes(28) + b"alice\0\0shop\0plugin\0", 1)
    assert starts(login, from_client=True)
    found = calls((True, login), (False, packet(OK[4:], 2)), (True, packet(b"\x03SELECT 1")), (False, OK))
    assert [(call.command, call.user, call.database) for call in found] == [
        ("connect", "alice", "shop"),
        ("query", "alice", "shop"),
    ]


def test_a_client_of_before_4_1() -> None:
    """The first half of the flags, an EOF of one byte, errors without a state, an OK without flags that a text follows."""
    greeting = packet(b"\x0a3.23.58\0" + bytes(4) + b"saltsalt\0\x2c\0\x08\2\0" + bytes(13))
    turns = [
        (False, greeting),
        (True, packet(b"\x85\x24\0\0\0alice\0hashhash", 1)),
        (False, packet(b"\0\0\0", 2)),
        (True, packet(b"\x03SELECT 1")),
        (
            False,
            packet(b"\1", 1) + packet(b"\0\1a", 2) + packet(b"\xfe", 3) + packet(b"\1x", 4) * 3 + packet(b"\xfe", 5),
        ),
        (True, packet(b"\x03UPDATE t")),
        (False, packet(b"\0\2\0" + b"Rows matched: 2", 1)),
        (True, packet(b"\x03broken")),
        (False, packet(b"\xff\x28\4You have an error", 1)),
    ]
    found = calls(*turns)
    assert [(call.command, call.user, call.answer) for call in found] == [
        ("connect", "alice", SqlAnswer()),
        ("query", "alice", SqlAnswer(rows=3)),
        ("query", "alice", SqlAnswer(affected=2)),
        ("query", "alice", SqlAnswer(error=SqlError(code=1064, state="", message="You have an error"))),
    ]


def test_progress_after_a_file() -> None:
    """MariaDB reports on what it makes of a file; that is no answer."""
    turns = [
        (True, packet(b"\x03LOAD DATA LOCAL")),
        (False, packet(b"\xfbfile", 1)),
        (True, packet(b"x", 2) + packet(b"", 3)),
        (False, packet(b"\xff\xff\xff\1\2\2\0\0\0\4work", 4) + packet(b"\0\7\0\2\0\0\0", 5)),
    ]
    assert [call.answer for call in calls(*turns)] == [SqlAnswer(affected=7)]


def test_a_command_whose_end_was_lost_has_its_answer() -> None:
    """The answers after it are the next commands'."""
    dialogue = MysqlDialogue()
    first = packet(b"\x03INSERT INTO t VALUES (" + b"1" * 50 + b")")
    found = dialogue.feed(Turn(first[:40], True, Moment(0)))
    found += dialogue.feed(Turn(packet(b"\0\7\0\2\0\0\0", 1), False, Moment(0)))
    rest = len(first) - 40
    found += dialogue.feed(Turn(packet(b"\x03UPDATE t"), True, Moment(0), ((0, rest),)))
    found += dialogue.feed(Turn(packet(b"\0\3\0\2\0\0\0", 1), False, Moment(0)))
    assert [(call.statement[:6], call.answer and call.answer.affected) for call in found] == [
        ("INSERT", 7),
        ("UPDATE", 3),
    ]

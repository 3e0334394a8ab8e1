"""PostgreSQL conversations, of a real server too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.postgres import PostgresDialogue
from pcapdig.protocols.postgres_messages import said_by_client
from pcapdig.protocols.sql import SqlCall

COLUMNS = b"T\0\0\0\6\0\0"
READY = b"Z\0\0\0\5I"
SYNC = b"S\0\0\0\4"
BOUND = b"1\0\0\0\x042\0\0\0\4"


def message(kind: bytes, payload: bytes) -> bytes:
    """With type and length."""
    return kind + (len(payload) + 4).to_bytes(4) + payload


STARTUP = b"\0\0\0\x22\0\3\0\0user\0alice\0database\0shop\0\0"
ERROR = message(b"E", b"SERROR\0VERROR\0C42601\0Mwrong\0\0")
EXECUTE = message(b"E", bytes(5))


def execute(sql: bytes, name: bytes = b"") -> bytes:
    """Parse, Bind, Execute."""
    return message(b"P", name + b"\0" + sql + bytes(3)) + message(b"B", b"\0" + name + bytes(7)) + EXECUTE


def calls(*turns: tuple[bool, bytes] | tuple[bool, bytes, tuple[int, int]]) -> list[SqlCall]:
    """The calls of a connection; a third value is a gap."""
    dialogue, found = PostgresDialogue(), list[SqlCall]()
    for time_ns, (from_client, data, *gaps) in enumerate(turns):
        found += dialogue.feed(Turn(data, from_client, Moment(time_ns), tuple(gaps)))
    return found + dialogue.end()


def told(found: list[SqlCall]) -> list[tuple[str, str, int | None, bool]]:
    """(command, statement, rows, whether there is an answer)."""
    return [(c.command, c.statement, c.answer.rows if c.answer else None, c.answer is not None) for c in found]


def postgres(opening: Any) -> PostgresDialogue | None:
    """Begin as the chisel does."""
    return None if said_by_client(opening.data) is None else PostgresDialogue()


def test_a_type_that_is_none_loses_the_place() -> None:
    """The next turn is read."""
    found = calls(
        (True, b"!oops!"), (True, message(b"Q", b"SELECT 1\0")), (False, COLUMNS + message(b"C", b"SELECT 1\0") + READY)
    )
    assert told(found) == [("query", "SELECT 1", 1, True)]


@pytest.mark.parametrize("answer", [b"S", b"G"])
def test_nothing_is_read_under_encryption(answer: bytes) -> None:
    """TLS or GSSAPI."""
    dialogue = PostgresDialogue()
    dialogue.feed(Turn(b"\0\0\0\x08\x04\xd2\x16\x2f", True, Moment(0)))
    dialogue.feed(Turn(answer, False, Moment(1)))
    assert dialogue.is_over


def test_a_refused_encryption_goes_on_in_clear() -> None:
    """User, database, and a password that was asked for in clear."""
    turns = [(True, b"\0\0\0\x08\x04\xd2\x16\x2f"), (False, b"N"), (True, STARTUP), (False, message(b"R", b"\0\0\0\3"))]
    (login,) = calls(*turns, (True, message(b"p", b"secret\0")), (False, message(b"R", bytes(4)) + READY))
    assert (login.command, login.user, login.database) == ("connect", "alice", "shop")
    assert login.secret and login.secret.text == b"secret"


def test_a_hashed_password_is_no_secret() -> None:
    """MD5 is asked for with a salt."""
    turns = [
        (True, STARTUP),
        (False, message(b"R", b"\0\0\0\5salt")),
        (True, message(b"p", b"md5beef\0")),
        (False, READY),
    ]
    (login,) = calls(*turns)
    assert login.secret is None


def test_a_login_whose_end_was_not_captured() -> None:
    """Neither succeeded nor failed."""
    (login,) = calls((True, STARTUP), (False, message(b"R", b"\0\0\0\3")))
    assert (login.answer, login.answered) == (None, None)


def test_an_unnamed_statement_that_is_never_executed() -> None:
    """Is told when the next one takes its place, or at the end."""
    parse = message(b"P", b"\0SELECT 1\0\0\0")
    found = calls((True, parse + SYNC), (False, BOUND[:5] + READY), (True, parse + SYNC), (False, BOUND[:5] + READY))
    assert told(found) == [("prepare", "SELECT 1", None, True)] * 2


def test_a_named_statement_is_told_each_time() -> None:
    """Prepared once, executed twice, then unknown once closed."""
    again = message(b"B", b"\0s" + bytes(7)) + EXECUTE + SYNC
    done = b"2\0\0\0\4" + message(b"C", b"DELETE 3\0") + READY
    turns = [(True, execute(b"DELETE FROM t", b"s") + SYNC), (False, b"1\0\0\0\4" + done), (True, again), (False, done)]
    turns += [(True, message(b"C", b"Ss\0") + again), (False, b"3\0\0\0\4" + ERROR + READY)]
    found = calls(*turns)
    assert [c.command for c in found] == ["prepare", "execute", "execute", "bind"]
    assert [c.statement for c in found] == ["DELETE FROM t"] * 3 + [""]
    assert [c.answer and c.answer.affected for c in found[:3]] == [None, 3, 3]


def test_after_an_error_the_rest_is_skipped() -> None:
    """The statement that was refused is told once; the others of the pipeline have no answer; what follows Sync has."""
    asked = execute(b"broken") + execute(b"SELECT 2") + SYNC + message(b"Q", b"SELECT 3\0")
    found = calls((True, asked), (False, ERROR + READY + COLUMNS + message(b"C", b"SELECT 1\0") + READY))
    expected = [("prepare", "broken", None, True), ("execute", "SELECT 2", None, False), ("query", "SELECT 3", 1, True)]
    assert told(found) == expected


def test_a_gap_does_not_shift_answers() -> None:
    """What was open when its answer was lost has none, and the next one its own. An answer after the gap belongs to nobody."""
    select = message(b"Q", b"SELECT 1\0")
    answer = message(b"C", b"SELECT 1\0") + READY
    found = calls((True, select), (False, answer, (0, 30)), (True, select), (False, COLUMNS + answer))
    assert [(c.asked is not None, c.answer is not None) for c in found] == [(True, False), (False, True), (True, True)]


def test_a_connection_that_began_before_the_capture() -> None:
    """An answer alone; text parameters of a statement that was not captured; roles by what is said, not by ports."""
    found = calls(
        (True, message(b"C", b"UPDATE 4\0") + READY),
        (False, message(b"B", b"\0s\0\0\0\0\1\0\0\0\1x\0\0") + EXECUTE + SYNC),
    )
    assert told(found) == [("unknown", "", None, True), ("execute", "", None, False)]
    assert found[0].answer and found[0].answer.affected == 4
    assert found[1].parameters == ("x",)


def test_a_cancel_request() -> None:
    """Has a connection of its own, and no answer."""
    assert told(calls((True, b"\0\0\0\x10\x04\xd2\x16\x2e" + bytes(8)))) == [("cancel", "", None, False)]


def test_the_capture(records_of: Callable[..., list[Any]], tshark: Callable[..., list[list[str]]]) -> None:
    """Statements and error codes are tshark's; rows, changes and parameters are what captures/clients.py asks for."""
    found: list[SqlCall] = records_of("postgres", postgres)
    values = [
        value
        for (values,) in tshark("postgres", "pgsql.query", "pgsql.query", options=("-E", "aggregator=|"))
        for value in values.split("|")
    ]
    assert {call.statement for call in found} - {""} == set(values)
    errors = [call.answer.error.state for call in found if call.answer and call.answer.error]
    assert errors == [code for (code,) in tshark("postgres", "pgsql.code and pgsql.severity", "pgsql.code")]
    told = {(call.command, call.statement): call for call in found}
    copied = [told["query", f"COPY t {way}"].answer for way in ("FROM STDIN", "TO STDOUT")]
    assert [(answer.affected, answer.rows) for answer in copied if answer] == [(2, None), (None, 5)]
    (many,) = [call.parameters for call in found if call.command == "execute" and "$13" in call.statement]
    assert many == (
        2**40, "it's", "-12345.678900", "2024-01-02 03:04:05.0006+00", "00000000-0000-0000-0000-000000000007", "t", 1.25, "1999-12-31",
        "\\x0001", "10.0.0.0/8", "{}", "01:02:03", "3 days 00:00:07",
    )  # fmt: skip
    parts = [
        call.answer.rows
        for call in found
        if call.command in ("execute", "fetch") and call.statement == "SELECT * FROM t" and call.answer
    ]
    assert parts == [2, 2, 1]
    assert [call.secret.text for call in found if call.secret] == [b"wrong", b"open-sesame"]


def test_a_query_whose_end_was_lost_does_not_take_the_next_ones_answer() -> None:
    """It was answered before it was whole; what comes then is of the query after it."""
    dialogue = PostgresDialogue()
    query = b"Q\0\0\0\x30insert into t values (" + b"1" * 21 + b")\0"
    found = dialogue.feed(Turn(query[:30], True, Moment(0)))
    found += dialogue.feed(Turn(b"C\0\0\0\x0fINSERT 0 7\0Z\0\0\0\5I", False, Moment(0)))
    found += dialogue.feed(Turn(b"Q\0\0\0\x0dupdate t\0", True, Moment(0), ((0, len(query) - 30),)))
    found += dialogue.feed(Turn(b"C\0\0\0\x0dUPDATE 3\0Z\0\0\0\5I", False, Moment(0)))
    assert [(call.command, call.statement[:6], call.answer and call.answer.affected) for call in found] == [
        ("unknown", "", 7),
        ("query", "insert", None),
        ("query", "update", 3),
    ]


def test_states_of_a_real_server(records_of: Callable[..., list[Any]]) -> None:
    """PostgreSQL 15: COPY with a Sync that it ignores, errors in it, what it skips (captures/talk_states.py)."""
    found = [
        (
            c.command,
            c.statement,
            (c.answer.rows, c.answer.affected, c.answer.error.state if c.answer.error else "") if c.answer else None,
        )
        for c in records_of("postgres_states", postgres)
    ]
    assert sorted(found, key=repr) == sorted(
        [
            ("connect", "", (None, None, "")),
            ("query", "CREATE TABLE s (id int)", (None, None, "")),
            ("execute", "COPY s FROM STDIN", (None, 2, "")),
            ("query", "SELECT count(*) FROM s", (1, None, "")),
            ("execute", "COPY s FROM STDIN", (None, None, "22P02")),
            ("query", "COPY s FROM STDIN", (None, None, "57014")),
            ("prepare", "SELEC 1", (None, None, "42601")),
            ("execute", "SELECT 2", None),
            ("query", "SELECT 3", None),
            ("execute", "SELECT 5", (1, None, "")),
            ("execute", "SELECT 6", (1, None, "")),
            ("query", "COPY s TO STDOUT", (2, None, "")),
            ("query", "LISTEN ch; NOTIFY ch", (None, None, "")),
            ("query", "SELECT 7", (1, None, "")),
        ],
        key=repr,
    )

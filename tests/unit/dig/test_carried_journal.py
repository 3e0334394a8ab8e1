"""Which journal entries a copy has."""

from __future__ import annotations

import pytest

from pcapdig.dig.carried_journal import CarriedJournal, read_fields
from pcapdig.dig.held import Held


def entry(pid: int | str | None, comm: str | None = None, message: str = "said") -> bytes:
    """An entry in the export format."""
    text = f"__REALTIME_TIMESTAMP=5\nMESSAGE={message}\n"
    text += "" if pid is None else f"_PID={pid}\n"
    text += "" if comm is None else f"_COMM={comm}\n"
    return text.encode() + b"\0\0"


def add(journal: CarriedJournal, body: bytes) -> bytes:
    """The next entry; its body stands for the whole block."""
    return journal.add(body, body)


@pytest.mark.parametrize("pid", [None, "", "-1", "five", "99999999999"])
def test_an_entry_without_a_process_is_nobodys(pid: str | None) -> None:
    """The kernel's own, for one."""
    journal = CarriedJournal()
    assert add(journal, entry(pid)) == b""
    assert (journal.left_out, len(journal.held)) == (1, 0)


def test_cut_fields_have_no_value() -> None:
    """Of every length, nothing is raised and nothing made up."""
    whole = b"A=1\nB\n" + (3).to_bytes(8, "little") + b"x\ny" + b"\n_PID=5\n"
    assert read_fields(whole) == {b"A": b"1", b"B": b"x\ny", b"_PID": b"5"}
    for size in range(len(whole)):
        assert read_fields(whole[:size]).items() <= read_fields(whole).items()
    assert read_fields(b"B\n" + b"\xff" * 8 + b"x") == {}


def test_an_entry_waits_for_a_packet_of_its_process() -> None:
    """By id and name: an id may be another process's."""
    journal = CarriedJournal()
    mine, other, bare = entry(5, "curl"), entry(5, "httpd"), entry(5)
    assert [add(journal, one) for one in (mine, other, bare, entry(6))] == [b""] * 4
    assert journal.needed(5, b"curl") == mine + bare
    assert journal.needed(5, b"curl") == b""
    assert add(journal, mine) == mine
    assert add(journal, other) == b""
    assert journal.needed(5, b"httpd") == other + other
    assert journal.begin_section() == 1


def test_a_process_without_a_name_has_all_of_its_id() -> None:
    """Option 8 says no more."""
    journal = CarriedJournal()
    add(journal, entry(5, "curl"))
    assert journal.needed(5, None) == entry(5, "curl")
    assert add(journal, entry(5, "httpd")) == entry(5, "httpd")


def test_a_section_has_its_own_process_ids() -> None:
    """What waited is forgotten, and who was kept too."""
    journal = CarriedJournal()
    journal.needed(5, b"curl")
    assert journal.begin_section() == 0
    assert add(journal, entry(5, "curl")) == b""


def test_waiting_entries_are_bounded() -> None:
    """The oldest are given up."""
    journal = CarriedJournal(Held(most=1))
    add(journal, entry(5, "curl", "first"))
    add(journal, entry(5, "curl", "second"))
    assert journal.needed(5, b"curl") == entry(5, "curl", "second")
    assert journal.held.evicted == 1

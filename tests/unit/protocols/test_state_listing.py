"""The states of each protocol: each row of docs/protocol-states.md is played, whole, in pieces, and with holes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from played import dns, http, logins, memcached, mysql, postgres, redis
from played.scenario import Scenario

from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.ldap import LdapDialogue
from pcapdig.protocols.mail import MailDialogue
from pcapdig.protocols.state_listing import ALL_STATES, page
from pcapdig.protocols.telnet import TelnetDialogue

PAGE = Path(__file__).parents[3] / "docs" / "protocol-states.md"


def logins_of(make: Callable[[], Any], scenarios: tuple[Scenario, ...]) -> SimpleNamespace:
    """The scenarios of a protocol whose logins alone are read."""
    return SimpleNamespace(new=make, summary=logins.summary, SCENARIOS=scenarios)


PLAYED: dict[str, Any] = {
    "HTTP/1": http,
    "Redis": redis,
    "DNS": dns,
    "PostgreSQL": postgres,
    "MySQL": mysql,
    "memcached": memcached,
    "Mail, news, FTP": logins_of(MailDialogue, logins.MAIL),
    "LDAP": logins_of(LdapDialogue, logins.LDAP),
    "telnet": logins_of(TelnetDialogue, logins.TELNET),
}
SAYS_NOTHING = ("None/None", "None/0", "execute", "unknown")
"""What is left of SQL where the bytes that would say more were not captured."""
BY_TURNS = ("Mail, news, FTP", "telnet")
"""Protocols of which a turn of the server is looked at as a whole."""
EACH = [
    pytest.param(protocol, scenario, id=f"{protocol}-{scenario.state}-{scenario.closer[:24]}-{index}")
    for protocol, module in PLAYED.items()
    for index, scenario in enumerate(module.SCENARIOS)
]


def test_the_page_is_the_table() -> None:
    """docs/protocol-states.md is what `python -m pcapdig.protocols.state_listing` prints."""
    assert PAGE.read_text() == "\n".join(page()).rstrip() + "\n"


def test_each_row_is_played() -> None:
    """Every state with everything that closes it, and nothing else."""
    for protocol, states in ALL_STATES.items():
        rows = {(state.name, closer) for state in states for closer in state.closed_by}
        assert rows == {(each.state, each.closer) for each in PLAYED[protocol].SCENARIOS}, protocol


def turns(said: Iterable[tuple[str, bytes]], *, step: int = 1 << 30) -> Iterator[Turn]:
    """What was said, in turns of at most `step` bytes."""
    for number, (side, data) in enumerate(said):
        for at in range(0, len(data), step):
            is_last = side.isupper() and at + step >= len(data)
            yield Turn(data[at : at + step], side in "cC", Moment(number), is_last=is_last)


def told(module: Any, said: Iterable[Turn]) -> list[tuple[str, str]]:
    """The records, in the order they are told."""
    dialogue = module.new()
    found: list[Any] = []
    for turn in said:
        found += dialogue.feed(turn)
    return [module.summary(record) for record in found + dialogue.end()]


@pytest.mark.parametrize("step", [1 << 30, 1, 7])
@pytest.mark.parametrize(("protocol", "scenario"), EACH)
def test_what_is_told(protocol: str, scenario: Scenario, step: int) -> None:
    """Whole messages, and the same in pieces."""
    module = PLAYED[protocol]
    step = 1 << 30 if protocol in BY_TURNS or not scenario.in_pieces else step
    assert [" = ".join(pair) for pair in told(module, turns(scenario.said, step=step))] == list(scenario.told)


@pytest.mark.parametrize("size", [1, 9])
@pytest.mark.parametrize(("protocol", "scenario"), [each for each in EACH if each.values[1].survives_loss])  # type: ignore[attr-defined]
def test_a_hole_pairs_nothing_wrongly(protocol: str, scenario: Scenario, size: int) -> None:
    """Some bytes were not captured, anywhere: a request that is shown as it was sent never has the answer to another one."""
    module, said = PLAYED[protocol], list(turns(scenario.said))
    truth = told(module, said)
    asked, answered = ({pair[side] for pair in truth} - {"-", *SAYS_NOTHING} for side in (0, 1))
    for index, turn in enumerate(said):
        for at in range(0, len(turn.data), max(1, size // 3)):
            data = turn.data[:at] + turn.data[at + size :]
            missing = len(turn.data) - len(data)
            holed = [*said[:index], turn._replace(data=data, gaps=((at, missing),)), *said[index + 1 :]]
            for pair in told(module, holed):
                if pair[0] in asked and pair[1] in answered:
                    assert pair in truth, (index, at)

"""The glance before the look: never no for a secret, and no for most of what runs."""

from __future__ import annotations

import random

import pytest

from pcapdig.procs.secret_arguments import hide_text
from pcapdig.procs.secret_hints import may_hide
from pcapdig.procs.secret_options import PROGRAMS


@pytest.mark.parametrize(
    "line",
    [
        "/usr/sbin/httpd -k start",
        "sshd: alice",
        "python3 -m venv x",
        "",
        "ls -la /srv",
        "curl -sS -o x http://127.0.0.1/",
        "psql -h db shop",
    ],
)
def test_most_lines_are_spared(line: str) -> None:
    """They name neither a secret nor an option or a place of a program that holds one."""
    assert not may_hide(line)


@pytest.mark.parametrize("name", sorted(PROGRAMS))
@pytest.mark.parametrize("around", ["{}", "/usr/bin/{} x", "sh -c 'cd /;{} -vv'", "(EXE {})"])
def test_every_program_is_looked_at(name: str, around: str) -> None:
    """Wherever it stands, in capitals too, if a word could be an option that takes a secret."""
    program = PROGRAMS[name]
    letters = program.next_or_joined + program.joined
    options = [
        *program.words,
        *program.parts,
        *(f"-{letter}x" for letter in letters),
        *(f"-s{letter}" for letter in letters),
    ]
    line = around.replace("EXE", name.upper())
    for option in options:
        assert may_hide(line.replace("{}", f"{name} {option}"))
    if program.positions:
        assert may_hide(line.replace("{}", name))


@pytest.mark.parametrize("seed", range(500))
def test_what_would_change_is_looked_at(seed: int) -> None:
    """Random lines of the words that rules look for."""
    dice = random.Random(seed)
    words = "mysql curl -u -p -sU --pass password = : @ http:// bearer token: x secret -a api_key ; ' \" pass: Cookie: expect send"
    program = dice.choice(sorted(PROGRAMS))
    options = (*PROGRAMS[program].words, *PROGRAMS[program].parts, *PROGRAMS[program].needs)
    letters = PROGRAMS[program].next_or_joined + PROGRAMS[program].joined
    pieces = [*words.split(), program, program, *options, *(f"-{letter}" for letter in letters)]
    line = "".join(dice.choice(pieces) + dice.choice(["", " ", " "]) for _ in range(dice.randint(1, 12)))
    assert may_hide(line) or hide_text(line) == line

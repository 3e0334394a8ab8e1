"""The glance before the look: never no for a secret, and no for most of what runs."""

from __future__ import annotations

import random

import pytest

from pcapdig.procs.secret_arguments import hide_text
from pcapdig.procs.secret_hints import may_hide
from pcapdig.procs.secret_options import PROGRAMS


@pytest.mark.parametrize("line", ["/usr/sbin/httpd -k start", "sshd: alice", "python3 -m venv x", "", "ls -la /srv"])
def test_most_lines_are_spared(line: str) -> None:
    """They name neither a secret nor a program whose options hold one."""
    assert not may_hide(line)


@pytest.mark.parametrize("name", sorted(PROGRAMS))
@pytest.mark.parametrize("around", ["{}", "/usr/bin/{} x", "sh -c 'cd /;{} -p x'", "(EXE {})"])
def test_every_program_is_looked_at(name: str, around: str) -> None:
    """Wherever it stands, in capitals too."""
    assert may_hide(around.replace("{}", name).replace("EXE", name.upper()))


@pytest.mark.parametrize("seed", range(500))
def test_what_would_change_is_looked_at(seed: int) -> None:
    """Random lines of the words that rules look for."""
    dice = random.Random(seed)
    pieces = "mysql curl -u -p --pass password = : @ http:// bearer token: x secret -a api_key ; ' \" pass: Cookie: expect send".split()
    line = "".join(dice.choice(pieces) + dice.choice(["", " "]) for _ in range(dice.randint(1, 12)))
    assert may_hide(line) or hide_text(line) == line

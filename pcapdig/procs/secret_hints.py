"""Whether a command line could hold a secret: a glance that spares most of them the look of secret_arguments.py.

A dig does it for each process of a file, of which there may be hundreds of thousands. It may say yes for no reason, never no for a secret.
"""

from __future__ import annotations

import re

from pcapdig.procs.secret_options import PROGRAMS, Program

_NAMED = ("pass", "pwd", "secret", "token", "key", "auth", "cookie", "bearer", "psk", "pw", "pin", "@", "expect")
_WORD = re.compile(r"[a-z0-9_-]+")
_OPTION = re.compile(r"-\S+")


def may_hide(text: str) -> bool:
    """False: nothing in it is a secret by any rule."""
    lower = text.lower()
    if any(word in lower for word in _NAMED):
        return True
    return any(_may_take(PROGRAMS[word], text) for word in _WORD.findall(lower) if word in PROGRAMS)


def _may_take(program: Program, text: str) -> bool:
    """Could a word be an option of this program that takes a secret, or stand where one does?"""
    if program.positions or any(word in text for word in program.words + program.parts):
        return True
    letters = program.next_or_joined + program.joined + "".join(part[1:] for part in program.parts if len(part) == 2)
    return any(letter in option for option in _OPTION.findall(text) for letter in letters)

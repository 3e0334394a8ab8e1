"""Whether a command line could hold a secret: a glance that spares most of them the look of secret_arguments.py.

A dig does it for each process of a file, of which there may be hundreds of thousands. It may say yes for no reason, never no for a secret.
"""

from __future__ import annotations

import re

from pcapdig.procs.secret_options import PROGRAMS

_NAMED = ("pass", "pwd", "secret", "token", "key", "auth", "cookie", "bearer", "psk", "pw", "pin", "@", "expect")
_WORD = re.compile(r"[a-z0-9_-]+")


def may_hide(text: str) -> bool:
    """False: nothing in it is a secret by any rule."""
    lower = text.lower()
    if any(word in lower for word in _NAMED):
        return True
    return any(word in PROGRAMS for word in _WORD.findall(lower))

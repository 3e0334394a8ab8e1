"""docs/protocol-states.md: the states of all protocols, made from the rows beside their decoders.

`python -m pcapdig.protocols.state_listing > docs/protocol-states.md`
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pcapdig.protocols import (
    dns_transfers,
    http,
    ldap,
    mail,
    memcached,
    mysql_states,
    postgres_states,
    redis_modes,
    telnet,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pcapdig.protocols.states import State

ALL_STATES: dict[str, tuple[State, ...]] = {
    "HTTP/1": http.STATES,
    "Redis": redis_modes.STATES,
    "PostgreSQL": postgres_states.STATES,
    "MySQL": mysql_states.STATES,
    "memcached": memcached.STATES,
    "DNS": dns_transfers.STATES,
    "Mail, news, FTP": mail.STATES,
    "LDAP": ldap.STATES,
    "telnet": telnet.STATES,
}
"""By protocol."""
_HEAD = """# States of protocols

A state is what one message opens, so that bytes mean something else than requests and answers until it is closed. What closes it is in
the last column; the end of the connection closes every state. The rows stand beside the decoders in `pcapdig/protocols/`, this page
is made from them by `python -m pcapdig.protocols.state_listing`, and each row is tested in `tests/unit/protocols/test_state_listing.py`.
"""


def page() -> Iterator[str]:
    """The page's lines."""
    yield _HEAD
    for protocol, states in ALL_STATES.items():
        yield f"## {protocol}\n"
        yield "| state | opened by | meanwhile | closed by |"
        yield "|---|---|---|---|"
        for state in states:
            yield f"| {state.name} | {state.opened_by} | {state.means} | {'; or '.join(state.closed_by)} |"
        yield ""


if __name__ == "__main__":
    sys.stdout.write("\n".join(page()).rstrip() + "\n")

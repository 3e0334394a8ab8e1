"""The record of a login."""

from __future__ import annotations

from pcapdig.protocols.conversation import Moment
from pcapdig.protocols.login import Login


def test_its_time_is_the_secrets() -> None:
    """Answers are not read."""
    login = Login(asked=Moment(7), answered=None, protocol="ftp", method="USER/PASS", user=b"a", secret=b"b")
    assert (login.moment.time_ns, login.latency_ns) == (7, None)

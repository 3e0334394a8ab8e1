"""Finding chisels by name."""

from __future__ import annotations

import pytest

from pcapdig.chisels import registry
from pcapdig.errors import UsageError


def test_unknown_name_is_refused_with_the_nearest() -> None:
    """A slip of the pen is answered with what was meant."""
    with pytest.raises(UsageError, match=r"chisel topcons not found - did you mean topconns\? use -cl to list them\."):
        registry.find("topcons")


def test_unlike_name_is_refused_without_a_guess() -> None:
    """Nothing is suggested that is not near."""
    with pytest.raises(UsageError, match="^chisel zzz not found - use -cl to list them"):
        registry.find("zzz")


def test_the_set_of_the_tutorial() -> None:
    """All chisels there are, by category and name."""
    assert [(chisel.category, chisel.name) for chisel in registry.all()] == [
        ("Application", "dnslog"),
        ("Application", "httplog"),
        ("Application", "httptop"),
        ("Application", "memcachelog"),
        ("Application", "redislog"),
        ("Application", "sqllog"),
        ("Application", "tlslog"),
        ("I/O", "echo_fds"),
        ("Net", "iobytes_net"),
        ("Net", "spy_ip"),
        ("Net", "spy_port"),
        ("Net", "topconns"),
        ("Net", "topports_server"),
        ("Net", "topprocs_net"),
    ]


def test_found_by_name() -> None:
    """Each chisel is found under its own name."""
    assert [registry.find(chisel.name) for chisel in registry.all()] == registry.all()

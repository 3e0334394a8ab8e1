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


def test_sorted_by_category_and_name() -> None:
    """As they are listed, each once."""
    listed = [(chisel.category, chisel.name) for chisel in registry.all()]
    assert listed == sorted(set(listed))


def test_sysdigs_are_there() -> None:
    """Under the names and categories that sysdig's users know."""
    assert {(chisel.category, chisel.name) for chisel in registry.all()} >= {
        ("Application", "httplog"),
        ("Application", "httptop"),
        ("Application", "memcachelog"),
        ("I/O", "echo_fds"),
        ("I/O", "fdbytes_by"),
        ("I/O", "fdcount_by"),
        ("I/O", "udp_extract"),
        ("Net", "iobytes_net"),
        ("Net", "spy_ip"),
        ("Net", "spy_port"),
        ("Net", "topconns"),
        ("Net", "topcontainers_net"),
        ("Net", "topports_server"),
        ("Net", "topprocs_net"),
        ("Performance", "netlower"),
        ("System State", "netstat"),
        ("System State", "ps"),
    }


def test_ours_are_there() -> None:
    """Those that sysdig has not."""
    assert {(chisel.category, chisel.name) for chisel in registry.all()} >= {
        ("Application", "dnslog"),
        ("Application", "redislog"),
        ("Application", "sqllog"),
        ("Application", "tlslog"),
        ("Net", "conns"),
        ("Security", "plaintext"),
    }


def test_found_by_name() -> None:
    """Each chisel is found under its own name."""
    assert [registry.find(chisel.name) for chisel in registry.all()] == registry.all()

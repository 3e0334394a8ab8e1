"""The real chisels and filters, as the scanner asks for them."""

import pytest

from pcapdig.cli.book import Book
from pcapdig.errors import UsageError


def test_unknown_chisel_is_refused_with_the_nearest() -> None:
    """One mistyped letter."""
    with pytest.raises(UsageError, match="spy_ip"):
        Book().checked("spy_ipp")


def test_a_bad_filter_is_refused() -> None:
    """By the language itself."""
    with pytest.raises(UsageError):
        Book().check_filter("disable_color fd.cip=1.2.3.4")


def test_all_chisels_are_known() -> None:
    """By name, and each has a signature whose optional arguments come last."""
    book = Book()
    assert {"topprocs_net", "topconns", "topports_server", "iobytes_net", "spy_ip", "spy_port", "echo_fds"} <= set(
        book.names()
    )
    for name in book.names():
        assert name == book.checked(name)
        optional = [argument.optional for argument in book.signature(name)]
        assert sorted(optional) == optional


def test_a_filter_passes() -> None:
    """The tutorial's."""
    Book().check_filter("fd.ip=127.0.0.1 and proc.name=httpd and evt.is_io_read=true and evt.buffer contains form")

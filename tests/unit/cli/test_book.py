"""The real chisels and filters, as the scanner asks for them."""

from pathlib import Path

import pytest

from pcapdig.chisels import registry
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


@pytest.mark.parametrize("word", ["nosuch", "not", "fd.port=80", "", "../topconns", "not-a-chisel"])
def test_other_words_are_no_chisels(word: str) -> None:
    """A filter begins with one of these, or a mistake."""
    assert not Book().has(word)


def test_chisels_of_the_users_are_known(tmp_path: Path) -> None:
    """In a directory that was asked for, beside pcapdig's."""
    (tmp_path / "mine.py").write_text("")
    book = Book([str(tmp_path)])
    assert [book.has(name) for name in ("mine", "topconns", "nosuch")] == [True, True, False]


def test_a_file_of_the_users_goes_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their own topconns, once it is in the usual place; until then pcapdig's."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert Book().find("topconns") is registry.find("topconns")
    directory = tmp_path / "pcapdig" / "chisels"
    directory.mkdir(parents=True)
    text = "from pcapdig.chisels.topconns import Topconns\nclass Mine(Topconns):\n    name = 'topconns'\n"
    (directory / "topconns.py").write_text(text)
    assert Book().find("topconns").__name__ == "Mine"


def test_a_filter_passes() -> None:
    """The tutorial's."""
    Book().check_filter("fd.ip=127.0.0.1 and proc.name=httpd and evt.is_io_read=true and evt.buffer contains form")

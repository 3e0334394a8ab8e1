"""Words of a command line to the text of a filter: quotes that the shell took away."""

import shlex

import pytest

from pcapdig.cli.filter_words import filter_text
from pcapdig.errors import UsageError
from pcapdig.filters import compile_filter


def check(text: str) -> None:
    """What cli passes in."""
    compile_filter(text)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("evt.buffer contains nosuch word", "evt.buffer contains nosuch word"),
        ("evt.buffer contains 'two words' words", "evt.buffer contains two words words"),
        ("'evt.buffer contains two words'", "evt.buffer contains two words"),
        ("'log in'", "log in"),
        ("'proc.name=httpd AND fd.port=80'", "proc.name=httpd AND fd.port=80"),
        ("'proc.name=httpd (fd.port in (1))'", "proc.name=httpd (fd.port in (1))"),
    ],
)
def test_what_is_no_filter_stays_as_typed(typed: str, meant: str) -> None:
    """The error is about what was written, not about what we made of it."""
    text = filter_text(shlex.split(typed), check)
    assert meant == text
    with pytest.raises(UsageError):
        check(text)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("fd.port=80 and proc.name=httpd", "fd.port=80 and proc.name=httpd"),
        ("'fd.port=80 and' proc.name=httpd", "fd.port=80 and proc.name=httpd"),
        ("fd.port = '80 and proc.name=httpd'", "fd.port = 80 and proc.name=httpd"),
        ("fd.port in '(80, 443)'", "fd.port in (80, 443)"),
        ("not '(fd.port=80' or 'fd.port=443)'", "not (fd.port=80 or fd.port=443)"),
        ("evt.buffer contains '\"two words\"'", 'evt.buffer contains "two words"'),
    ],
)
def test_what_is_a_filter_stays_as_it_is(typed: str, meant: str) -> None:
    """Words that make a filter when joined are joined, however they were quoted, as sysdig does."""
    assert meant == filter_text(shlex.split(typed), check)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ('evt.buffer contains "two words"', 'evt.buffer contains "two words"'),
        ("fd.port=80 and evt.buffer contains 'GET /' and evt.is_io=true",
         'fd.port=80 and evt.buffer contains "GET /" and evt.is_io=true'),
        ("proc.cmdline='httpd -k start'", 'proc.cmdline="httpd -k start"'),
        ("proc.cmdline = 'httpd -k start'", 'proc.cmdline = "httpd -k start"'),
        ("'evt.buffer contains' 'f(x)'", 'evt.buffer contains "f(x)"'),
        ("evt.buffer contains 'a \"b\"'", "evt.buffer contains 'a \"b\"'"),
        ("not evt.buffer contains 'two words'", 'not evt.buffer contains "two words"'),
    ],
)  # fmt: skip
def test_values_get_their_quotes_back(typed: str, meant: str) -> None:
    """Where a value is expected, a word of the shell is a value."""
    text = filter_text(shlex.split(typed), check)
    assert meant == text
    check(text)

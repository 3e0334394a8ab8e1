"""Any text at all given as a filter or a format: it compiles, or it is refused in the one way that is promised."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from pcapdig.filters import FilterError, FormatError, compile_filter
from pcapdig.filters.catalogue import FIELDS
from pcapdig.filters.format import compile_format
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.rows import rows_of

PIECES = [
    *FIELDS,
    *(
        "and",
        "or",
        "not",
        "in",
        "exists",
        "contains",
        "regex",
        "glob",
        "pmatch",
        "bcontains",
        "intersects",
        "icontains",
    ),
    *("=", "==", "!=", "<", "<=", ">", ">=", "(", ")", ",", '"', "'", "[", "]", "\\", "\\x0d", "\\xZ", "%", "*"),
    *(
        "1",
        "80",
        "-1",
        "true",
        "http",
        "1.2.3.4",
        "10.0.0.0/8",
        "2001:db8::/32",
        "::1",
        "x",
        "fd.num",
        "k8s.x",
        "é",
        "\0",
    ),
]
SOUP = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=25).flatmap(
    lambda pieces: st.sampled_from([" ".join(pieces), "".join(pieces)])
)
ANY_TEXT = st.one_of(st.text(), SOUP)
EMPTY = rows_of(Packets.from_payloads(Tables(), []))


@given(ANY_TEXT)
@example("a)and(b")
@example("(" * 5000)
@example("not " * 5000 + "evt.num=1")
@example("evt.num=" + "9" * 5000)
@example("proc.name regex " + "(" * 5000)
@example("proc.name regex (?P<a")
@example('proc.name regex "(?\n"')
@example('proc.name regex "(?\x85"')
@example("proc.name regex x{99999999999999}")
@example("evt.buffer regex \\")
@example("proc.name glob [")
@example("proc.name=\ud800")
@example("proc.name='\udcff'")
@example("fd.port=\0")
@example("evt.around[99999999999999999999]=1")
@example("evt.num=1" + " or evt.num=1" * 3000)
def test_a_filter_compiles_or_says_where_it_is_wrong(text: str) -> None:
    """Only FilterError, on one line, with a column inside the text or just after it; what compiles also runs."""
    refusal = None
    try:
        compiled = compile_filter(text)
    except FilterError as error:
        refusal = error
    if refusal is not None:
        assert 1 <= refusal.column <= len(text) + 1
        assert len(str(refusal).splitlines()) == 1
        shown, caret = refusal.detail.split("\n")
        assert (len(shown), caret) == (len(text), " " * (refusal.column - 1) + "^")
        return
    assert compiled.mask(EMPTY).tolist() == []
    assert compiled.candidates(EMPTY).tolist() == []


@given(ANY_TEXT)
@example("%" + "9" * 5000 + "proc.name")
@example("%" * 5000)
@example("*")
def test_a_format_compiles_or_is_refused(text: str) -> None:
    """Only FormatError, on one line."""
    refusal = None
    try:
        compile_format(text)
    except FormatError as error:
        refusal = error
    assert refusal is None or len(str(refusal).splitlines()) == 1

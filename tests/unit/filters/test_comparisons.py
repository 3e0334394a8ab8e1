"""Operators by type: what is refused when the filter is compiled, then what each says of values."""

from __future__ import annotations

import fnmatch
import ipaddress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcapdig.filters import comparisons, values
from pcapdig.filters.comparisons import compile_test, operators
from pcapdig.filters.errors import FilterError
from pcapdig.filters.fields import Field, FieldType
from pcapdig.filters.syntax import Check, parse
from pcapdig.filters.values import Addresses, Buffers, Choices, Column, Flags, Numbers, Texts

TEXT, BYTES, BOOL, ADDRESS, NETWORK, PORT = (
    FieldType.TEXT,
    FieldType.BYTES,
    FieldType.BOOL,
    FieldType.ADDRESS,
    FieldType.NETWORK,
    FieldType.PORT,
)
NUMBER = FieldType.SIGNED


def verdicts(kind: FieldType, rest: str, column: Column, *, choices: tuple[str, ...] = ()) -> list[bool]:
    """What `f REST` says of each value of a column."""
    text = f"f {rest}"
    check = parse(text)
    assert isinstance(check, Check)
    field = Field(name="f", type=kind, domain="event", help="", choices=choices)
    found = compile_test(field, check, text)(column)
    assert found.dtype == np.bool_
    return [bool(each) for each in found]


def texts(*strings: str | None) -> Texts:
    """A column of texts."""
    return Texts(list(strings))


def integers(*numbers: int | None) -> Numbers:
    """A column of numbers."""
    return values.numbers_of(numbers)


def addresses(*strings: str) -> Addresses:
    """A column of addresses."""
    packed = b""
    for string in strings:
        address = ipaddress.ip_address(string)
        packed += (values.MAPPED_PREFIX if address.version == 4 else b"") + address.packed
    return Addresses(np.frombuffer(packed, np.uint8).reshape(-1, 16))


def payloads(*buffers: bytes, gaps: tuple[tuple[int, int], ...] = ()) -> Buffers:
    """A column of payloads, all with the same gaps."""
    return Buffers(np.arange(len(buffers), dtype=np.intp), buffers.__getitem__, lambda _: gaps)


@pytest.mark.parametrize(
    ("kind", "rest", "column", "message"),
    [
        (NUMBER, "contains 1", 3, "'contains' does not compare a number such as f. It has: = != in intersects < <= > >= exists"),
        (PORT, "startswith 1", 3, "'startswith' does not compare a port"),
        (ADDRESS, "< 1.2.3.4", 3, "'<' does not compare an address"),
        (NETWORK, "> 1.0.0.0/8", 3, "'>' does not compare a network"),
        (BOOL, "< true", 3, "'<' does not compare true or false"),
        (BYTES, "< x", 3, "'<' does not compare bytes"),
        (BYTES, "glob x", 3, "'glob' does not compare bytes"),
        (BYTES, "iglob x", 3, "'iglob' does not compare bytes"),
        (BYTES, "pmatch (x)", 3, "'pmatch' does not compare bytes"),
        (TEXT, "bcontains 00", 3, "'bcontains' does not compare a text"),
        (NUMBER, "= 0x4c", 5, "'0x4c' is no number"),
        (NUMBER, "= 1ms", 5, "'1ms' is no number"),
        (NUMBER, "= 1_0", 5, "'1_0' is no number"),
        (NUMBER, "= +1", 5, "'+1' is no number"),
        (NUMBER, "= --1", 5, "'--1' is no number"),
        (NUMBER, "= \u0663", 5, "'\u0663' is no number"),
        (NUMBER, '= ""', 5, "'' is no number"),
        (NUMBER, "= 9223372036854775808", 5, "'9223372036854775808' does not fit in 64 bits"),
        (NUMBER, "= " + "9" * 5000, 5, "'" + "9" * 40 + "' does not fit in 64 bits"),
        (NUMBER, "in (1, 2, x)", 13, "'x' is no number"),
        (BOOL, "= yes", 5, "'yes' is neither 'true' nor 'false'"),
        (BOOL, "= TRUE", 5, "'TRUE' is neither"),
        (BOOL, "= 1", 5, "'1' is neither"),
        (PORT, "= 65536", 5, "'65536' is no port: they go from 0 to 65535"),
        (PORT, "= -1", 5, "'-1' is neither a port number nor a service"),
        (PORT, "= nosuchservice", 5, "'nosuchservice' is neither a port number nor a service"),
        (PORT, '= "a\\x00b"', 5, "'a\\x00b' is neither a port number nor a service"),
        (ADDRESS, "= 192.168.0", 5, "'192.168.0' is no IPv4 or IPv6 address"),
        (ADDRESS, "= 1.2.3.256", 5, "'1.2.3.256' is no IPv4 or IPv6 address"),
        (ADDRESS, "= example.org", 5, "'example.org' is no IPv4 or IPv6 address; names are not looked up"),
        (ADDRESS, "= 10.0.0.0/8", 5, "'10.0.0.0/8' is no IPv4 or IPv6 address; a network is compared with fd.net"),
        (ADDRESS, "= fe80::1%eth0", 5, "'fe80::1%eth0' is no IPv4 or IPv6 address"),
        (ADDRESS, "= 1::2::3", 5, "'1::2::3' is no IPv4 or IPv6 address"),
        (NETWORK, "= 192.168.0.3", 5, "'192.168.0.3' is no network: write ADDRESS/BITS"),
        (NETWORK, "= 192.168.0.0/33", 5, "'33' is no netmask: bits go from 0 to 32"),
        (NETWORK, "= 2001:db8::/129", 5, "'129' is no netmask: bits go from 0 to 128"),
        (NETWORK, "= 10.0.0.0/", 5, "'' is no netmask"),
        (NETWORK, "= 10.0.0.0/255.0.0.0", 5, "'255.0.0.0' is no netmask"),
        (NETWORK, "= 10.0.0.0/-1", 5, "'-1' is no netmask"),
        (TEXT, '= "\\xff"', 5, "the value is not UTF-8; only evt.buffer is compared as bytes"),
        (TEXT, "regex [", 9, "no regular expression: unterminated character set"),
        (BYTES, "regex *", 9, "no regular expression: nothing to repeat"),
        (BYTES, "bcontains abc", 13, "'abc' is no row of hexadecimal bytes"),
        (BYTES, "bstartswith xy", 15, "'xy' is no row of hexadecimal bytes"),
    ],
)  # fmt: skip
def test_a_wrong_type_is_found_when_compiled(kind: FieldType, rest: str, column: int, message: str) -> None:
    """No rows are needed to see it."""
    with pytest.raises(FilterError) as caught:
        verdicts(kind, rest, texts())
    assert (caught.value.column, caught.value.message[: len(message)]) == (column, message)


@pytest.mark.parametrize("rest", ["= reed", "!= reed", "in (read, reed)"])
def test_equality_with_a_value_that_never_occurs_is_refused(rest: str) -> None:
    """A field with a closed set of values knows its typing errors."""
    with pytest.raises(FilterError, match="'reed' is no value of f. Values: read write"):
        verdicts(TEXT, rest, texts(), choices=("read", "write"))


def test_other_operators_may_ask_a_closed_set_anything() -> None:
    """Part of a value is not a value."""
    assert verdicts(TEXT, "startswith r", texts("read", "write"), choices=("read", "write")) == [True, False]


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("= httpd", "httpd"),
        ("!= httpd", "sshd HTTPD httpd2 é"),
        ("in (httpd, sshd)", "httpd sshd"),
        ("in ()", ""),
        ("intersects (httpd, x)", "httpd"),
        ("< httpd2", "httpd HTTPD"),
        ("<= httpd2", "httpd HTTPD httpd2"),
        ("> httpd2", "sshd é"),
        (">= httpd2", "sshd httpd2 é"),
        ("contains tp", "httpd httpd2"),
        ("icontains TP", "httpd HTTPD httpd2"),
        ("startswith http", "httpd httpd2"),
        ("endswith d", "httpd sshd"),
        ("glob http?", "httpd"),
        ("glob *d", "httpd sshd"),
        ("glob [!h]*", "sshd HTTPD é"),
        ("iglob HTTP*", "httpd HTTPD httpd2"),
        ("regex http.", "httpd"),
        ("regex http.\\d?", "httpd httpd2"),
        ("= \\xc3\\xa9", "é"),
        ("exists", "httpd sshd HTTPD httpd2 é"),
    ],
)
def test_texts(rest: str, expected: str) -> None:
    """Case counts unless the operator says otherwise; glob and regex want the whole value."""
    column = texts("httpd", "sshd", "HTTPD", "httpd2", "é")
    passing = [text for text, passes in zip(column.values, verdicts(TEXT, rest, column), strict=True) if passes]
    assert passing == expected.split()


@pytest.mark.parametrize(
    ("path", "expected"), [("/etc", True), ("/etc/", True), ("/et", False), ("/", True), ("/etc/nsswitch.conf", True)]
)
def test_pmatch_takes_whole_parts_of_a_path(path: str, expected: bool) -> None:
    """`/etc` is above `/etc/nsswitch.conf`, `/et` is not."""
    assert verdicts(TEXT, f"pmatch (/x, {path})", texts("/etc/nsswitch.conf")) == [expected]


def test_glob_crosses_slashes() -> None:
    """As fnmatch without flags."""
    assert verdicts(TEXT, "glob /usr/*d", texts("/usr/sbin/httpd")) == [True]


@given(pattern=st.text("ab*?[]!-/", max_size=6), value=st.text("ab/-!", max_size=6))
def test_glob_agrees_with_fnmatch(pattern: str, value: str) -> None:
    """Python's fnmatchcase is the other reader."""
    assert verdicts(TEXT, f'glob "{pattern}"', texts(value)) == [fnmatch.fnmatchcase(value, pattern)]


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("= 80", [80]),
        ("!= 80", [-5, 0, 443]),
        ("< 80", [-5, 0]),
        ("<= 80", [-5, 0, 80]),
        ("> 80", [443]),
        (">= 80", [80, 443]),
        ("= -5", [-5]),
        ("in (80, 443, 1)", [80, 443]),
        ("in ()", []),
        ("intersects (0)", [0]),
        ("exists", [-5, 0, 80, 443]),
    ],
)
def test_numbers(rest: str, expected: list[int]) -> None:
    """Decimal, with a minus if below zero."""
    column = integers(-5, 0, 80, 443)
    found = verdicts(NUMBER, rest, column)
    assert [number for number, passes in zip([-5, 0, 80, 443], found, strict=True) if passes] == expected


def test_the_largest_and_smallest_numbers_fit() -> None:
    """64 bits, signed."""
    column = integers(2**63 - 1, -(2**63))
    assert verdicts(NUMBER, "= 9223372036854775807", column) == [True, False]
    assert verdicts(NUMBER, "= -9223372036854775808", column) == [False, True]


def test_ports_may_be_services() -> None:
    """http is 80 and domain is 53 in /etc/services."""
    assert verdicts(PORT, "in (http, domain)", integers(80, 53, 443)) == [True, True, False]


def test_flags() -> None:
    """Exactly true and false."""
    column = Flags(np.array([True, False, True]), np.array([True, True, False]))
    assert verdicts(BOOL, "= true", column) == [True, False, False]
    assert verdicts(BOOL, "!= true", column) == [False, True, False]
    assert verdicts(BOOL, "in (true, false)", column) == [True, True, False]


@pytest.mark.parametrize(
    ("kind", "rest", "column"),
    [
        (TEXT, "!= x", texts(None)),
        (TEXT, "!= x", Choices(np.array([-1], np.int8), ("y",))),
        (NUMBER, "!= 1", integers(None)),
        (NUMBER, "< 1", integers(None)),
        (BOOL, "!= true", Flags(np.array([False]), np.array([False]))),
        (BYTES, "!= x", payloads(b"")),
        (ADDRESS, "!= 1.1.1.1", Addresses(np.zeros((1, 16), np.uint8), np.array([False]))),
        (NETWORK, "!= 1.0.0.0/8", Addresses(np.zeros((1, 16), np.uint8), np.array([False]))),
    ],
)
def test_a_missing_value_makes_every_comparison_false(kind: FieldType, rest: str, column: Column) -> None:
    """Also `!=`."""
    assert verdicts(kind, rest, column) == [False]


def test_addresses() -> None:
    """Literal, of either family; mapped IPv4 is IPv4."""
    column = addresses("1.2.3.4", "2001:db8::1", "1.2.3.5")
    assert verdicts(ADDRESS, "= 1.2.3.4", column) == [True, False, False]
    assert verdicts(ADDRESS, "= ::ffff:1.2.3.4", column) == [True, False, False]
    assert verdicts(ADDRESS, "!= 1.2.3.4", column) == [False, True, True]
    assert verdicts(ADDRESS, "= 2001:DB8:0::1", column) == [False, True, False]
    assert verdicts(ADDRESS, "in (1.2.3.5, 2001:db8::1)", column) == [False, True, True]


def test_the_network_of_all_ipv6_holds_no_ipv4() -> None:
    """Though both are kept in 16 bytes."""
    column = addresses("1.2.3.4", "2001:db8::1")
    assert verdicts(NETWORK, "= ::/0", column) == [False, True]
    assert verdicts(NETWORK, "= 0.0.0.0/0", column) == [True, False]


@given(
    network=st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)),
    bits=st.integers(0, 128),
    others=st.lists(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), max_size=4),
)
def test_networks_agree_with_ipaddress(
    network: ipaddress.IPv4Address | ipaddress.IPv6Address,
    bits: int,
    others: list[ipaddress.IPv4Address | ipaddress.IPv6Address],
) -> None:
    """Python's own module is the other reader; host bits are allowed."""
    bits %= network.max_prefixlen + 1
    near = [type(network)(int(network) ^ 1 << shift) for shift in range(0, network.max_prefixlen, 7)]
    candidates = [each for each in [network, *near, *others] if each.version == 4 or each.ipv4_mapped is None]
    wanted = ipaddress.ip_network(f"{network}/{bits}", strict=False)
    if not candidates or (network.version == 6 and network.ipv4_mapped is not None):
        return
    expected = [each.version == wanted.version and each in wanted for each in candidates]
    column = addresses(*map(str, candidates))
    assert verdicts(NETWORK, f"= {network}/{bits}", column) == expected
    assert verdicts(NETWORK, f"!= {network}/{bits}", column) == [not inside for inside in expected]


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ('= "GET /\\x0d\\x0a"', True),
        ("= GET", False),
        ("!= GET", True),
        ('in (x, "GET /\\r\\n")', True),
        ("contains ET", True),
        ("contains et", False),
        ("icontains et", True),
        ("startswith GET", True),
        ("startswith ET", False),
        ("endswith \\r\\n", True),
        ("bcontains 0d0a", True),
        ("bcontains 0D0A", True),
        ("bstartswith 474554", True),
        ("bstartswith 4554", False),
        ("regex GET.*", True),
        ("regex GET", False),
        ("exists", True),
    ],
)
def test_payloads(rest: str, expected: bool) -> None:
    """Compared as bytes; in a regex the dot takes line ends too."""
    assert verdicts(BYTES, rest, payloads(b"GET /\r\n")) == [expected]


def test_payloads_may_hold_any_byte() -> None:
    """\\xff is no UTF-8 and needs none."""
    assert verdicts(BYTES, "contains \\xff\\x00", payloads(b"a\xff\x00b", b"a\xc3\xbf\x00")) == [True, False]


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("contains foo", True),
        ("contains bar", True),
        ("contains foobar", False),
        ("startswith fo", True),
        ("startswith foob", False),
        ("endswith bar", True),
        ("endswith obar", False),
        ("= foobar", False),
        ("!= foobar", True),
        ("regex foobar", False),
    ],
)
def test_nothing_is_found_across_missing_bytes(rest: str, expected: bool) -> None:
    """A payload `foo` [12 bytes missing] `bar` does not hold `foobar`."""
    assert verdicts(BYTES, rest, payloads(b"foobar", gaps=((3, 12),))) == [expected]


def test_how_a_payload_ends_must_have_been_captured() -> None:
    """Cut by the snap length, its end is not known; its start is."""
    cut = payloads(b"foo", gaps=((3, 100),))
    assert (verdicts(BYTES, "endswith foo", cut), verdicts(BYTES, "startswith foo", cut)) == ([False], [True])


@pytest.mark.parametrize("kind", list(FieldType))
def test_every_operator_of_a_type_compiles(kind: FieldType) -> None:
    """And an empty column gives an empty answer."""
    value = {BOOL: "true", ADDRESS: "::1", NETWORK: "::/0", TEXT: "x", BYTES: "00"}.get(kind, "1")
    column: Column = {
        BOOL: Flags(np.zeros(0, np.bool_)),
        ADDRESS: Addresses(np.zeros((0, 16), np.uint8)),
        NETWORK: Addresses(np.zeros((0, 16), np.uint8)),
        TEXT: texts(),
        BYTES: payloads(),
    }.get(kind, integers())
    for name in (*operators(kind), "exists"):
        rest = (
            name
            if name == "exists"
            else f"{name} ({value})"
            if name in ("in", "intersects", "pmatch")
            else f"{name} {value}"
        )
        assert verdicts(kind, rest, column) == []


def test_a_service_is_tcps_before_udps() -> None:
    """`syslog` is known for UDP only."""
    check = parse("f=syslog")
    assert isinstance(check, Check)
    assert comparisons.port(check.words[0], "f=syslog") == 514

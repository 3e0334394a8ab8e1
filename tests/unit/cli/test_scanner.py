"""Words of the command line: what is refused first, then what is understood."""

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcapdig.cli.options import OPTIONS
from pcapdig.cli.scanner import Scanned, chisel_directories, is_option, scan
from pcapdig.errors import UsageError


@dataclass(frozen=True)
class Arg:
    """An argument of a chisel, as chisels/ describes it."""

    name: str
    type: str
    optional: bool = False


class Book:
    """Five chisels, one of each kind of signature, and a filter language whose filters hold an equals sign in each word group."""

    signatures: ClassVar[dict[str, tuple[Arg, ...]]] = {
        "topconns": (),
        "spy_ip": (Arg("host_ip", "ipv4"), Arg("disable_color", "string", optional=True)),
        "echo_fds": (Arg("disable_color", "string", optional=True),),
        "netstat": (Arg("filter", "filter", optional=True),),
        "mine": (Arg("which", "filter"),),
    }

    def names(self) -> list[str]:
        """All of them."""
        return list(self.signatures)

    def has(self, name: str) -> bool:
        """As the real one."""
        return name in self.signatures

    def checked(self, name: str) -> str:
        """As the real one."""
        if name not in self.signatures:
            raise UsageError(f"chisel {name} not found")
        return name

    def signature(self, name: str) -> tuple[Arg, ...]:
        """As the real one."""
        return self.signatures[name]

    def check_filter(self, text: str) -> None:
        """A filter is what has an equals sign in each word but `and`, `or` and `not`, one of these between two, and no field bogus."""
        words = re.split(r" (?:and|or) ", text)
        if any("=" not in word or " " in word.removeprefix("not ") for word in words) or "bogus" in text:
            raise UsageError(f"filter error: {text}")


def scanned(*argv: str) -> Scanned:
    """Scan with these chisels."""
    return scan(argv, Book())


def calls(result: Scanned) -> list[tuple[str, dict[str, str] | None]]:
    """Chisels and their arguments."""
    return [(call.name, call.arguments) for call in result.chisels]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["-Q"], "unknown option -Q;"),
        (["-zQ"], "unknown option -Q in -zQ;"),
        (["--raed", "f"], "unknown option --raed, did you mean --read?;"),
        (["--zzzzz"], "unknown option --zzzzz;"),
        (["-w"], "option -w needs a value: -w FILE"),
        (["-w", "-r", "f"], "option -w needs a value: -w FILE"),
        (["--interface"], "option --interface needs a value: --interface NAME"),
        (["--tracer="], "option --tracer has an empty value"),
        (["-r", ""], "option -r has an empty value"),
        (["--json=yes"], "option --json takes no value"),
        (["-w", "a", "-w", "b"], "option -w stands twice: a and b"),
        (["-C", "1"], "-C (rotating files) is not there yet; leave it out"),
        (["-W3"], "-W (rotating files) is not there yet; leave it out"),
        (["-G"], "-G (rotating files) is not there yet; leave it out"),
        (["-e", "5"], "-e (rotating files) is not there yet; leave it out"),
        (["-c"], "option -c needs a value: -c NAME"),
        (["-c", "nosuch"], "chisel nosuch not found"),
        (["-c", "spy_ip"], "chisel spy_ip needs an argument: [ipv4] host_ip; pcapdig -i spy_ip describes it"),
        (["-c", "spy_ip", "-r", "f"], "chisel spy_ip needs an argument: [ipv4] host_ip"),
        (["-c", "spy_ip", "1 2 3"], "too many arguments for chisel spy_ip: 1 required, 1 optional, 3 given"),
        (["-c", "spy_ip", "--host-ip"], "option --host-ip needs a value: --host-ip HOST_IP"),
        (["-c", "spy_ip", "--host-ip=1", "--host-ip=2"], "chisel spy_ip: --host-ip stands twice"),
        (["-c", "spy_ip", "--disable-color", "off"], "chisel spy_ip needs an argument: [ipv4] host_ip"),
        (["-c", "topconns", "--host-ip", "1"], "unknown option --host-ip"),
        (["-c", "spy_ip", "'1"], "the quote at column 1 is not closed"),
        (["-c", "echo_fds", "bogus.field=1"], "filter error: bogus.field=1"),
        (["-c", "echo_fds", "not", "bogus=1"], "filter error: not bogus=1"),
        (["topcons"], "topcons: no such chisel or command, did you mean topconns?; pcapdig -cl"),
        (["docter"], "docter: no such chisel or command, did you mean doctor?; pcapdig -cl"),
        (["zzz"], "zzz: no such chisel or command; pcapdig -cl"),
        (["--nope"], "unknown option --nope;"),
        (["-r", "f", "topconns"], "topconns is a chisel: write it first, or as -c topconns"),
    ],
)
def test_mistakes_are_named(argv: list[str], words: str) -> None:
    """Each wrong command line is refused with what is wrong and, where there is one, the nearest right word."""
    with pytest.raises(UsageError) as caught:
        scanned(*argv)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@given(
    st.lists(
        st.one_of(st.sampled_from(["-r", "-c", "l", "spy_ip", "--", "-", "a=b", "-w", "-zz"]), st.text(max_size=5)),
        max_size=6,
    )
)
def test_any_words_are_understood_or_refused(argv: list[str]) -> None:
    """No words whatever raise anything but UsageError."""
    with suppress(UsageError):
        scanned(*argv)


@pytest.mark.parametrize(
    ("argv", "values"),
    [
        ([], {}),
        (["-zw", "f"], {"compress": ("",), "write": ("f",)}),
        (["-zwf"], {"compress": ("",), "write": ("f",)}),
        (["-s4096"], {"snaplen": ("4096",)}),
        (["-s", "4096", "-A"], {"snaplen": ("4096",), "data-ascii": ("",)}),
        (["--read", "a", "--read=b", "-rc"], {"read": ("a", "b", "c")}),
        (["-r", "-"], {"read": ("-",)}),
        (["-w", "-"], {"write": ("-",)}),
        (["-jA"], {"json": ("",), "data-ascii": ("",)}),
        (["-v", "-v"], {"verbose": ("",)}),
        (["-pc"], {"format": ("c",)}),
        (["-p%proc.name %fd.name"], {"format": ("%proc.name %fd.name",)}),
        (["-cl"], {"list-chisels": ("",)}),
        (["--list-chisels"], {"list-chisels": ("",)}),
        (["-lv"], {"list-fields": ("",), "verbose": ("",)}),
        (["-n", "-5"], {"limit": ("-5",)}),
        (["-f", "tcp port 80"], {"bpf": ("tcp port 80",)}),
    ],
)
def test_options_follow_getopt(argv: list[str], values: dict[str, tuple[str, ...]]) -> None:
    """Clusters, attached values, long forms, `-` as a value, `-cl` and `-pc` as sysdig reads them."""
    assert values == scanned(*argv).values


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["proc.name=httpd"], "proc.name=httpd"),
        (["-r", "f", "fd.ip=1.2.3.4", "and", "proc.name=httpd"], "fd.ip=1.2.3.4 and proc.name=httpd"),
        (["fd.port=80", "-r", "f", "and", "evt.is_io=true"], "fd.port=80 and evt.is_io=true"),
        (["not", "fd.port=80"], "not fd.port=80"),
        (["-r", "f", "evt.res", "<", "-5"], "evt.res < -5"),
        (["-r", "f", "--", "evt.buffer", "contains", "-A"], "evt.buffer contains -A"),
        (["(fd.port=80)"], "(fd.port=80)"),
    ],
)
def test_what_is_left_is_the_filter(argv: list[str], words: str) -> None:
    """Unquoted words, options among them, negative numbers, and anything after --."""
    assert words == " ".join(scanned(*argv).words)


@pytest.mark.parametrize(
    ("argv", "expected", "words"),
    [
        (["-c", "topconns", "proc.name=httpd"], [("topconns", {})], "proc.name=httpd"),
        (["-c", "topconns", "disable_color"], [("topconns", {})], "disable_color"),
        (["-c", "spy_ip", "1.2.3.4", "fd.port=80"], [("spy_ip", {"host_ip": "1.2.3.4"})], "fd.port=80"),
        (["-c", "spy_ip", "1.2.3.4 off"], [("spy_ip", {"host_ip": "1.2.3.4", "disable_color": "off"})], ""),
        (["-c", "spy_ip", "'1 2' `3 4`"], [("spy_ip", {"host_ip": "1 2", "disable_color": "3 4"})], ""),
        (["-c", "echo_fds", "fd.cip=1.2.3.4", "and", "a=x"], [("echo_fds", {})], "fd.cip=1.2.3.4 and a=x"),
        (["-c", "echo_fds", "off", "fd.cip=1", "-r", "f"], [("echo_fds", {"disable_color": "off"})], "fd.cip=1"),
        (["-c", "echo_fds", "off", "-r", "f", "fd.cip=1"], [("echo_fds", {"disable_color": "off"})], "fd.cip=1"),
        (["-c", "echo_fds", "-A"], [("echo_fds", {})], ""),
        (["-c", "echo_fds"], [("echo_fds", {})], ""),
        (["-c", "netstat", "fd.sport=80"], [("netstat", {})], "fd.sport=80"),
        (["-c", "netstat", "fd.sport=80", "and", "a=x"], [("netstat", {})], "fd.sport=80 and a=x"),
        (["-c", "netstat", "not", "fd.sport=80"], [("netstat", {})], "not fd.sport=80"),
        (["-c", "topconns", "-c", "netstat", "a=x"], [("topconns", {}), ("netstat", {})], "a=x"),
        (["-c", "netstat", "a=x", "-r", "f", "and", "b=y"], [("netstat", {})], "a=x and b=y"),
        (["-c", "netstat", "", "evt.num=9000"], [("netstat", {})], "evt.num=9000"),
        (["-c", "netstat", "--filter", "a=x", "evt.num=9000"], [("netstat", {"filter": "a=x"})], "evt.num=9000"),
        (["-c", "netstat", "word"], [("netstat", {"filter": "word"})], ""),
        (["-c", "mine", "a=x", "or", "b=y"], [("mine", {"which": "a=x or b=y"})], ""),
        (["-c", "mine", "-r", "f", "a=x", "or", "b=y"], [("mine", {"which": "a=x or b=y"})], ""),
        (["-c", "mine", "a=x"], [("mine", {"which": "a=x"})], ""),
        (["-c", "spy_ip", "--", "-v"], [("spy_ip", {"host_ip": "-v"})], ""),
        (["-c", "topconns", "-c", "spy_ip", "::1"], [("topconns", {}), ("spy_ip", {"host_ip": "::1"})], ""),
        (["-c", "spy_ip", "--host-ip", "::1", "a=b"], [("spy_ip", {"host_ip": "::1"})], "a=b"),
        (["-c", "spy_ip", "::1", "--disable_color=x"], [("spy_ip", {"host_ip": "::1", "disable_color": "x"})], ""),
        (["-c", "spy_ip", "-c", "topconns", "--host-ip=::2"], [("spy_ip", {"host_ip": "::2"}), ("topconns", {})], ""),
        (["-cspy_ip", "::1"], [("spy_ip", {"host_ip": "::1"})], ""),
        (["topconns", "-r", "f", "a=b"], [("topconns", {})], "a=b"),
        (["spy_ip", "192.0.2.7", "-r", "f"], [("spy_ip", {"host_ip": "192.0.2.7"})], ""),
        (["spy_ip", "-r", "f", "192.0.2.7", "a=b"], [("spy_ip", {"host_ip": "192.0.2.7"})], "a=b"),
    ],
)
def test_chisels_take_their_arguments(argv: list[str], expected: list[tuple[str, dict[str, str]]], words: str) -> None:
    """None, exactly one word, or one unless the words are a filter; as a subcommand also after options."""
    result = scanned(*argv)
    assert (expected, words) == (calls(result), " ".join(result.words))


def test_a_filter_before_another_filter_is_the_argument() -> None:
    """Both at once: the quoted word is the chisel's, what follows is the command line's."""
    result = scanned("-c", "netstat", "a=x or b=y", "evt.num=9000")
    assert ([("netstat", {"filter": "a=x or b=y"})], ["evt.num=9000"]) == (calls(result), list(result.words))


@pytest.mark.parametrize("words", [["a=x", "and", "bogus=1"], ["bogus=1"], ["a=bogus", "and", "b=y"]])
def test_a_mistake_in_a_filter_is_that_of_the_whole(words: list[str]) -> None:
    """The first word is not taken out of a filter that has a mistake further on."""
    with pytest.raises(UsageError, match=" ".join(words)):
        scanned("-c", "netstat", *words)


def test_doctor_is_a_command() -> None:
    """Not a filter word."""
    assert "doctor" == scanned("doctor").command


def test_every_option_is_spelt_once() -> None:
    """No letter and no word stands for two options."""
    shorts = [option.short for option in OPTIONS if option.short]
    longs = [option.long for option in OPTIONS if option.long]
    names = [option.name for option in OPTIONS]
    assert [len(set(spellings)) for spellings in (shorts, longs, names)] == [len(shorts), len(longs), len(names)]


@pytest.mark.parametrize(
    ("word", "expected"), [("-", False), ("-5", False), ("a-b", False), ("", False), ("-r", True), ("--", True)]
)
def test_what_counts_as_an_option(word: str, expected: bool) -> None:
    """A dash alone and negative numbers do not."""
    assert expected is is_option(word)


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        ([], []),
        (["--chisel-dir"], []),
        (["--chisel-dir="], []),
        (["-r", "f", "--", "--chisel-dir", "a"], []),
        (["--chisel-dir", "a", "-c", "x", "--chisel-dir=b", "--chisel-dir", "c"], ["a", "b", "c"]),
    ],
)
def test_chisel_directories_are_known_before_the_words_are_sorted(argv: list[str], found: list[str]) -> None:
    """In the order given; what is wrong with them is told by the scan itself."""
    assert chisel_directories(argv) == found

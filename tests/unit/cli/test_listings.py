"""-cl and -i: sysdig's layout, broken between words."""

from dataclasses import dataclass

from pcapdig.cli.listings import chisel_description, chisel_list


@dataclass(frozen=True)
class Arg:
    """An argument."""

    name: str
    type: str
    description: str
    optional: bool = False


@dataclass(frozen=True)
class Chisel:
    """A chisel."""

    name: str
    category: str
    short_description: str
    description: str = "What it does."
    args: tuple[Arg, ...] = ()


SPY = Chisel(
    "spy_ip",
    "Net",
    "Show the data exchanged with one host",
    "Every read and write of every connection with this host, " * 2 + "in the order in which they end.",
    (
        Arg("host_ip", "ipv4", "the address of the host"),
        Arg("disable_color", "", "any word: no colours", optional=True),
    ),
)
LONG = Chisel("a_name_of_twenty_one_", "Net", "word " * 20)
OTHER = Chisel("zed", "Application", "x")


def test_list_has_categories_and_names_in_order() -> None:
    """A blank line, the heading, its underline, names padded to twenty, the hint at the end."""
    assert [
        "",
        "Category: Application",
        "---------------------",
        "zed                 x",
        "",
        "Category: Net",
        "-------------",
        "a_name_of_twenty_one_",
        f"{'':20}{'word ' * 12}".rstrip(),
        f"{'':20}{'word ' * 8}".rstrip(),
        "spy_ip              Show the data exchanged with one host",
        "",
        "Use the -i flag to get detailed information about a specific chisel",
    ] == chisel_list([SPY, OTHER, LONG]).splitlines()


def test_description_lists_arguments() -> None:
    """Category block, long description wrapped at words, arguments with their types, a blank line."""
    assert [
        "",
        "Category: Net",
        "-------------",
        "spy_ip              Show the data exchanged with one host",
        "",
        "Every read and write of every connection with this host, Every read and write",
        "of every connection with this host, in the order in which they end.",
        "Args:",
        "[ipv4] host_ip - the address of the host",
        "[] disable_color - any word: no colours (optional)",
        "",
    ] == chisel_description(SPY).splitlines()


def test_description_without_arguments_says_none() -> None:
    """(None), and nothing after it."""
    assert chisel_description(OTHER).endswith("What it does.\nArgs:\n(None)\n")


def test_no_line_breaks_a_word() -> None:
    """Each word of the description is found whole."""
    words = set(SPY.description.split())
    assert words <= set(chisel_description(SPY).split())

"""The option table: the one place where options are listed.

The scanner reads it, --help and docs/cli.md are made from it. In: nothing. Out: `OPTIONS` and its indexes. Must not
know what an option does.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option. What it is called in code is `name`."""

    name: str
    """Key in `Given`: the long name, or a word of ours where there is none."""
    group: str
    """Heading it stands under in --help."""
    help: str
    """What it does, plain text."""
    short: str = ""
    """One letter without the dash; empty: none."""
    long: str = ""
    """Word without the two dashes; empty: none."""
    value: str = ""
    """What it takes, as --help shows it: `FILE`. Empty: a flag."""
    repeatable: bool = False
    """Whether it may be given more than once."""
    not_yet: bool = False
    """Known from sysdig, and refused with clear words until it is built."""

    @property
    def spelling(self) -> str:
        """As an error names it: `-w`, else `--interface`."""
        return f"-{self.short}" if self.short else f"--{self.long}"


RECORD = "Record"
DIG = "Dig"
SHOW = "Show"
DISCOVER = "Discover"
NOT_YET = "Not there yet"
GROUPS = (RECORD, DIG, SHOW, DISCOVER, NOT_YET)
"""Headings of --help, in order."""

OPTIONS: tuple[Option, ...] = (
    Option(
        name="write", short="w", long="write", value="FILE", group=RECORD,
        help="Write packets to FILE as pcapng, with the process at each end; - is standard output. With -r, copy those "
        "that pass the filter.",
    ),
    Option(name="compress", short="z", long="compress", group=RECORD, help="Compress what -w writes with gzip."),
    Option(
        name="snaplen", short="s", long="snaplen", value="LEN", group=RECORD,
        help="Keep LEN bytes of each packet, 1 to 262144 (default: all of it). A file read with -r is shown as it was "
        "recorded.",
    ),
    Option(
        name="limit", short="n", long="numevents", value="NUM", group=RECORD,
        help="Stop after NUM packets written, or NUM events that passed the filter.",
    ),
    Option(
        name="interface", long="interface", value="NAME", group=RECORD, repeatable=True,
        help="Record on this interface; may be repeated (default: every interface that is up).",
    ),
    Option(
        name="bpf", short="f", long="capture-filter", value="BPF", group=RECORD,
        help="Capture filter in tcpdump's language, applied in the kernel: -f 'tcp port 80'.",
    ),
    Option(
        name="ring", short="B", long="buffer-size", value="KIB", group=RECORD,
        help="Capture buffer of each interface in KiB (default 65536, less with more than 8 interfaces).",
    ),
    Option(
        name="tracer", long="tracer", value="NAME", group=RECORD,
        help="Who tells which process holds a socket: auto, core, bcc, procfs or none (default auto).",
    ),
    Option(
        name="no-cmdline", long="no-cmdline", group=RECORD,
        help="Leave command lines out of the file; they may hold secrets.",
    ),
    Option(
        name="full-cmdline", long="full-cmdline", group=RECORD,
        help="Keep known secrets in command lines (mysql -pSECRET, --password=SECRET, PGPASSWORD=SECRET, URLs), which are *** otherwise; "
        "with -r those that a file has are shown.",
    ),
    Option(
        name="holdback", long="holdback", value="MS", group=RECORD,
        help="Hold each packet back MS milliseconds until its process is known, 0 to 60000 (default 200).",
    ),
    Option(
        name="read", short="r", long="read", value="FILE", group=DIG, repeatable=True,
        help="Read packets from FILE: pcapng or pcap, plain, gzip, zstd or lz4; - is standard input. May be repeated.",
    ),
    Option(
        name="keep-all-blocks", long="keep-all-blocks", group=DIG,
        help="With -r and -w: copy what describes other packets too, processes, names, secrets and the like (default: "
        "only what the packets copied need).",
    ),
    Option(
        name="decap", long="decap", group=DIG,
        help="Look into tunnels: addresses, ports and data are those of the innermost IP packet in GRE, ERSPAN, IPIP, VXLAN, "
        "Geneve, GTP, L2TP, Teredo or CAPWAP (default: the outer packet's).",
    ),
    Option(
        name="chisel", short="c", long="chisel", value="NAME", group=DIG, repeatable=True,
        help="Run this chisel; its arguments are the next word, or given by name: --save DIR. May be repeated.",
    ),
    Option(
        name="chisel-dir", long="chisel-dir", value="DIR", group=DIG, repeatable=True,
        help="Look for chisels in DIR too, before ~/.config/pcapdig/chisels: DIR/NAME.py holds the chisel NAME. May be "
        "repeated.",
    ),
    Option(
        name="data-ascii", short="A", long="print-ascii", group=SHOW,
        help="Show captured bytes as text with line ends, without what is not printable.",
    ),
    Option(name="data-hex", short="x", long="print-hex", group=SHOW, help="Show captured bytes in hexadecimal."),
    Option(
        name="data-hex-ascii", short="X", long="print-hex-ascii", group=SHOW,
        help="Show captured bytes in hexadecimal and ASCII.",
    ),
    Option(name="data-base64", short="b", long="print-base64", group=SHOW, help="Show captured bytes in base64."),
    Option(name="json", short="j", long="json", group=SHOW, help="Show everything as JSON."),
    Option(
        name="format", short="p", long="print", value="FMT", group=SHOW,
        help="Format of event lines: -p '%evt.time %proc.name %fd.name'; a missing value hides the line unless FMT "
        "starts with *. -pc adds the container to lines and headers, -pp shows the default format.",
    ),
    Option(
        name="time", short="t", long="timetype", value="TYPE", group=SHOW,
        help="Time of event lines: h local clock (default), a seconds since 1970, r since the first event, d what an "
        "answer took, D since the line before.",
    ),
    Option(
        name="verbose", short="v", long="verbose", group=SHOW,
        help="Name the process in headers and tables, show data of event lines in full.",
    ),
    Option(name="quiet", short="q", long="quiet", group=SHOW, help="Show no event lines and no recording status."),
    Option(
        name="summary", short="S", long="summary", group=SHOW,
        help="At the end, count the events that passed the filter by type.",
    ),
    Option(
        name="list-chisels", short="cl", long="list-chisels", group=DISCOVER, help="List the chisels."
    ),
    Option(
        name="chisel-info", short="i", long="chisel-info", value="NAME", group=DISCOVER,
        help="Describe one chisel and its arguments.",
    ),
    Option(
        name="list-fields", short="l", long="list", group=DISCOVER,
        help="List the fields for filters and formats; -lv with their types.",
    ),
    Option(name="help", short="h", long="help", group=DISCOVER, help="Show this help."),
    Option(name="version", long="version", group=DISCOVER, help="Show the version."),
    Option(
        name="rotate-size", short="C", value="MB", group=NOT_YET, not_yet=True,
        help="Begin a new file every MB million bytes.",
    ),
    Option(
        name="rotate-time", short="G", value="SEC", group=NOT_YET, not_yet=True,
        help="Begin a new file every SEC seconds.",
    ),
    Option(
        name="rotate-events", short="e", value="NUM", group=NOT_YET, not_yet=True,
        help="Begin a new file every NUM packets.",
    ),
    Option(
        name="rotate-files", short="W", value="NUM", group=NOT_YET, not_yet=True,
        help="Keep the last NUM files only.",
    ),
)  # fmt: skip

SHORT: dict[str, Option] = {option.short: option for option in OPTIONS if len(option.short) == 1}
"""Options by letter. `-cl` is not among them: it is -c with the value `l`, as in sysdig."""
LONG: dict[str, Option] = {option.long: option for option in OPTIONS if option.long}
"""Options by word."""
BY_NAME: dict[str, Option] = {option.name: option for option in OPTIONS}
"""Options by their name in code."""

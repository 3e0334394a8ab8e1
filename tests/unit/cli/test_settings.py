"""From texts to checked values: what is out of range or contradicts itself first."""

from pathlib import Path

import pytest

from pcapdig.cli.scanner import Scanned
from pcapdig.cli.settings import Action, Settings, settle
from pcapdig.errors import UsageError
from pcapdig.record.options import RecordOptions
from pcapdig.render.options import DataStyle, TimeStyle


def settled(values: dict[str, str | tuple[str, ...]], words: str = "", command: str | None = None) -> Settings:
    """Settle what the scanner would give."""
    tuples = {name: (value,) if isinstance(value, str) else value for name, value in values.items()}
    return settle(Scanned(values=tuples, chisels=(), words=tuple(words.split()), filter_text=words, command=command))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"limit": "0"}, "-n 0: not between 1 and"),
        ({"limit": "-1"}, "-n -1: not between 1 and"),
        ({"limit": "x"}, "-n x: not a whole number"),
        ({"limit": "1.5"}, "-n 1.5: not a whole number"),
        ({"limit": "-"}, "-n -: not a whole number"),
        ({"limit": "\u0663"}, "not a whole number"),
        ({"limit": "9" * 5000}, "not between 1 and"),
        ({"snaplen": "0"}, "-s 0: not between 1 and 262144"),
        ({"snaplen": "262145"}, "-s 262145: not between 1 and 262144"),
        ({"ring": "0"}, "-B 0: not between 1 and 2097151"),
        ({"holdback": "60001"}, "--holdback 60001: not between 0 and 60000"),
        ({"tracer": "magic"}, "--tracer magic: unknown tracer, choose one of auto, core, bcc, procfs, none"),
        ({"time": "z"}, "-t z: unknown time type, choose one of h, a, r, d, D"),
        ({"time": "hh"}, "-t hh: unknown time type"),
        ({"data-ascii": "", "data-hex": ""}, "you cannot specify more than one output format: -A and -x"),
        ({"data-base64": "", "data-hex-ascii": ""}, "you cannot specify more than one output format: -X and -b"),
        ({"format": "k"}, "-pk: packets carry no Kubernetes names"),
        ({"format": "m"}, "-pm: packets carry no Mesos names"),
        ({"compress": ""}, "-z compresses what -w writes, and there is no -w"),
        ({"write": "f", "decap": ""}, "--decap looks into tunnels for a filter or a chisel, and there is neither"),
        ({"read": ("-", "f", "-")}, "-r - twice: standard input can be read only once"),
        ({"read": "f", "interface": "lo"}, "--interface is for recording"),
        ({"read": "f", "bpf": "tcp"}, "-f is for recording"),
        ({"read": "f", "write": "g", "tracer": "core"}, "--tracer is for recording"),
        ({"read": "f", "ring": "5"}, "-B is for recording"),
        ({"read": "f", "no-cmdline": ""}, "--no-cmdline is for recording"),
        ({"read": "f", "holdback": "5"}, "--holdback is for recording"),
    ],
)
def test_refused(values: dict[str, str | tuple[str, ...]], words: str) -> None:
    """Each with the option's spelling, what is wrong, and what would do."""
    with pytest.raises(UsageError) as caught:
        settled(values)
    assert words in str(caught.value)


@pytest.mark.parametrize(("values", "command"), [({"list-fields": ""}, None), ({}, "doctor")])
def test_listings_take_no_words(values: dict[str, str], command: str | None) -> None:
    """A filter would silently do nothing there."""
    with pytest.raises(UsageError, match="takes no arguments: a=b"):
        settled(values, "a=b", command)


def test_a_file_that_is_read_is_not_overwritten(tmp_path: Path) -> None:
    """Neither by its name nor by another name of the same file."""
    file = tmp_path / "a.pcapng"
    file.write_bytes(b"x")
    (tmp_path / "link").symlink_to(file)
    with pytest.raises(UsageError, match="would overwrite the file that -r reads"):
        settled({"read": (str(file),), "write": str(tmp_path / "link")})


def test_copying_to_another_file_is_fine(tmp_path: Path) -> None:
    """Also when that file is not there yet, and when input is standard input."""
    settings = settled({"read": ("-", str(tmp_path / "a")), "write": str(tmp_path / "b")})
    assert Action.COPY is settings.action


@pytest.mark.parametrize(
    ("values", "command", "action"),
    [
        ({}, None, Action.LIVE),
        ({"write": "f"}, None, Action.RECORD),
        ({"read": "f"}, None, Action.DIG),
        ({"read": "f", "write": "g"}, None, Action.COPY),
        ({"help": "", "read": "f"}, None, Action.HELP),
        ({"version": ""}, None, Action.VERSION),
        ({"list-chisels": ""}, None, Action.LIST_CHISELS),
        ({"chisel-info": "spy_ip"}, None, Action.DESCRIBE_CHISEL),
        ({"list-fields": ""}, None, Action.LIST_FIELDS),
        ({"format": "p", "read": "f"}, None, Action.SHOW_FORMAT),
        ({}, "doctor", Action.DOCTOR),
    ],
)
def test_what_is_done(values: dict[str, str], command: str | None, action: Action) -> None:
    """Listings win; -r digs, -w records, both copy, neither watches."""
    assert action is settled(values, command=command).action


def test_defaults_of_a_recording() -> None:
    """Those of RecordOptions itself: nothing is stated twice."""
    assert RecordOptions() == settled({"write": "f"}).record


def test_recording_options_arrive() -> None:
    """Each with its type."""
    settings = settled(
        {
            "write": "f",
            "interface": ("lo", "eth0", "lo"),
            "bpf": "tcp",
            "snaplen": "96",
            "ring": "1024",
            "limit": "7",
            "tracer": "procfs",
            "holdback": "0",
            "no-cmdline": "",
        }
    )
    expected = RecordOptions(
        interfaces=("lo", "eth0"),
        bpf="tcp",
        snap_length=96,
        ring_kib=1024,
        packet_limit=7,
        tracer="procfs",
        holdback_ms=0,
        cmdline=False,
    )
    assert expected == settings.record


def test_looks_arrive() -> None:
    """-X -j -v -t a -pc and a format."""
    settings = settled({"data-hex-ascii": "", "json": "", "verbose": "", "time": "a", "format": "c"})
    show = settings.show
    assert (DataStyle.HEX_ASCII, True, True, TimeStyle.ABSOLUTE, True) == (
        show.data,
        show.json,
        show.verbose,
        show.time,
        show.containers,
    )
    assert settings.format is None
    assert "%evt.num" == settled({"format": "%evt.num"}).format

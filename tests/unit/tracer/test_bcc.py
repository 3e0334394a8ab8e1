"""The bcc tracer up to the point where it needs rights."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pcapdig.errors import HostError
from pcapdig.procs.procdir import ProcDir
from pcapdig.tracer import bcc
from pcapdig.tracer.bcc import SOURCES, BccTracer, find_sources, has_argument, import_bcc

FORMAT = """name: tcp_destroy_sock
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;

	field:const void * skaddr;	offset:8;	size:8;	signed:0;
	field:__u8 saddr[4];	offset:22;	size:4;	signed:0;
	field:__data_loc char[] filename;	offset:8;	size:4;	signed:0;

print fmt: "sock_cookie=%llx", REC->sock_cookie
"""


@pytest.fixture
def no_bcc() -> Iterator[None]:
    """As if bcc had not been imported; afterwards as before."""
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "bcc"}
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "bcc"]:
        del sys.modules[name]
    sys.modules.update(kept)


def test_arguments_are_read_from_the_format_file(tmp_path: Path) -> None:
    """Names only, arrays by their name, the print format not at all; a tracepoint that is not there has none."""
    file = tmp_path / "format"
    file.write_text(FORMAT)
    assert [name for name in ("skaddr", "saddr", "filename", "common_type") if not has_argument(file, name)] == []
    assert not has_argument(file, "sock_cookie")
    assert not has_argument(tmp_path / "nowhere", "skaddr")


@pytest.mark.usefixtures("no_bcc")
def test_without_bcc_it_says_what_to_install(tmp_path: Path) -> None:
    """Debian's package."""
    with pytest.raises(HostError, match="apt-get install python3-bpfcc"):
        import_bcc(tmp_path / "bcc")


@pytest.mark.usefixtures("no_bcc")
def test_a_bcc_that_does_not_load_is_told(tmp_path: Path) -> None:
    """Its library is missing; nothing half loaded stays."""
    (tmp_path / "__init__.py").write_text("raise OSError('libbcc.so.0: cannot open shared object file')")
    with pytest.raises(HostError, match="libbcc"):
        import_bcc(tmp_path)
    assert "bcc" not in sys.modules


@pytest.mark.usefixtures("no_bcc")
def test_only_that_package_is_imported(tmp_path: Path) -> None:
    """Its neighbours stay out of sight."""
    (tmp_path / "bcc").mkdir()
    (tmp_path / "bcc" / "__init__.py").write_text("from .inner import answer")
    (tmp_path / "bcc" / "inner.py").write_text("answer = 42")
    (tmp_path / "neighbour.py").write_text("")
    before = list(sys.path)
    assert import_bcc(tmp_path / "bcc").answer == 42
    assert sys.path == before
    with pytest.raises(ModuleNotFoundError):
        __import__("neighbour")


def test_without_headers_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's package."""
    monkeypatch.setattr(bcc, "missing_capabilities", tuple)
    monkeypatch.setattr(bcc, "import_bcc", lambda: None)
    monkeypatch.setattr(bcc, "find_headers", lambda release: None)
    with pytest.raises(HostError, match="apt-get install linux-headers-"):
        BccTracer().start()


def test_without_rights_it_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, before anything is tried."""
    monkeypatch.setattr(bcc, "missing_capabilities", lambda: ("bpf",))
    with pytest.raises(HostError, match="capabilities bpf: try sudo"):
        BccTracer().start()


def test_not_started_it_has_nothing(tmp_path: Path) -> None:
    """No events, no loss, nothing to close."""
    tracer = BccTracer(proc=ProcDir(tmp_path))
    assert (tracer.poll(), tracer.lost_events()) == (b"", 0)
    tracer.close()
    tracer.close()


def test_the_sources_are_found() -> None:
    """In a checkout under probe/, installed beside the module."""
    assert [name for name in SOURCES if not (find_sources() / name).exists()] == []

"""The libbpf wrapper, as far as it needs no rights."""

from pathlib import Path

import pytest

from pcapdig.tracer._bpf import BpfError, BpfObject, MapReader, kernel_lacks, link_cgroup
from pcapdig.tracer.core import BTF, OBJECT


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"text", b"\x7fELF\x02\x01\x01" + bytes(500)])
def test_no_object_is_refused(tmp_path: Path, content: bytes) -> None:
    """Empty, cut, foreign: with its name and libbpf's reason."""
    file = tmp_path / "probe.o"
    file.write_bytes(content)
    with pytest.raises(BpfError, match="probe.o cannot be opened"):
        BpfObject(str(file))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """The kernel's word for it."""
    with pytest.raises(BpfError, match="No such file"):
        BpfObject(str(tmp_path / "nowhere.o"))


def test_a_cut_object_is_refused(tmp_path: Path) -> None:
    """At many places, and never read beyond its end."""
    whole = OBJECT.read_bytes()
    for size in range(0, len(whole), len(whole) // 23):
        file = tmp_path / "cut.o"
        file.write_bytes(whole[:size])
        with pytest.raises(BpfError):
            BpfObject(str(file))


def test_unknown_names_are_refused() -> None:
    """Programs, maps, constants."""
    opened = BpfObject(str(OBJECT))
    for call in (
        lambda: opened.leave_out("nobody"),
        lambda: opened.set_map_size("nothing", 1),
        lambda: opened.set_flag("nothing", True),
        lambda: opened.attach("nobody"),
        lambda: opened.map_fd("nothing"),
    ):
        with pytest.raises(BpfError, match="no "):
            call()


def test_what_is_not_loaded_has_no_descriptor() -> None:
    """A map exists in the kernel only after load."""
    with pytest.raises(BpfError, match="not loaded"):
        BpfObject(str(OBJECT)).map_fd("events")


def test_closed_is_closed() -> None:
    """Twice is fine, use is not."""
    opened = BpfObject(str(OBJECT))
    opened.close()
    opened.close()
    with pytest.raises(BpfError, match="closed"):
        opened.programs()


def test_flags_can_be_set_before_loading() -> None:
    """Those that socktrace.bpf.c declares."""
    opened = BpfObject(str(OBJECT))
    opened.set_flag("has_destroy", False)
    opened.set_flag("has_early_writer", True)


def test_wrong_descriptors_are_refused() -> None:
    """No map, no program, no cgroup."""
    with pytest.raises(BpfError):
        MapReader("ringbuf", 0)
    with pytest.raises(BpfError):
        MapReader("something", 0)
    with pytest.raises(BpfError):
        link_cgroup(0, 0, 0)


@pytest.mark.skipif(not BTF.exists(), reason="this kernel has no BTF")
def test_the_kernels_names_are_looked_up() -> None:
    """A function that every kernel has, one that none has."""
    assert kernel_lacks(["tcp_v4_connect", "btf_trace_inet_sock_set_state", "no_such_thing"]) == {"no_such_thing"}

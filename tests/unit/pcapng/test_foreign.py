"""Comments of other programs, after what their sources write."""

from __future__ import annotations

import pytest

from pcapdig.pcapng.foreign import Named, parse
from pcapdig.procs.process import Process

CURL = b"PID: 122868\nCmd: /usr/bin/curl\nArgs: curl kernel.com"


@pytest.mark.parametrize(
    "comment",
    [
        b"",
        b"\x00PID: 5\nCmd: a",
        b"\xff\xfe",
        b"PID: 5 is the culprit",
        b"PID: 5",
        b"PID: five\nCmd: a\nArgs: a",
        b"PID: -5\nCmd: a",
        b"PID: 0\nCmd: a",
        b"PID: 99999999999\nCmd: a",
        b"Cmd: /usr/bin/curl\nArgs: curl",
        b"pid: 5\nCmd: a",
        b"PID=5 was here",
        b"PID=5 TID=x",
        b"PID=0 TID=7",
        b"PID=4294967295 TID=7",
        b"PID=-1 TID=-1",
        b"PID=",
        b"PID=5,TID=7",
        b"my PID=5 TID=7",
        b"rustnet",
        b"rustnet is a fine program pid=5",
        b"rustnet direction=outgoing app=HTTPS",
        b"rustnet pid=0",
        b"rustnet pid=x",
        b"rustnetpid=5",
        b"RustNet pid=5",
        b'{"pid": 5}',
    ],
)
def test_what_only_looks_alike_names_nobody(comment: bytes) -> None:
    """Nothing is made of it."""
    assert parse([comment]) is None


def test_no_comments() -> None:
    """None is none."""
    assert parse([]) is None


def test_ptcpdump() -> None:
    """All its comments of one packet together; the thread, the image and the pod are not kept."""
    named = parse(
        [
            CURL,
            b"ThreadId: 122869\nThreadName: worker",
            b"UserId: 1000",
            b"ParentPID: 53229\nParentCmd: /usr/bin/bash\nParentArgs: -bash",
            b"ContainerName: web\nContainerId: 0123456789abcdef0123456789abcdef\nContainerImage: a:1\nContainerLabels: {}",
            b'PodName: p\nPodNamespace: n\nPodUID: u\nPodLabels: {"PID": "7"}\nPodAnnotations: {}',
        ]
    )
    assert named == Named(
        Process(
            name="curl",
            pid=122868,
            uid=1000,
            ppid=53229,
            pname="bash",
            exepath="/usr/bin/curl",
            container_id="0123456789ab",
            cmdline="curl kernel.com",
        ),
        None,
    )


def test_ptcpdump_of_older_versions() -> None:
    """A comment a key, with the older names of the keys."""
    named = parse(
        [
            b"PID: 1234",
            b"TID: 5",
            b"Command: /bin/bash",
            b"Args: -c sleep 10",
            b"ParentPID: 100",
            b"ParentCommand: init",
        ]
    )
    assert named is not None
    assert (named.process.name, named.process.cmdline, named.process.pname) == ("bash", "-c sleep 10", "init")


def test_ptcpdump_with_a_comment_of_a_user_before_it() -> None:
    """Anybody may add comments."""
    named = parse([b"look here", CURL])
    assert named is not None
    assert named.process.pid == 122868


@pytest.mark.parametrize(
    ("lines", "name", "path", "cmdline"),
    [
        (b"Cmd: \nArgs: ", None, None, None),
        (
            b"Cmd: /usr/lib/systemd/systemd-resolved\nArgs: x",
            "systemd-resolve",
            "/usr/lib/systemd/systemd-resolved",
            "x",
        ),
        (b"Cmd: /a/very/long...\nArgs: a b...", None, None, "a b"),
        (b"Cmd: /dev/fd/5\nArgs: /usr/sbin/dropbear -F", "dropbear", "/dev/fd/5", "/usr/sbin/dropbear -F"),
        (b"Cmd: curl\nArgs: curl a: b", "curl", None, "curl a: b"),
    ],
)
def test_ptcpdump_says_the_path(lines: bytes, name: str | None, path: str | None, cmdline: str | None) -> None:
    """The kernel's name is the last part of it, cut at 15 bytes; a path that was cut has none."""
    named = parse([b"PID: 5\n" + lines])
    assert named is not None
    assert (named.process.name, named.process.exepath, named.process.cmdline) == (name, path, cmdline)


@pytest.mark.parametrize(
    ("direction", "is_client"), [(b" direction=outgoing", True), (b" direction=incoming", False), (b"", None)]
)
def test_rustnet(direction: bytes, is_client: bool | None) -> None:
    """It tells who began the connection."""
    named = parse(
        [
            b"rustnet process=curl pid=5 ppid=1 uid=0 attr=exact-tuple pod=p container_id=0123456789abcdef"
            + direction
            + b" app=HTTPS sni=a.example country=DE asn=3320"
        ]
    )
    process = Process(name="curl", pid=5, ppid=1, uid=0, container_id="0123456789ab")
    assert named == Named(process, is_client)


def test_rustnet_may_know_only_the_name() -> None:
    """Then there is no id."""
    assert parse([b"rustnet process=Google_Chrome"]) == Named(Process(name="Google_Chrome", pid=None), None)


@pytest.mark.parametrize(
    "comment",
    [
        b"PID=5",
        b"PID=5 TID=7",
        b"PID=5 ProcessorNumber=0",
        b"PID=5 TID=7 VlanId=0 SrcPortId=1 SrcNicType=Internal SrcNicName=Ethernet 2 SrcPortName= HashValue=00000000",
    ],
)
def test_etl2pcapng(comment: bytes) -> None:
    """The id is all that it knows."""
    assert parse([comment]) == Named(Process(name=None, pid=5), None)


def test_no_control_characters() -> None:
    """What a file says is shown on terminals."""
    named = parse([b"PID: 5\nCmd: /bin/a\x1b[2J\nArgs: a \x07b"])
    assert named is not None
    assert named.process.name == "a\ufffd[2J"
    assert named.process.cmdline == "a \ufffdb"

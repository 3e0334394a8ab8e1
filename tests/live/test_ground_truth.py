"""The ground truth: every packet's ends against what the processes themselves wrote down, read by tshark from the comments.

100 % of the ends that belong to a process carry its name and id, none carries a wrong one, and ends of nobody carry none.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from captured import read_packets
from judge import Facts, Verdict, judge
from namespace import Namespace, connect, run
from program import Program, program, record_while

pytestmark = pytest.mark.live

TCP = """
    short_lived fork_and_leave prefork reuse_port dual_stack open_before never_accepted late_accept refused unread killed
    accept_then_fork passed two_lanes sendfile_and_splice threads renamed exec_between
""".split()
OTHER = """
    udp_connected udp_unconnected udp_wildcard udp_both_ask udp_shared udp_reuse_port udp_open_before udp_refused same_port
    ping_raw ping_socket
""".split()


def recorded(folder: Path, namespace: Namespace, *programs: Program, interface: str = "lo") -> Verdict:
    """Record while the programs run, and compare."""
    file = record_while(folder, namespace, *programs, interface=interface)
    verdict = judge(Facts.read(*(running.truth for running in programs)), read_packets(file))
    print(verdict)
    return verdict


@pytest.mark.parametrize("scenario", TCP + OTHER)
def test_every_end_is_named_right(scenario: str, folder: Path, namespace: Namespace, shortlived: Path) -> None:
    """One way to use sockets, recorded from before its first packet to after its last."""
    namespace.set_sysctl("ipv4/ping_group_range", "0 0")
    arguments = (str(shortlived),) if scenario == "short_lived" else ()
    with program(folder, scenario, *arguments, namespace=namespace) as running:
        verdict = recorded(folder, namespace, running)
    assert verdict.is_perfect, str(verdict)


def test_listener_evidence_where_nobody_accepts(folder: Path, namespace: Namespace) -> None:
    """The server's end of a connection that is never accepted is named after its listener, and says so."""
    with program(folder, "never_accepted", namespace=namespace) as running:
        verdict = recorded(folder, namespace, running)
    assert verdict.evidence["listener"] >= 7 * 2, str(verdict)


def test_process_ids_are_those_of_the_machine(folder: Path, namespace: Namespace) -> None:
    """Processes of another pid namespace, as in a container, go by the ids that the recording machine knows them by."""
    wrapper = ("unshare", "--pid", "--fork", "--kill-child")
    with program(folder, "prefork", namespace=namespace, wrapper=wrapper) as running:
        verdict = recorded(folder, namespace, running)
    assert verdict.is_perfect, str(verdict)


@pytest.mark.parametrize("scenario", ["prefork", "udp_wildcard", "udp_reuse_port"])
def test_recorder_without_the_machines_cgroup_mounts(scenario: str, folder: Path, namespace: Namespace) -> None:
    """`ip netns exec NAME pcapdig` hides where cgroups are mounted; it names no less for it."""
    with program(folder, scenario, namespace=namespace) as running:
        file = record_while(folder, namespace, running, as_user=True)
    verdict = judge(Facts.read(running.truth), read_packets(file))
    assert verdict.is_perfect, str(verdict)


def test_container_is_named(folder: Path, namespace: Namespace) -> None:
    """Processes in a cgroup as container engines name it: the comments have the first 12 digits of the container's id."""
    identity = "0123456789abcdef" * 4
    mount, wrapper = folder / "cgroup", ("sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"')
    mount.mkdir()
    run(["mount", "-t", "cgroup2", "none", str(mount)])
    try:
        group = mount / f"docker-{identity}.scope"
        group.mkdir()
        try:
            with program(folder, "prefork", namespace=namespace, wrapper=(*wrapper, str(group))) as running:
                packets = read_packets(record_while(folder, namespace, running))
        finally:
            group.rmdir()
    finally:
        run(["umount", str(mount)])
    containers = {end.values["container.id"] for packet in packets for end in packet.ends}
    assert containers == {identity[:12]}
    assert judge(Facts.read(running.truth), packets).is_perfect


@pytest.mark.parametrize(("left", "right"), [("10.97.0.1/24", "10.97.0.2/24"), ("fd97::1/64", "fd97::2/64")])
def test_both_ends_in_two_namespaces(left: str, right: str, folder: Path) -> None:
    """Client and server in two network namespaces joined by veth, both on this machine, both named."""
    with Namespace("left") as near, Namespace("right") as far:
        interface, _ = connect(near, far, left_address=left, right_address=right)
        address = right.split("/")[0]
        with (
            program(folder, "serve_at", address, "7007", namespace=far) as server,
            program(folder, "ask_at", address, "7007", namespace=near) as client,
        ):
            verdict = recorded(folder, near, server, client, interface=interface)
    assert verdict.is_perfect, str(verdict)

"""Container ids in the cgroup paths that container engines make."""

import pytest

from pcapdig.procs.containers import HOST, container_of

ID = "0123456789ab" + "c" * 52
POD = "f" * 64


@pytest.mark.parametrize(
    "path",
    [
        f"0::/system.slice/docker-{ID}.scope",
        f"0::/docker/{ID}",
        f"12:pids:/docker/{ID}\n1:name=systemd:/docker/{ID}",
        f"0::/machine.slice/libpod-{ID}.scope",
        f"0::/machine.slice/libpod-{ID}.scope/container",
        f"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope",
        f"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-{ID}.scope",
        f"0::/kubepods.slice/kubepods-pod1.slice/crio-{ID}.scope",
        f"11:memory:/kubepods/besteffort/pod5f399c1a-f9fc-11e8-bf65-246e9659ebfc/{ID}",
        f"4:cpu:/ecs/task/{ID}",
        f"0::/default/{ID}",
        f"0::/docker/{POD}/kubepods/pod1/{ID}",
        f"0::/weird:colon/docker-{ID}.scope",
    ],
)
def test_an_engine_names_the_cgroup_after_its_container(path: str) -> None:
    """docker, containerd, podman, CRI-O, kubelet, in v1 and v2; of nested ones the deepest."""
    assert container_of(path) == ID[:12]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0::/",
        "0::/init.scope",
        "0::/system.slice/apache2.service",
        f"0::/machine.slice/libpod-conmon-{ID}.scope",
        f"0::/kubepods/pod1/crio-conmon-{ID}.scope",
        f"0::/x/{ID}f",
        f"0::/x/{ID[:-1]}",
        f"0::/x/{ID.upper()}",
        "no colons at all",
    ],
)
def test_everything_else_is_the_host(path: str) -> None:
    """No id of exactly 64 hex digits, or only a monitor's cgroup."""
    assert container_of(path) == HOST

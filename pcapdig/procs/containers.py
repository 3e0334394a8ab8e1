"""From a cgroup path to a container's id."""

from __future__ import annotations

import re

HOST = "host"
"""What a process outside any container has for an id."""
SHORT_LENGTH = 12
"""Hex digits of an id as `docker ps` and `podman ps` show it."""

_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


def container_of(cgroup_file: str) -> str:
    """The container that the text of /proc/PID/cgroup tells of: 12 hex digits, or HOST.

    docker, containerd, podman, CRI-O and kubelet name a container's cgroup after its id of 64 hex digits, in v1 and v2, with cgroupfs and
    systemd: .../docker/ID, docker-ID.scope, libpod-ID.scope, cri-containerd-ID.scope, crio-ID.scope, .../kubepods/burstable/podUID/ID.
    The deepest id is the container itself. A conmon cgroup carries a container's id too, but holds its monitor, which runs on the host.
    """
    for line in cgroup_file.splitlines():
        _number, _, rest = line.partition(":")
        _controllers, _, path = rest.partition(":")
        for part in reversed(path.split("/")):
            found = _ID.search(part)
            if found and "conmon" not in part:
                return found[0][:SHORT_LENGTH]
    return HOST

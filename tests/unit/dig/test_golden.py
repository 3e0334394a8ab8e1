"""Golden outputs of each chisel on fixtures/lamp.pcapng.gz, byte for byte, by the command itself.

`pytest --update-golden` writes them anew; then the difference is read by a person.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from command import ROOT, dig

HTTPD = "fd.cip=127.0.0.1 and proc.name=httpd"
COMMANDS = {
    "topprocs_net.txt": "-c topprocs_net",
    "topprocs_net-v.txt": "-v -c topprocs_net",
    "topprocs_net-j.txt": "-j -c topprocs_net",
    "topconns.txt": "-c topconns",
    "topconns-httpd.txt": "-c topconns proc.name=httpd",
    "topconns-v.txt": "-v -c topconns",
    "topconns-j.txt": "-j -c topconns",
    "topports_server.txt": "-c topports_server",
    "topports_server-j.txt": "-j -c topports_server",
    "iobytes_net.txt": "-c iobytes_net",
    "iobytes_net-mysqld.txt": "-c iobytes_net proc.name=mysqld",
    "spy_ip.txt": "-c spy_ip ::1 fd.sport=80 and proc.name=curl",
    "spy_ip-v.txt": "-v -A -c spy_ip ::1 fd.sport=80 and proc.name=curl",
    "spy_port-hex-ascii.txt": "-X -c spy_port 3306 proc.name=mysqld",
    "spy_port-hex.txt": "-x -c spy_port 80 proc.name=httpd and evt.is_io_read=true",
    "echo_fds.txt": f"-c echo_fds {HTTPD}",
    "echo_fds-A.txt": f"-s 4096 -A -c echo_fds {HTTPD}",
    "echo_fds-j.txt": f"-j -c echo_fds {HTTPD} and fd.sport=80",
    "echo_fds-form.txt": "-A -c echo_fds fd.ip=127.0.0.1 and proc.name=httpd and evt.is_io_read=true and evt.buffer contains form",
    "echo_fds-password.txt": "-v -A -c echo_fds evt.buffer contains open-sesame",
    "echo_fds-404.txt": "-A -c echo_fds proc.name=httpd and evt.is_io_write=true and evt.buffer contains 404",
    "fdbytes_by.txt": "-c fdbytes_by proc.name,fd.sport",
    "fdcount_by.txt": "-c fdcount_by proc.name evt.type=accept",
    "conns.txt": "-c conns",
    "conns-j.txt": "-j -c conns fd.sport=3306",
    "netlower.txt": "-c netlower 5",
    "netstat.txt": "-c netstat evt.num<=40",
    "ps.txt": "-c ps proc.name!=httpd",
    "plaintext.txt": "-c plaintext",
    "plaintext-show.txt": "-c plaintext show proc.name=httpd",
    "lines.txt": "-n 60",
    "lines-a.txt": "-t a -n 20 proc.name=mysqld and evt.is_io=true",
    "lines-j.txt": "-j -n 20 proc.name=httpd and evt.is_io=true",
    "several-chisels.txt": "-c topports_server -c topprocs_net fd.sport=80",
}
"""Options after `pcapdig -r fixtures/lamp.pcapng.gz`, by the name of the file with their output."""


@pytest.mark.parametrize("name", COMMANDS)
def test_output_is_the_golden_one(name: str, golden: Callable[[str, str], None]) -> None:
    """The command succeeds in silence and prints exactly that."""
    done = dig("-r", "fixtures/lamp.pcapng.gz", *COMMANDS[name].split(), directory=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    golden(name, done.stdout)


def test_no_golden_file_is_left_over() -> None:
    """Each file belongs to a command here."""
    assert {path.name for path in (ROOT / "fixtures" / "golden").iterdir()} == set(COMMANDS)

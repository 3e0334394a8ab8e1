"""The LAMP tutorial, word for word with `pcapdig` for `sysdig`, against real servers.

What the recording says is compared with what curl counted, with Apache's own log (mod_logio), with mysqld's own counters and with
tshark's reading of the same file.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from captured import Packet, quiet, read_packets
from command import Finished, Recording, dig, open_folder
from servers import PASSWORD, USER, Access, Lamp, without_peeked_bytes

pytestmark = pytest.mark.live

ADDRESSES = ("127.0.0.1", "[::1]")
LOGIN = ["--data", f"user={USER}&password={PASSWORD}"]
REQUESTS = [
    *[["/"]] * 5,
    *[["/form.php"]] * 3,
    *[["/login.php", *LOGIN]] * 3,
    *[["/login.php", "--data", "user=mallory&password=guess"]] * 2,
    *[["/missing"]] * 2,
    ["/large.html"],
    ["/", "/form.php", "/missing", "/large.html"],  # one connection
]
"""What curl asks for, by each address: 19 requests on 17 connections; a word that starts with a slash is a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One request, as curl counted it on the wire."""

    client: str
    port: int
    sent: int
    received: int
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The recording of the tutorial's second command, with what everybody says of it."""

    folder: Path
    ended: Finished
    transfers: list[Transfer]
    accesses: list[Access]
    mysqld: int
    """Bytes mysqld received and sent while recording, by its own count."""
    packets: list[Packet]

    def pcapdig(self, words: str) -> str:
        """Run a command of the tutorial as it is written there; its output. It must succeed, and may only note rows that are not shown."""
        done = dig(*words.split()[1:], directory=self.folder)
        assert done.returncode == 0, f"{words}: {done}"
        assert all(re.match(r"note: \w+ shows \d+ of \d+ ", line) for line in done.stderr.splitlines()), done.stderr
        return done.stdout

    def table(self, words: str) -> dict[tuple[str, ...], int]:
        """A chisel's table, by its keys, from -j."""
        rows = json.loads(self.pcapdig(f"{words} -j"))["data"]
        return {tuple(map(str, keys)): value for *keys, value in rows}


def transfer(lamp: Lamp, address: str, request: list[str]) -> list[Transfer]:
    """Run curl once; each of its transfers."""
    pages = [f"http://{address}{word}" for word in request if word.startswith("/")]
    options = [word for word in request if not word.startswith("/")]
    silence = ["-o", "/dev/null"] * len(pages)
    said = subprocess.run(
        lamp.inside("curl", "-sS", "--globoff", *silence, "-w", "%{json}\n", *options, *pages),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return [
        Transfer(
            client=values["local_ip"],
            port=values["local_port"],
            sent=values["size_request"],  # curl counts a form's body in it
            received=values["size_header"] + values["size_download"],
            status=values["response_code"],
        )
        for values in map(json.loads, said.stdout.splitlines())
    ]


def visit(lamp: Lamp) -> list[Transfer]:
    """Everything a visitor and an administrator do on the server, over IPv4 and IPv6."""
    transfers = [made for address in ADDRESSES for request in REQUESTS for made in transfer(lamp, address, request)]
    for host in ("127.0.0.1", "::1"):
        for command in (
            lamp.mysql_command(host, "SELECT name FROM customers"),
            lamp.ssh_command(host, "echo logged in"),
        ):
            done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
            assert ("Alice Liddell" in done.stdout) or ("logged in" in done.stdout), done
    return transfers


@pytest.fixture(scope="module")
def audit(lamp: Lamp) -> Iterator[Audit]:
    """What `audited` found, in a folder that goes when the tests are done."""
    folder = open_folder("tutorial")
    try:
        yield audited(lamp, folder)
    finally:
        shutil.rmtree(folder)


def audited(lamp: Lamp, folder: Path) -> Audit:
    """The tutorial's `pcapdig -w act1.pcapng.gz -z -s 4096`, ended by Ctrl-C after the visit."""
    first = len(lamp.accesses(0))
    asking = -sum(lamp.mysqld_bytes()) + sum(lamp.mysqld_bytes())  # what the question itself adds
    before = sum(lamp.mysqld_bytes())
    command = ["-w", "act1.pcapng.gz", "-z", "-s", "4096"]
    with Recording(*command, namespace=lamp.namespace, directory=folder) as recording:
        transfers = visit(lamp)
        accesses = lamp.accesses(first + len(transfers))[first:]
        time.sleep(0.3)  # the kernel's last packets
        ended = recording.stop()
    return Audit(
        folder=folder,
        ended=ended,
        transfers=transfers,
        accesses=without_peeked_bytes(accesses, [(made.client, made.port, made.sent) for made in transfers]),
        mysqld=sum(lamp.mysqld_bytes()) - before - asking,
        packets=read_packets(folder / "act1.pcapng.gz"),
    )


def bytes_text(size: int) -> str:
    """sysdig's text for a number of bytes."""
    for power, unit in ((50, "P"), (40, "T"), (30, "G"), (20, "M"), (10, "KB")):
        if size > 1 << power:
            return f"{size / (1 << power):.2f}{unit}"
    return f"{size}B"


def rows(text: str) -> list[str]:
    """A table's rows, after its heading has been checked."""
    heading, rule, *lines = text.splitlines()
    assert heading.split()[0] == "Bytes"
    assert rule == "-" * 30
    return lines


def test_first_recording_ends_after_a_thousand_packets(lamp: Lamp, folder: Path) -> None:
    """`pcapdig -w act1.pcapng.gz -n 1000 -z` ends by itself."""
    command = ["-w", "act1.pcapng.gz", "-n", "1000", "-z"]
    with Recording(*command, namespace=lamp.namespace, directory=folder) as recording:
        while recording.process.poll() is None:
            transfer(lamp, "127.0.0.1", ["/", "/", "/", "/form.php"])
        ended = recording.wait()
    assert ended.returncode == 0, ended
    assert len(read_packets(folder / "act1.pcapng.gz")) == 1000


def test_recording_ends_well_by_ctrl_c(audit: Audit) -> None:
    """Exit status 0, and the summary says what was recorded and that nothing was lost or unknown."""
    assert audit.ended.returncode == 0, audit.ended
    assert f"recorded  {len(audit.packets):,} packets" in audit.ended.stderr
    assert "0 packets dropped by the kernel, 0 socket events lost" in audit.ended.stderr
    assert "(100.00%)" in audit.ended.stderr


def test_packets_are_cut_at_4096_bytes(audit: Audit) -> None:
    """-s 4096 keeps that much of each packet, and its whole length is known."""
    assert max(packet.captured for packet in audit.packets) == 4096
    assert max(packet.length for packet in audit.packets) > 4096


def test_server_and_clients_agree(audit: Audit) -> None:
    """curl and Apache count the same bytes, so that either may be compared with."""
    by_curl, by_apache = Counter(), Counter()
    for made in audit.transfers:
        by_curl[made.client, made.port] += made.sent + made.received
    for access in audit.accesses:
        by_apache[access.client, access.port] += access.received + access.sent
    assert by_curl == by_apache
    assert len(by_curl) == 2 * len(REQUESTS)


def test_every_http_packet_is_named_at_both_ends(audit: Audit) -> None:
    """httpd at the server's end and curl at the client's, of every packet, IPv4 and IPv6."""
    wrong, seen = [], Counter()
    for packet in audit.packets:
        ports = packet.source[1], packet.destination[1]
        if packet.protocol == "tcp" and 80 in ports:
            server, client = (packet.writer, packet.reader) if ports[0] == 80 else (packet.reader, packet.writer)
            seen[packet.source[0]] += 1
            if not (server and client and (server.name, client.name) == ("httpd", "curl")):
                wrong.append(packet)
    assert wrong == []
    assert min(seen["127.0.0.1"], seen["::1"]) > 5 * len(REQUESTS)


def test_server_end_is_the_child_that_served(audit: Audit) -> None:
    """The process id at the server's end of each data packet is the one in Apache's log."""
    children = {(access.client, access.port): access.pid for access in audit.accesses}
    for packet in audit.packets:
        if packet.tcp_length and 80 in (packet.source[1], packet.destination[1]):
            answers = packet.source[1] == 80
            client, server = (packet.destination, packet.writer) if answers else (packet.source, packet.reader)
            assert server
            assert server.pid == children[client], packet


def test_server_is_described(audit: Audit, lamp: Lamp) -> None:
    """User, parent, path and command line of httpd and mysqld, in the comments on their packets."""
    ends = {end.name: end.values for packet in audit.packets for end in packet.ends}
    httpd, mysqld = ends["httpd"], ends["mysqld"]
    assert (httpd["user.name"], httpd["proc.pname"]) == ("www-data", "httpd")
    assert (httpd["proc.ppid"], httpd["proc.exepath"]) == (str(lamp.pid("httpd")), str(lamp.directory / "httpd"))
    assert httpd["proc.cmdline"] == f"{lamp.directory}/httpd -f {lamp.directory}/httpd.conf -D FOREGROUND"
    assert (mysqld["user.name"], mysqld["proc.pid"]) == ("mysql", str(lamp.pid("mysqld")))
    assert (ends["curl"]["user.name"], ends["curl"]["proc.exepath"]) == ("root", "/usr/bin/curl")
    assert {values["container.id"] for values in ends.values()} == {"host"}


def test_topprocs_net_counts_what_curl_counted(audit: Audit) -> None:
    """curl's row is the sum of what each curl sent and received."""
    expected = sum(made.sent + made.received for made in audit.transfers)
    assert audit.table("pcapdig -r act1.pcapng.gz -c topprocs_net")["curl",] == expected


def test_topprocs_net_counts_what_apache_logged(audit: Audit) -> None:
    """httpd's bytes on port 80 are those of its log, and child by child under -v."""
    expected = Counter()
    for access in audit.accesses:
        expected["httpd", str(access.pid)] += access.received + access.sent
    words = "pcapdig -r act1.pcapng.gz -c topprocs_net proc.name=httpd and fd.sport=80"
    assert audit.table(words)["httpd",] == expected.total()
    assert audit.table(words.replace("-c", "-v -c")) == dict(expected)


def test_topprocs_net_counts_what_mysqld_counted(audit: Audit) -> None:
    """mysqld's row is what its own status counters say; httpd's part in it is on port 3306."""
    table = audit.table("pcapdig -r act1.pcapng.gz -c topprocs_net")
    assert table["mysqld",] == audit.mysqld
    pages = audit.table("pcapdig -r act1.pcapng.gz -c topprocs_net fd.sport=3306")
    assert pages["httpd",] + pages["mysql",] == pages["mysqld",] == audit.mysqld


def test_topprocs_net_sees_both_ends_of_ssh(audit: Audit) -> None:
    """sshd and ssh moved the same bytes, and tshark counts them too."""
    table = audit.table("pcapdig -r act1.pcapng.gz -c topprocs_net")
    expected = sum(packet.tcp_length for packet in audit.packets if 22 in (packet.source[1], packet.destination[1]))
    assert table["sshd",] == table["ssh",] == expected


def test_topprocs_net_looks_as_in_the_tutorial(audit: Audit) -> None:
    """10-wide columns, 30 dashes, bytes as text, the greatest first."""
    table = audit.table("pcapdig -r act1.pcapng.gz -c topprocs_net")
    text = audit.pcapdig("pcapdig -r act1.pcapng.gz -c topprocs_net")
    expected = sorted(((value, name) for (name,), value in table.items()), key=lambda row: (-row[0], row[1]))
    assert [row.rstrip() for row in rows(text)] == [f"{bytes_text(value):<10}{name}" for value, name in expected]
    assert {name for _, name in expected} == {"httpd", "curl", "mysqld", "mysql", "sshd", "ssh"}
    assert text.startswith("Bytes     Process   \n")


def test_topconns_of_one_process(audit: Audit) -> None:
    """`-c topconns proc.name=httpd`: bytes by connection are those of Apache's log; not more than 30 rows."""
    text = audit.pcapdig("pcapdig -r act1.pcapng.gz -c topconns proc.name=httpd")
    lines = rows(text)
    assert text.startswith("Bytes     Proto     Conn      \n")
    assert len(lines) == 30
    logged: dict[str, int] = defaultdict(int)
    for access in audit.accesses:
        logged[f"{access.client}:{access.port}->{access.client}:80"] += access.received + access.sent
    shown = {line[20:].rstrip(): line[:20] for line in lines}
    web = {connection: value for connection, value in shown.items() if connection.endswith(":80")}
    assert all(value == f"{bytes_text(logged[connection]):<10}tcp       " for connection, value in web.items())
    greatest = sorted(logged, key=lambda name: -logged[name])[:4]  # both visitors fetched the large page twice
    assert {line[20:].rstrip() for line in lines[:4]} == set(greatest)
    assert all(connection.endswith((":80", ":3306")) for connection in shown)


def test_conversation_with_one_client(audit: Audit) -> None:
    """`-s 4096 -A -c echo_fds fd.cip=127.0.0.1 and proc.name=httpd`: each request as it was read, each answer as written."""
    text = audit.pcapdig("pcapdig -r act1.pcapng.gz -s 4096 -A -c echo_fds fd.cip=127.0.0.1 and proc.name=httpd")
    reads = re.findall(r"^------ Read (\S+) from 127\.0\.0\.1:(\d+)->127\.0\.0\.1:80$", text, re.MULTILINE)
    writes = re.findall(r"^------ Write (\S+) to 127\.0\.0\.1:(\d+)->127\.0\.0\.1:80$", text, re.MULTILINE)
    local = [access for access in audit.accesses if access.client == "127.0.0.1"]
    assert Counter(reads) == Counter((bytes_text(access.received), str(access.port)) for access in local)
    assert Counter(writes) == Counter((bytes_text(access.sent), str(access.port)) for access in local)
    assert "\nGET /form.php HTTP/1.1\n" in text
    assert "<h1>Welcome to the shop</h1>" in text
    assert "Good day, Alice Liddell" in text
    assert "::1" not in "".join(re.findall("^------ .*$", text, re.MULTILINE))
    assert "\x1b" not in text


def test_conversation_over_ipv6(audit: Audit) -> None:
    """The same for a client that came by IPv6."""
    text = audit.pcapdig("pcapdig -r act1.pcapng.gz -s 4096 -A -c echo_fds fd.cip=::1 and proc.name=httpd")
    reads = re.findall(r"^------ Read (\S+) from ::1:(\d+)->::1:80$", text, re.MULTILINE)
    assert Counter(reads) == Counter(
        (bytes_text(access.received), str(access.port)) for access in audit.accesses if access.client == "::1"
    )
    assert "\nGET /form.php HTTP/1.1\n" in text


def test_keyword_search(audit: Audit) -> None:
    """`... evt.is_io_read=true and evt.buffer contains form`: what httpd read with that word in it, and nothing else."""
    text = audit.pcapdig(
        "pcapdig -r act1.pcapng.gz -A -c echo_fds fd.ip=127.0.0.1 and proc.name=httpd and "
        "evt.is_io_read=true and evt.buffer contains form"
    )
    headers = re.findall("^------ .*$", text, re.MULTILINE)
    asked = [access for access in audit.accesses if access.client == "127.0.0.1"]
    # A form's page, or a form sent: its content type is application/x-www-form-urlencoded.
    expected = [access for access in asked if access.url in ("/form.php", "/login.php")]
    assert len(headers) == len(expected)
    assert all(re.fullmatch(r"------ Read \S+ from 127\.0\.0\.1:\d+->127\.0\.0\.1:80", header) for header in headers)


def test_password_is_found(audit: Audit) -> None:
    """The password went over the wire in clear: the search finds each login, with the form's fields, and where from."""
    text = audit.pcapdig(
        f"pcapdig -r act1.pcapng.gz -A -c echo_fds proc.name=httpd and evt.is_io_read=true and evt.buffer contains {PASSWORD}"
    )
    logins = [access for access in audit.accesses if access.url == "/login.php" and access.status == 200]
    headers = set(re.findall(r"^------ Read \S+ from (\S+)$", text, re.MULTILINE))
    assert headers == {f"{access.client}:{access.port}->{access.client}:80" for access in logins}
    assert text.count(f"user={USER}&password={PASSWORD}") == len(logins) == 6


def test_missing_page_is_shown(audit: Audit) -> None:
    """The 404 is in what httpd wrote, as often as its log says."""
    text = audit.pcapdig(
        "pcapdig -r act1.pcapng.gz -A -c echo_fds proc.name=httpd and evt.is_io_write=true and evt.buffer contains 404"
    )
    assert text.count("HTTP/1.1 404 Not Found") == sum(access.status == 404 for access in audit.accesses) == 6


def test_query_of_the_page_is_seen(audit: Audit) -> None:
    """The login page's query goes from httpd to mysqld, and both ends show it."""
    for process, direction in (("httpd", "Write"), ("mysqld", "Read")):
        text = audit.pcapdig(
            f"pcapdig -r act1.pcapng.gz -A -c echo_fds proc.name={process} and evt.buffer contains customers"
        )
        headers = re.findall(
            rf"^------ {direction} \S+ (?:to|from) 127\.0\.0\.1:\d+->127\.0\.0\.1:3306$", text, re.MULTILINE
        )
        assert len(headers) >= 10, text


def test_chisels_are_listed(audit: Audit) -> None:
    """`-cl` lists the seven chisels under their categories."""
    text = audit.pcapdig("pcapdig -cl")
    for name in "topprocs_net topconns topports_server iobytes_net spy_ip spy_port echo_fds".split():
        assert re.search(rf"^{name} ", text, re.MULTILINE), name
    assert "\nCategory: Net\n-------------\n" in text
    assert text.endswith("Use the -i flag to get detailed information about a specific chisel\n")


def test_chisel_is_described(audit: Audit) -> None:
    """`-i spy_ip` says what it does and what it takes."""
    text = audit.pcapdig("pcapdig -i spy_ip")
    assert re.search(r"^spy_ip ", text, re.MULTILINE)
    assert re.search(r"^Args:\n\[ipv4\] host_ip - ", text, re.MULTILINE)


def test_fields_are_listed(audit: Audit) -> None:
    """`-l` lists the fields of the tutorial's filters."""
    text = audit.pcapdig("pcapdig -l")
    for name in "proc.name fd.cip fd.ip evt.is_io_read evt.buffer".split():
        assert re.search(rf"^{re.escape(name)} ", text, re.MULTILINE), name


def test_spy_ip_shows_what_tshark_follows(audit: Audit) -> None:
    """The data of one client's first connection, as tshark's own reassembly has it."""
    first = next(packet for packet in audit.packets if packet.protocol == "tcp" and packet.destination[1] == 80)
    port = first.source[1]
    text = audit.pcapdig(f"pcapdig -r act1.pcapng.gz -A -c spy_port {port} proc.name=curl and evt.is_io_write=true")
    followed = quiet(
        ["tshark", "-n", "-r", str(audit.folder / "act1.pcapng.gz"), "-q", "-z", f"follow,tcp,ascii,{first.stream}"]
    )
    request = followed[followed.index("GET ") :].split("\n\n")[0]
    assert request.replace("\r", "") in text.replace("\r", "")

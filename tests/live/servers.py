"""Real servers for live tests: Apache prefork with PHP as `httpd`, MariaDB as `mysqld`, and sshd.

Each is the distribution's own program under the process name of the sysdig tutorial, with its configuration, data and logs in one
temporary folder. They listen on every address of their network namespace, IPv4 and IPv6. Nothing of the machine's own configuration
is read but PHP's list of extensions, and nothing is left behind: each server is ended by its process id.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from namespace import Namespace, run

START_SECONDS = 30.0
"""How long a server may take until it accepts; they need one or two seconds on an idle machine."""
STOP_SECONDS = 15.0

USER, PASSWORD = "alice", "open-sesame-4711"
"""Who may log in on the login page. The password goes over the wire in clear, and the audit finds it."""
DATABASE, DATABASE_USER, DATABASE_PASSWORD = "shop", "shop", "shop-secret"

APACHE = """\
ServerName localhost
ServerRoot {directory}
DocumentRoot {directory}/pages
PidFile {directory}/httpd.pid
Listen {http}
User www-data
Group www-data
LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule php_module /usr/lib/apache2/modules/{php}
TypesConfig /dev/null
AddType text/html .html
DirectoryIndex index.html
<FilesMatch "\\.php$">
    SetHandler application/x-httpd-php
</FilesMatch>
StartServers {children}
MinSpareServers 1
MaxSpareServers {children}
MaxRequestWorkers {children}
MaxKeepAliveRequests 0
KeepAliveTimeout 2
ErrorLog {directory}/error.log
LogFormat "{{\\"client\\":\\"%a\\",\\"port\\":%{{remote}}p,\\"received\\":%I,\\"sent\\":%O,\\"status\\":%>s,\\"pid\\":%P,\\"url\\":\\"%U\\"}}" bytes
CustomLog {directory}/access.log bytes
"""

INDEX = "<html><head><title>Shop</title></head><body><h1>Welcome to the shop</h1>\n{items}</body></html>\n"

FORM = """\
<html><body><h1>Log in</h1>
<?php /* A page with a form, as the tutorial's keyword search looks for. */ ?>
<form action="/login.php" method="post"><input name="user"><input name="password" type="password"></form>
</body></html>
"""

LOGIN = """\
<?php
$database = new mysqli("127.0.0.1", "{user}", "{password}", "{database}", {mysql});
$query = $database->prepare("SELECT name FROM customers WHERE login = ? AND password = ?");
$query->bind_param("ss", $_POST["user"], $_POST["password"]);
$query->execute();
$query->bind_result($name);
$found = $query->fetch();
$query->close();
$database->close();
if (!$found) http_response_code(403);
echo "<html><body>", $found ? "Good day, $name" : "No such customer", "</body></html>\\n";
"""

SCHEMA = """\
CREATE DATABASE {database};
CREATE TABLE {database}.customers (login VARCHAR(32), password VARCHAR(32), name VARCHAR(32));
INSERT INTO {database}.customers VALUES ('{login}', '{login_password}', 'Alice Liddell');
CREATE USER '{user}'@'%' IDENTIFIED BY '{password}';
GRANT SELECT ON {database}.* TO '{user}'@'%';
"""

SSHD = """\
Port {ssh}
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/user_key.pub
PidFile {directory}/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """TCP ports the servers listen on."""

    http: int = 80
    mysql: int = 3306
    ssh: int = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One line of Apache's access log; bytes as mod_logio counts them on the connection."""

    client: str
    port: int
    """The client's port."""
    received: int
    """Bytes of the request with its headers (%I)."""
    sent: int
    """Bytes of the answer with its headers (%O)."""
    status: int
    pid: int
    """The child that served it."""
    url: str


def without_peeked_bytes(accesses: list[Access], requests: Iterable[tuple[str, int, int]]) -> list[Access]:
    """mod_logio's counts of requests as they were on the wire.

    On a kept-alive connection httpd peeks at one byte to see whether the next request has come; if it has, mod_logio counts it twice.

    Args:
        requests: client, its port and bytes sent, of each request in order.
    """
    sent: dict[tuple[str, int], list[int]] = defaultdict(list)
    for client, port, size in requests:
        sent[client, port].append(size)
    corrected = []
    for access in accesses:
        on_the_wire = sent[access.client, access.port].pop(0)
        is_peeked = access.received == on_the_wire + 1
        corrected.append(replace(access, received=on_the_wire) if is_peeked else access)
    return corrected


class Server:
    """One server process, ended by its process id; its output goes to a log file."""

    def __init__(self, command: Sequence[str], *, log: Path, environment: dict[str, str] | None = None) -> None:
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def await_port(self, port: int) -> None:
        """Wait until something accepts on the port; RuntimeError with the server's own words when it ends instead."""
        deadline = time.monotonic() + START_SECONDS
        while not listens(port, self.pid):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"nothing listens on port {port}: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ask it to end, wait, and then kill what is left of its process group: some servers leave their children behind."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(STOP_SECONDS)


def listens(port: int, pid: int) -> bool:
    """Whether a TCP socket listens on the port in the network namespace of that process."""
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        except OSError:
            return False
        if any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in lines):
            return True
    return False


def free_ports() -> Ports:
    """Three ports nobody uses at this moment, for servers outside a namespace of their own."""
    holders = [socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True) for _ in range(3)]
    numbers = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return Ports(http=numbers[0], mysql=numbers[1], ssh=numbers[2])


class Lamp:
    """The servers; a context manager. `directory` must be empty; it is made readable to the servers' users."""

    def __init__(
        self,
        directory: Path,
        *,
        namespace: Namespace | None = None,
        ports: Ports | None = None,
        names: Sequence[str] = ("httpd", "mysqld", "sshd"),
        children: int = 5,
    ) -> None:
        """Choose what runs.

        Args:
            directory: an empty folder.
            namespace: where they listen; None: here.
            ports: None: the usual ones in a namespace, free ones here.
            names: which of the three.
            children: size of httpd's pool: how many connections it serves at once.
        """
        self.directory = directory
        self.namespace = namespace
        self.ports = ports or (Ports() if namespace else free_ports())
        self.children = children
        self._names = names
        self._servers: dict[str, Server] = {}

    def __enter__(self) -> Self:
        self.directory.chmod(0o755)
        start = {"httpd": self._start_httpd, "mysqld": self._start_mysqld, "sshd": self._start_sshd}
        port = {"httpd": self.ports.http, "mysqld": self.ports.mysql, "sshd": self.ports.ssh}
        try:
            for name in self._names:
                start[name]()
            for name in self._names:
                self._servers[name].await_port(port[name])
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End all servers; safe to call twice."""
        for server in self._servers.values():
            server.stop()

    def pid(self, name: str) -> int:
        """Process id of `httpd` (the parent of its pool), `mysqld` or `sshd` (the listener)."""
        return self._servers[name].pid

    def inside(self, *argv: str | Path) -> list[str]:
        """A command as it has to be run to reach the servers."""
        return self.namespace.command(*argv) if self.namespace else [str(word) for word in argv]

    def accesses(self, count: int) -> list[Access]:
        """What httpd logged so far, oldest first, as soon as `count` lines are there: it logs after it has answered."""
        log, deadline = self.directory / "access.log", time.monotonic() + 10
        while len(lines := log.read_text().splitlines()) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        return [Access(**json.loads(line)) for line in lines]

    def mysql_command(self, host: str, statement: str) -> list[str]:
        """A `mysql` command line that runs one statement over TCP with user and password."""
        login = [f"-u{DATABASE_USER}", f"-p{DATABASE_PASSWORD}", "-h", host, "-P", str(self.ports.mysql)]
        return self.inside("mysql", "--no-defaults", "--protocol=tcp", "--batch", *login, "-e", statement, DATABASE)

    def mysqld_bytes(self) -> tuple[int, int]:
        """Bytes mysqld has received and sent on all connections, its own count. Asked over its local socket, which counts too."""
        rows = run(
            ["mysql", "--no-defaults", "-uroot", "-S", str(self.directory / "mysqld.sock"), "--batch", "-N"]
            + ["-e", "SHOW GLOBAL STATUS WHERE Variable_name IN ('Bytes_received', 'Bytes_sent')"]
        )
        values = dict(row.split("\t") for row in rows.splitlines())
        return int(values["Bytes_received"]), int(values["Bytes_sent"])

    def ssh_command(self, host: str, command: str) -> list[str]:
        """An `ssh` command line that logs in by key and runs one command."""
        options = ["UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no", "LogLevel=ERROR", "BatchMode=yes"]
        words = [word for option in options for word in ("-o", option)]
        key = ["-i", str(self.directory / "user_key"), "-p", str(self.ports.ssh)]
        return self.inside("ssh", "-F", "none", *words, *key, f"root@{host}", command)

    def _start_httpd(self) -> None:
        pages = self.directory / "pages"
        pages.mkdir()
        items = "".join(f"<p>Item {number}: a fine thing at a fair price</p>\n" for number in range(1, 60))
        (pages / "index.html").write_text(INDEX.format(items=items))
        (pages / "small.html").write_text("<html><body>A small page</body></html>\n")
        (pages / "large.html").write_text(INDEX.format(items=items * 100))
        (pages / "form.php").write_text(FORM)
        (pages / "login.php").write_text(
            LOGIN.format(user=DATABASE_USER, password=DATABASE_PASSWORD, database=DATABASE, mysql=self.ports.mysql)
        )
        php = min(path.name for path in Path("/usr/lib/apache2/modules").glob("libphp*.so"))
        configuration = self.directory / "httpd.conf"
        configuration.write_text(
            APACHE.format(directory=self.directory, http=self.ports.http, php=php, children=self.children)
        )
        program = shutil.copy2("/usr/sbin/apache2", self.directory / "httpd")
        self._servers["httpd"] = Server(
            self.inside(program, "-f", configuration, "-D", "FOREGROUND"), log=self.directory / "httpd.log"
        )

    def _start_mysqld(self) -> None:
        data, schema = self.directory / "data", self.directory / "schema.sql"
        run(
            ["mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={data}", "--skip-test-db"]
            + ["--auth-root-authentication-method=normal"]
        )
        schema.write_text(
            SCHEMA.format(
                database=DATABASE, login=USER, login_password=PASSWORD, user=DATABASE_USER, password=DATABASE_PASSWORD
            )
        )
        # mysqld gives up root before it makes its socket, and the folder belongs to root.
        sockets = self.directory / "mysqld.sock"
        shutil.chown(self.directory, user="mysql")
        program = shutil.copy2("/usr/sbin/mariadbd", self.directory / "mysqld")
        options = [f"--datadir={data}", f"--socket={sockets}", f"--port={self.ports.mysql}", f"--init-file={schema}"]
        options += ["--user=mysql", "--bind-address=*", "--skip-name-resolve", "--skip-log-bin"]
        options += ["--innodb-buffer-pool-size=16M", f"--pid-file={self.directory / 'mysqld.pid'}"]
        self._servers["mysqld"] = Server(
            self.inside(program, "--no-defaults", *options), log=self.directory / "mysqld.log"
        )

    def _start_sshd(self) -> None:
        for name in ("host_key", "user_key"):
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.directory / name)])
        configuration = self.directory / "sshd_config"
        configuration.write_text(SSHD.format(directory=self.directory, ssh=self.ports.ssh))
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd shuts its unprivileged child in
        self._servers["sshd"] = Server(
            self.inside("/usr/sbin/sshd", "-D", "-e", "-f", configuration), log=self.directory / "sshd.log"
        )

"""Records files.pcap.gz anew: files that nginx, Apache and a few lines of Python carry on the loopback of a network namespace of its own.

    unshare -n .venv/bin/python tests/unit/chisels/captures/record.py

Needs root, tcpdump, nginx, apache2 (mod_deflate, mod_brotli, mod_cgid) and curl. The tests compare with tshark --export-objects, and
with what is written below.
"""

from __future__ import annotations

import gzip
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODULES = "mpm_event authz_core mime filter deflate brotli cgid alias"
APACHE = """\
ServerName localhost
ServerRoot {d}
DocumentRoot {d}/pages
PidFile {d}/httpd.pid
Listen 80
User www-data
Group www-data
{modules}
ScriptSock {d}/cgid.sock
TypesConfig /dev/null
AddType text/html .html
ScriptAlias /cgi/ {d}/cgi/
AddOutputFilterByType DEFLATE text/html
<Location /br>
  SetOutputFilter BROTLI_COMPRESS
</Location>
ErrorLog {d}/error.log
"""
NGINX = """\
pid {d}/nginx.pid;
error_log {d}/nginx.log;
daemon off;
user www-data;
events {{ }}
http {{
  access_log off;
  types {{ text/html html; image/png png; }}
  client_body_temp_path {d}/a; proxy_temp_path {d}/b; fastcgi_temp_path {d}/c; uwsgi_temp_path {d}/d; scgi_temp_path {d}/e;
  gzip on; gzip_min_length 10;
  server {{
    listen 81;
    root {d}/pages;
    location /none {{ return 204; }}
  }}
}}
"""
CGI = """#!/bin/sh
cat >/dev/null
printf 'Content-Type: text/plain\\r\\n\\r\\n'
for i in 1 2 3; do echo line $i; sleep 0.05; done
"""
PAGE = "<html><body>" + "<p>A fine thing at a fair price</p>\n" * 40 + "</body></html>\n"
NOISE = random.Random(1).randbytes(5_000)
PICTURE = b"\x89PNG\r\n\x1a\n" + NOISE
LONG = b"".join(b"%d bottles of beer\n" % (number % 1000) for number in range(80_000))
"""More than a message holds."""
ANSWERS = {
    b"GET /until-close": b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"until the end\n" * 9,
    b"GET /ws": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x02hi",
    b"CONNECT ": b"HTTP/1.1 200 Connection established\r\n\r\nnot HTTP any more",
    b"GET /named": b'HTTP/1.1 200 OK\r\nContent-Disposition: attachment; filename="../../etc/evil name.txt"\r\n'
    b"Content-Length: 4\r\n\r\nevil",
}


def serve(listener: socket.socket) -> None:
    """Answer one request a connection, by its first word."""
    while True:
        connection, _ = listener.accept()
        with connection:
            asked = connection.recv(4096)
            for start, answer in ANSWERS.items():
                if asked.startswith(start):
                    connection.sendall(answer)


def curl(*words: str) -> None:
    """A client; what it says is not of interest."""
    subprocess.run(["curl", "-s", "-o", "/dev/null", *words], check=False, timeout=20)


def say(port: int, data: bytes) -> None:
    """Send, and read until the server closes or is silent."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(data)
        connection.settimeout(1)
        try:
            while connection.recv(1 << 16):
                pass
        except TimeoutError:
            pass


def talk(folder: Path) -> None:
    """What is carried."""
    for port in ("80", "81"):
        here = f"http://127.0.0.1:{port}"
        curl(f"{here}/page.html", f"{here}/picture.png?size=big")  # one connection
        curl("--compressed", f"{here}/page.html")
        curl("-I", f"{here}/page.html")
        curl("-r", "100-299", f"{here}/picture.png")
        curl("-0", f"{here}/page.html")
        curl("-z", "now", f"{here}/page.html")
        request = f"GET /page.html HTTP/1.1\r\nHost: pipe{port}\r\n".encode()
        say(int(port), (request + b"\r\n") * 3 + request + b"Connection: close\r\n\r\n")
    curl("-H", "Accept-Encoding: br", "http://127.0.0.1/br/page.html")
    curl("http://127.0.0.1:81/none")
    curl("http://127.0.0.1:81/long.txt")
    curl("--compressed", "http://127.0.0.1:81/long.html")
    curl("http://127.0.0.1/cgi/lines")
    upload = str(folder / "pages" / "picture.png")
    curl(
        "-F",
        "field=value",
        "-F",
        f"photo=@{upload};filename=me at sea.png",
        "-F",
        f"page=@{folder}/pages/page.html",
        "http://127.0.0.1/cgi/lines",
    )
    curl("-T", upload, "-H", "Expect: 100-continue", "http://127.0.0.1/cgi/lines/put.png")
    curl("-d", "name=value&password=open-sesame", "http://127.0.0.1/cgi/lines")
    for words in (b"GET /until-close HTTP/1.0", b"GET /ws HTTP/1.1", b"CONNECT h:1 HTTP/1.1", b"GET /named HTTP/1.1"):
        say(82, words + b"\r\nHost: h\r\n\r\n")


def main() -> None:
    """Start the servers, record, stop them."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "pages" / "br").mkdir(parents=True)
    (folder / "cgi").mkdir()
    for name, data in (
        ("page.html", PAGE.encode()),
        ("br/page.html", PAGE.encode()),
        ("picture.png", PICTURE),
        ("long.txt", LONG),
        ("long.html", LONG),
    ):
        (folder / "pages" / name).write_bytes(data)
    (folder / "cgi" / "lines").write_text(CGI)
    (folder / "cgi" / "lines").chmod(0o755)
    modules = "\n".join(f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so" for m in MODULES.split())
    (folder / "apache.conf").write_text(APACHE.format(d=folder, modules=modules))
    (folder / "nginx.conf").write_text(NGINX.format(d=folder))
    listener = socket.create_server(("127.0.0.1", 82))
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    servers = [
        subprocess.Popen(["apache2", "-D", "FOREGROUND", "-f", str(folder / "apache.conf")]),
        subprocess.Popen(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]),
    ]
    time.sleep(1)
    recorded = folder / "files.pcap"
    recorder = subprocess.Popen(["tcpdump", "-i", "lo", "-s", "0", "-B", "65536", "-U", "-w", str(recorded), "tcp"])
    time.sleep(1)
    talk(folder)
    time.sleep(1)
    for process in (recorder, *servers):
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    (HERE / "files.pcap.gz").write_bytes(gzip.compress(recorded.read_bytes(), 9, mtime=0))
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()

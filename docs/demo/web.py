"""The demo's web server: a page, a catalogue, a form and its login. It prints its port and serves until it is ended.

Its process calls itself `demo-web`, as `ps` and pcapdig then show it.
"""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

FORM = '<form method="post" action="/login">\n<input name="user"><input name="password" type="password">\n</form>\n'
PAGES = {
    "/": "<h1>The demo's shop</h1>\n<a href='/catalogue'>catalogue</a> <a href='/form'>log in</a>\n",
    "/catalogue": "".join(f"<li>article {number:05d}, {number % 97 + 1}.00 EUR\n" for number in range(5003)),
    "/form": FORM,
}


class Shop(BaseHTTPRequestHandler):
    """Answers from PAGES; any login is welcome."""

    protocol_version = "HTTP/1.1"
    """Connections stay open between requests, as with a real server."""

    def do_GET(self) -> None:
        """Give a page, or 404."""
        page = PAGES.get(self.path)
        self._answer(404 if page is None else 200, f"No {self.path} here.\n" if page is None else page)

    def do_POST(self) -> None:
        """Greet the user of the form."""
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._answer(200, f"Welcome, {form['user'][0]}.\n")

    def log_message(self, *arguments: object) -> None:
        """Keep quiet: pcapdig tells what happened."""

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    Path("/proc/self/comm").write_text("demo-web")
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        print(server.server_port, flush=True)
        server.serve_forever()

"""tlslog: a line for each TLS handshake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pcapdig.chisels.logs import LogChisel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pcapdig.chisels.dialogues import Found, Opening
    from pcapdig.protocols.conversation import Dialogue
    from pcapdig.protocols.tls import Handshake
    from pcapdig.render.items import Line


class Tlslog(LogChisel["Handshake"]):
    """What can be known of encrypted connections."""

    name: ClassVar[str] = "tlslog"
    short_description: ClassVar[str] = "TLS handshakes log"
    description: ClassVar[str] = (
        "Prints a line for each TLS handshake over TCP (any port, STARTTLS included): the version agreed on, the name asked for "
        "(SNI), the protocol agreed on (ALPN; in TLS 1.3, where that is encrypted, those offered), the cipher, names of the "
        "server's certificate where it is in clear (up to TLS 1.2), the client's JA4 fingerprint, an alert that ended the "
        "handshake, time from ClientHello to ServerHello, and the processes at both ends as far as they are known. -v adds "
        "process ids and the connection."
    )

    def __init__(self, *, verbose: bool = False) -> None:
        """`verbose`: with process ids and connection."""
        super().__init__(verbose=verbose)

    def begin(self, opening: Opening) -> Dialogue[Handshake, Any] | None:
        """Where a client or a server says hello."""
        if opening.is_datagram or not (b"\x16\x03" in opening.data[:1024] or opening.data[2:3] == b"\x01"):
            return None  # spares most captures loading the names of ciphers
        from pcapdig.protocols.tls import TlsDialogue, beginning

        return TlsDialogue() if beginning(opening.data) >= 0 else None

    def lines(self, found: Found[Handshake]) -> Iterable[Line]:
        """One line, with both ends."""
        from pcapdig.protocols.tls import version_name

        client, server = found.record.client, found.record.server
        version = version_name(server.version) if server else None
        alpn = server.alpn if server and server.alpn else None
        offered = ",".join(client.alpn) if client else ""
        if alpn is None and (server is None or server.version >= 0x0304):
            alpn = f"offered:{offered}" if offered else None
        members: dict[str, int | str | None] = {
            "version": version,
            "sni": client.server_name if client else None,
            "alpn": alpn,
            "cipher": server.cipher if server else None,
            "certificate": ",".join(found.record.certificate_names) or None,
            "ja4": client.ja4 if client else None,
            "alert": found.record.alert,
        }
        pairs: dict[str, object] = {key: value for key, value in members.items() if key != "alert" or value}
        yield self.call_line(found, pairs, members.items())

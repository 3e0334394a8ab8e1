"""clients: who connects here, by bytes."""

from __future__ import annotations

from pcapdig.chisels.tables import FieldTable
from pcapdig.render.items import Column


class Clients(FieldTable):
    """Bytes by client address and server port."""

    name = "clients"
    short_description = "Top clients by network I/O"
    description = "Ranks client addresses and the ports they used by the payload that went both ways."
    keys = (Column("fd.cip", "Client"), Column("fd.sport", "Port"))

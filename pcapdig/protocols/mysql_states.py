"""The states of a MySQL or MariaDB connection. Source: MySQL Source Code Documentation, "Client/Server Protocol"."""

from __future__ import annotations

from pcapdig.protocols.states import UNTIL_CLOSE, State

STATES = (
    State("login", "the greeting, or COM_CHANGE_USER", "requests to switch, more data, and the client's answers to them", ("OK", "an error")),
    State("TLS", "a response that is an SSLRequest", "TLS", UNTIL_CLOSE),
    State("compression", "the end of a login that agreed on it", "packets in compressed frames", UNTIL_CLOSE),
    State("results", "COM_QUERY, COM_STMT_EXECUTE", "result sets, as long as one says that more follow",
          ("the last OK or EOF", "an error, amid rows too")),
    State("file", "0xFB, in answer to LOAD DATA LOCAL INFILE", "packets of the client are the file",
          ("its empty packet, also where it sends no file", "an error of the server, and the empty packet behind it",
           "a command, where the end was not captured")),
    State("prepared statement", "COM_STMT_PREPARE, answered", "its id names it, parameters may be sent ahead",
          ("COM_STMT_CLOSE", "COM_CHANGE_USER, not refused", "COM_RESET_CONNECTION, not refused")),
    State("parameters sent ahead", "COM_STMT_SEND_LONG_DATA, which has no answer", "they belong to the next execution",
          ("COM_STMT_EXECUTE", "COM_STMT_RESET")),
    State("cursor", "COM_STMT_EXECUTE, answered without rows", "rows come with COM_STMT_FETCH", ("the last rows", "COM_STMT_CLOSE")),
    State("dump", "COM_BINLOG_DUMP, COM_BINLOG_DUMP_GTID, COM_TABLE_DUMP, not refused",
          "events of the server; the client acknowledges them",
          ("EOF", "an error")),
    State("over", "COM_QUIT", "nothing", UNTIL_CLOSE),
    State("given up", "an error that nobody asked for", "nothing: the server closes (idle, killed, shut down)", UNTIL_CLOSE),
)  # fmt: skip
"""What docs/protocol-states.md says of MySQL."""

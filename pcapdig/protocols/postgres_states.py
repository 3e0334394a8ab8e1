"""The states of a PostgreSQL connection. Source: PostgreSQL 15 documentation, section 55.2 "Message Flow"."""

from __future__ import annotations

from pcapdig.protocols.states import UNTIL_CLOSE, State

STATES = (
    State("encryption asked", "SSLRequest or GSSENCRequest", "the server answers with one byte",
          ("N: it goes on in clear", "S or G", "ErrorResponse")),
    State("encryption", "S or G", "TLS or GSSAPI", UNTIL_CLOSE),
    State("password asked", "AuthenticationCleartextPassword", "the next message of the client is a password", ("PasswordMessage",)),
    State("simple query", "Query", "results, until all its statements are done", ("ReadyForQuery",)),
    State("extended query", "Parse, Bind, Describe, Execute, Close", "each has its answer, in their order", ("the answer to each", "ErrorResponse")),
    State("skipped until Sync", "ErrorResponse to a message of the extended protocol", "what the client sent has no answer, a Query neither",
          ("Sync, answered ReadyForQuery",)),
    State("COPY IN", "CopyInResponse", "CopyData of the client; the server ignores its Sync and Flush",
          ("CopyDone, answered CommandComplete", "CopyFail, answered ErrorResponse", "ErrorResponse: what more of the data comes is dropped")),
    State("COPY OUT", "CopyOutResponse", "CopyData of the server", ("CopyDone and CommandComplete", "ErrorResponse")),
    State("COPY BOTH", "CopyBothResponse, of START_REPLICATION", "CopyData of both sides",
          ("CopyDone of both sides, and CommandComplete", "ErrorResponse")),
    State("suspended portal", "PortalSuspended", "the next Execute of the portal goes on", ("Execute, answered CommandComplete",)),
    State("cancel", "CancelRequest", "nothing: the server closes", UNTIL_CLOSE),
    State("over", "Terminate", "nothing", UNTIL_CLOSE),
)  # fmt: skip
"""What docs/protocol-states.md says of PostgreSQL. Notices, notifications and settings (N, A, S) come in every state and answer nothing."""

"""The socket that asks for time stamps."""

import socket

from pcapdig.tracer.packet_times import SO_TIMESTAMPNS, ask_for_packet_times


def test_it_asks_and_stays_unbound() -> None:
    """The option is set, no port is taken."""
    asking = ask_for_packet_times()
    assert asking is not None
    with asking:
        assert asking.getsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS) == 1
        assert asking.getsockname()[1] == 0

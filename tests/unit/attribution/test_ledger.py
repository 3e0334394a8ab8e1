"""The ledger: which process owned which end of a packet, told as short stories of events and packets."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcapdig.attribution._ledger import Ledger

BOUND, HELD, WRITER, READER, LISTENING, CLOSED = 1, 2, 3, 4, 5, 6
HAS_PROCESS, HAS_SEQ, WALL_CLOCK, PASSIVE = 1, 2, 4, 8
SOCKET, SNAPSHOT, LISTENER, PROCFS = 1, 2, 3, 4
REMOTE, NAMED, KERNEL, UNKNOWN = 0, 1, 2, 3
TCP, UDP, ICMP = 6, 17, 1
SYN, RST, PUSH_ACK, SYN_ACK = 0x02, 0x04, 0x18, 0x12
OWN, OTHER = 4026531840, 4026532999
CLIENT = ("127.0.0.1", 40001)
SERVER = ("127.0.0.1", 80)
ANY = ("0.0.0.0", 80)
MS = 10**6
"""Stories are told in ms, so that the clocks' slack does not blur them."""


def mapped(text: str) -> bytes:
    address = ipaddress.ip_address(text)
    return b"\0" * 10 + b"\xff\xff" + address.packed if address.version == 4 else address.packed


def event(kind, time, cookie, local, remote=("0.0.0.0", 0), pid=None, *, protocol=TCP, flags=0, seq=None, previous=0,
          netns=OWN, evidence=SOCKET, comm=b"proc"):
    """One socket_event, 120 bytes; time and previous in ms."""
    time, previous = time * MS, previous * MS
    flags |= (HAS_PROCESS if pid else 0) | (HAS_SEQ if seq is not None else 0)
    return (
        struct.pack("=HHIQ", kind, 120, 1, time)
        + struct.pack("=QQIIHHBBBB16s16s", cookie, previous, netns, seq or 0, local[1], remote[1], protocol, flags, evidence, 2,
                      mapped(local[0]), mapped(remote[0]))
        + struct.pack("=IIIIQ16s", pid or 0, pid or 0, 0, 0, 5 * (pid or 0), comm)
    )


class Story:
    """A ledger, and packets asked of it by name of the process ("p7") or of the state."""

    def __init__(self, *events, **options):
        self.ledger = Ledger(own_netns=OWN, **options)
        self.ledger.set_addresses([mapped("192.168.7.1")])
        self.happens(*events)

    def happens(self, *events):
        self.ledger.apply(b"".join(events), 0)

    def packet(self, time, source, destination, flags=PUSH_ACK, *, protocol=TCP, seq=0, length=10, loopback=True, **ip):
        ends = self.ledger.owners(
            protocol=protocol, source=mapped(source[0]), source_port=source[1], destination=mapped(destination[0]),
            destination_port=destination[1], time_ns=time * MS, tcp_flags=flags, seq=seq, payload_length=length, loopback=loopback, **ip,
        )
        self.evidence = tuple(end[2] for end in ends)
        states = {REMOTE: "remote", KERNEL: "kernel", UNKNOWN: "unknown"}
        return tuple(f"p{self.ledger.process(end[0])['tgid']}" if end[3] == NAMED else states[end[3]] for end in ends)


def accepted(cookie=2, time=130, pid=20):
    """A server's socket as the kernel tells of it: bound in softirq, owned at its first read."""
    return (
        event(BOUND, time, cookie, SERVER, CLIENT, flags=PASSIVE),
        event(HELD, time + 50, cookie, SERVER, CLIENT, pid),
    )


def connected(cookie=1, time=99, pid=10):
    """A client's socket, announced just before its SYN is captured."""
    return (event(BOUND, time, cookie, CLIENT, SERVER, pid),)


# -- what is refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [1, 15, 16, 119])
def test_a_cut_event_is_refused(cut):
    """A socket event that ends early is an error, not a shorter event."""
    with pytest.raises(ValueError, match="cut"):
        Ledger().apply(event(HELD, 1, 1, SERVER, CLIENT, 7)[:cut], 0)


@pytest.mark.parametrize("head", [struct.pack("=HHIQ", 9, 120, 1, 0), struct.pack("=HHIQ", 2, 119, 1, 0), struct.pack("=HHIQ", 2, 120, 2, 0)])
def test_a_foreign_event_is_refused(head):
    """Another kind, size or version is an error."""
    with pytest.raises(ValueError, match="not a socket event"):
        Ledger().apply(head + bytes(104), 0)


def test_an_address_has_sixteen_bytes():
    """Short addresses are refused."""
    with pytest.raises(ValueError, match="16 expected"):
        Ledger().set_addresses([b"\x7f\0\0\1"])


def test_an_unknown_process_index_is_refused():
    """Only indexes that were given out can be asked for."""
    with pytest.raises(IndexError):
        Ledger().process(0)


# -- TCP -----------------------------------------------------------------------------------------------------------------


def test_both_ends_of_a_connection_are_named_from_its_first_packet():
    """SYN, SYN+ACK and data of a loopback connection: each end its own process, though the accept came later."""
    story = Story(*connected(), *accepted())
    assert story.packet(100, CLIENT, SERVER, SYN, length=0) == ("p10", "p20")
    assert story.packet(110, SERVER, CLIENT, SYN_ACK, length=0) == ("p20", "p10")
    assert story.packet(140, CLIENT, SERVER) == ("p10", "p20")
    assert story.evidence == (SOCKET, SOCKET)


def test_never_accepted_is_the_listeners():
    """A connection that no process ever took belongs to the listening socket's holder, and says so."""
    story = Story(event(LISTENING, 5, 9, ANY, pid=33), *connected(), event(BOUND, 130, 2, SERVER, CLIENT, flags=PASSIVE))
    assert story.packet(100, CLIENT, SERVER, SYN) == ("p10", "p33")
    assert story.evidence == (SOCKET, LISTENER)
    assert story.packet(140, CLIENT, SERVER) == ("p10", "p33")


def test_a_dual_stack_listener_takes_ipv4():
    """A listener on :: holds connections whose packets are IPv4."""
    story = Story(event(LISTENING, 5, 9, ("::", 80), pid=33), *connected())
    assert story.packet(100, CLIENT, SERVER, SYN) == ("p10", "p33")


def test_a_refused_connection_has_one_owner():
    """Nobody listens: the SYN's sender is named, the RST is the kernel's."""
    story = Story(*connected(), event(CLOSED, 120, 1, CLIENT, SERVER))
    assert story.packet(100, CLIENT, SERVER, SYN) == ("p10", "kernel")
    assert story.packet(110, SERVER, CLIENT, RST) == ("kernel", "p10")


def test_without_a_whole_tracer_nothing_is_the_kernels():
    """A tracer that misses sockets cannot say that there was none."""
    story = Story(*connected(), complete=False)
    assert story.packet(100, CLIENT, SERVER, SYN) == ("p10", "unknown")


def test_a_listener_does_not_own_stray_segments():
    """Data for a connection whose socket was never told of is not given to the port's listener."""
    story = Story(event(LISTENING, 5, 9, ANY, pid=33))
    assert story.packet(100, CLIENT, SERVER) == ("unknown", "unknown")


def test_port_reuse_belongs_to_the_connection_of_its_syn():
    """The same addresses twice: each connection has its own owners, also for the SYN of the second."""
    story = Story(*connected(1, 99, 10), *accepted(2, 130, 20), event(CLOSED, 300, 1, CLIENT, SERVER), event(CLOSED, 310, 2, SERVER, CLIENT),
                  *connected(3, 499, 11), *accepted(4, 530, 21))
    assert story.packet(100, CLIENT, SERVER, SYN, seq=5) == ("p10", "p20")
    assert story.packet(305, SERVER, CLIENT) == ("p20", "p10")
    assert story.packet(400, SERVER, CLIENT) == ("p20", "p10")
    assert story.packet(500, CLIENT, SERVER, SYN, seq=9) == ("p11", "p21")
    assert story.packet(540, SERVER, CLIENT) == ("p21", "p11")


def test_a_retransmitted_syn_starts_nothing():
    """The same SYN again, after the connection was made, still belongs to it."""
    story = Story(*connected(), *accepted())
    story.packet(100, CLIENT, SERVER, SYN, seq=5)
    assert story.packet(400, CLIENT, SERVER, SYN, seq=5) == ("p10", "p20")


def test_a_passed_socket_changes_owner_at_a_sequence_number():
    """From seq 1000 on the bytes are another writer's, whatever the packets' times; retransmissions stay with the first."""
    story = Story(*connected(), event(WRITER, 700, 1, CLIENT, SERVER, 11, seq=1000))
    assert story.packet(650, CLIENT, SERVER, seq=1000)[0] == "p11"
    assert story.packet(800, CLIENT, SERVER, seq=999)[0] == "p10"
    assert story.packet(900, CLIENT, SERVER, seq=5000)[0] == "p11"
    assert story.packet(600, SERVER, CLIENT)[1] == "p10"


def test_an_empty_segment_at_the_change_goes_by_time():
    """An acknowledgement has no byte of its own."""
    story = Story(*connected(), event(WRITER, 700, 1, CLIENT, SERVER, 11, seq=1000))
    assert story.packet(650, CLIENT, SERVER, seq=1000, length=0)[0] == "p10"
    assert story.packet(750, CLIENT, SERVER, seq=1000, length=0)[0] == "p11"


def test_sequence_numbers_wrap():
    """A change just before 2^32 holds after it, and still holds 3 GiB later."""
    story = Story(*connected(), event(WRITER, 700, 1, CLIENT, SERVER, 11, seq=0xFFFFFF00))
    assert story.packet(600, CLIENT, SERVER, seq=0xFFFFFE00)[0] == "p10"
    for step in range(12):
        assert story.packet(800 + step, CLIENT, SERVER, seq=(0x100 + step * 0x10000000) & 0xFFFFFFFF)[0] == "p11"


def test_readers_and_writers_are_apart():
    """One process reads what comes, another writes what goes."""
    story = Story(*connected(), *accepted(), event(WRITER, 700, 2, SERVER, CLIENT, 21, seq=50))
    assert story.packet(800, SERVER, CLIENT, seq=50) == ("p21", "p10")
    assert story.packet(810, CLIENT, SERVER, seq=9000) == ("p10", "p20")


def test_many_changes_of_hands_keep_the_latest():
    """A socket shared by workers: memory is bounded, the owner still right."""
    story = Story(*connected(), *(event(WRITER, 1000 + i, 1, CLIENT, SERVER, 100 + i, seq=10 * i) for i in range(500)))
    assert story.packet(9000, CLIENT, SERVER, seq=4990)[0] == "p599"
    assert story.packet(9000, CLIENT, SERVER, seq=4985)[0] == "p598"


# -- UDP and ICMP --------------------------------------------------------------------------------------------------------


def test_udp_ends_are_bound_per_peer():
    """Two sockets of a SO_REUSEPORT group: each peer's datagrams went to the socket that took them."""
    peer, other = ("127.0.0.1", 5001), ("127.0.0.1", 5002)
    port = ("127.0.0.1", 53)
    story = Story(event(BOUND, 100, 1, port, peer, 71, protocol=UDP), event(BOUND, 101, 2, port, other, 72, protocol=UDP))
    assert story.packet(110, peer, port, protocol=UDP)[1] == "p71"
    assert story.packet(110, other, port, protocol=UDP)[1] == "p72"
    assert story.packet(110, ("127.0.0.1", 5003), port, protocol=UDP)[1] == "unknown", "two holders of the port: not known which"


def test_a_wildcard_udp_socket_owns_its_port_here_only():
    """Port 53 on the wildcard address is ours at our addresses, not at a remote server's."""
    story = Story(event(HELD, 10, 1, ("0.0.0.0", 53), pid=71, protocol=UDP))
    assert story.packet(100, ("192.168.7.9", 999), ("192.168.7.1", 53), protocol=UDP, loopback=False) == ("remote", "p71")
    assert story.packet(100, ("192.168.7.1", 999), ("8.8.8.8", 53), protocol=UDP, loopback=False) == ("unknown", "remote")


def test_the_udp_reader_after_the_last_read_of_the_one_before():
    """A datagram that came after the old reader's last read is the new reader's, though its read came later."""
    port, peer = ("127.0.0.1", 53), ("127.0.0.1", 5001)
    story = Story(event(BOUND, 100, 1, port, peer, 71, protocol=UDP), event(READER, 500, 1, port, peer, 72, protocol=UDP, previous=300))
    assert story.packet(250, peer, port, protocol=UDP)[1] == "p71"
    assert story.packet(350, peer, port, protocol=UDP)[1] == "p72"


def test_a_received_datagram_carries_its_own_time():
    """An event stamped with the packet's wall-clock time is not moved by the boot offset."""
    port, peer = ("127.0.0.1", 53), ("127.0.0.1", 5001)
    story = Story()
    old = event(BOUND, 100, 1, port, peer, 71, protocol=UDP, flags=WALL_CLOCK)
    new = event(BOUND, 200, 2, port, peer, 72, protocol=UDP, flags=WALL_CLOCK)
    story.ledger.apply(old + new + event(CLOSED, 190 - 50, 1, port, peer, protocol=UDP), 50 * MS)
    assert story.packet(150, peer, port, protocol=UDP)[1] == "p71"
    assert story.packet(200 + 10, peer, port, protocol=UDP)[1] == "p72"


def test_tcp_and_udp_on_one_port_are_apart():
    """The protocol is part of the key."""
    story = Story(event(LISTENING, 5, 9, ANY, pid=33), event(HELD, 5, 8, ANY, pid=44, protocol=UDP))
    assert story.packet(100, CLIENT, SERVER, protocol=UDP)[1] == "p44"
    assert story.packet(100, CLIENT, SERVER, SYN)[1] == "p33"


def test_ping_is_its_process_and_the_answer_the_kernels():
    """Echo request and reply by identifier; nobody sends the reply."""
    story = Story(event(BOUND, 90, 1, ("127.0.0.1", 77), ("127.0.0.2", 0), 12, protocol=ICMP))
    assert story.packet(100, ("127.0.0.1", 77), ("127.0.0.2", 0), protocol=ICMP) == ("p12", "kernel")
    assert story.packet(110, ("127.0.0.2", 0), ("127.0.0.1", 77), protocol=ICMP) == ("kernel", "p12")


def test_later_fragments_follow_the_first():
    """Without ports, the identification tells the datagram; another one, or one much later, tells nothing."""
    peer, port = ("127.0.0.1", 5001), ("127.0.0.1", 53)
    story = Story(event(BOUND, 100, 1, port, peer, 71, protocol=UDP))
    assert story.packet(110, peer, port, protocol=UDP, ip_id=9) == ("unknown", "p71")
    later = {"protocol": UDP, "later_fragment": True}
    assert story.packet(111, (peer[0], 0), (port[0], 0), ip_id=9, **later) == ("unknown", "p71")
    assert story.packet(111, (peer[0], 0), (port[0], 0), ip_id=9 + 1024, **later) == ("unknown", "unknown")
    assert story.packet(2000, (peer[0], 0), (port[0], 0), ip_id=9, **later) == ("unknown", "unknown")


# -- namespaces, forgetting ----------------------------------------------------------------------------------------------


def test_a_containers_socket_is_found_off_loopback_only():
    """Another namespace's socket owns packets seen on a bridge, never those of our own loopback."""
    inside, outside = ("10.9.0.2", 80), ("10.9.0.1", 4000)
    story = Story(event(HELD, 10, 1, inside, outside, 50, netns=OTHER), event(HELD, 10, 2, SERVER, CLIENT, 51, netns=OTHER))
    assert story.packet(100, outside, inside, loopback=False)[1] == "p50"
    assert story.packet(100, CLIENT, SERVER)[1] == "unknown"


def test_two_namespaces_with_the_same_addresses_are_not_guessed():
    """The same addresses in two other namespaces: no name."""
    inside, outside = ("10.9.0.2", 80), ("10.9.0.1", 4000)
    story = Story(event(HELD, 10, 1, inside, outside, 50, netns=OTHER), event(HELD, 10, 2, inside, outside, 51, netns=OTHER + 1))
    assert story.packet(100, outside, inside, loopback=False)[1] == "unknown"


def test_closed_sockets_are_forgotten_in_the_end():
    """After time-wait nothing is left of a closed socket; open ones stay."""
    story = Story(*connected(), *accepted(), event(CLOSED, 1000, 1, CLIENT, SERVER))
    story.ledger.forget_before((1000 + 59_000) * MS)
    assert story.ledger.sizes["sockets"] == 2
    story.ledger.forget_before((1000 + 61_000) * MS)
    assert story.ledger.sizes == {"sockets": 1, "tuples": 1, "processes": 2}
    assert story.packet(62_000, SERVER, CLIENT) == ("p20", "unknown")


def test_an_execve_makes_another_process_record():
    """The same pid with another comm is told apart; the same identity is one record."""
    story = Story(*connected(1, 99, 10), event(HELD, 5, 7, ("127.0.0.1", 1), ("127.0.0.1", 2), 10, comm=b"other"), *connected(8, 99, 10))
    assert [story.ledger.process(i)["comm"] for i in range(story.ledger.process_count)] == [b"proc", b"other"]


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 5), st.booleans()), max_size=300))
def test_tables_survive_any_order_of_making_and_forgetting(steps):
    """Open-addressing tables against a plain dict: what is open is found with its owner, what is forgotten is gone."""
    ledger = Ledger(own_netns=OWN, complete=True)
    alive: dict[int, int] = {}
    time, cookie_of, next_cookie = 1000, {}, 1
    for port, pid, close in steps:
        time += 100_000
        local, remote = ("10.0.0.1", port), ("10.0.0.2", 9)
        if close and port in alive:
            ledger.apply(event(CLOSED, time, cookie_of[port], local, remote), 0)
            del alive[port]
        elif port not in alive:
            cookie_of[port], alive[port] = next_cookie, pid + 1
            ledger.apply(event(HELD, time, next_cookie, local, remote, pid + 1), 0)
            next_cookie += 1
        ledger.forget_before((time + 61_000) * MS)
    assert ledger.sizes["sockets"] == len(alive)
    for port in range(1, 61):
        sender, _ = ledger.owners(protocol=TCP, source=mapped("10.0.0.1"), source_port=port, destination=mapped("10.0.0.2"),
                                  destination_port=9, time_ns=(time + 1000) * MS)
        assert (sender[3] == NAMED) == (port in alive)
        if port in alive:
            assert ledger.process(sender[0])["tgid"] == alive[port]

"""fd.*: the connection (flow) a packet belongs to. Client and server are decided in trace/, from SYN, listeners, what is said, or who spoke first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pcapdig.filters import values
from pcapdig.filters.fields import Field, FieldType
from pcapdig.filters.values import Addresses, Bools, Choices, Column, Index, Numbers, Texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from pcapdig.trace.flows import Flows
    from pcapdig.trace.rows import Rows

_PROTOCOLS = {
    1: "icmp", 2: "igmp", 4: "ipip", 6: "tcp", 17: "udp", 33: "dccp", 41: "ipv6", 47: "gre", 50: "esp", 51: "ah", 58: "icmp6",
    89: "ospf", 103: "pim", 112: "vrrp", 132: "sctp", 136: "udplite",
}  # fmt: skip
"""Source: IANA Protocol Numbers. Those not listed are shown as `ip-proto-N`."""
_PROTOCOL_NAMES = tuple(_PROTOCOLS.get(number, f"ip-proto-{number}") for number in range(256))
_WITH_PORTS = (6, 17)
"""The protocols whose ports packets/ reads. An ICMP identifier is no port."""


def _name(flows: Flows, index: Index) -> Texts:
    return Texts([flows.name(i) for i in _positions(flows, index)])


def _positions(flows: Flows, index: Index) -> list[int]:
    return list(range(len(flows))[index]) if isinstance(index, slice) else index.tolist()


def _type(flows: Flows, index: Index) -> Choices:
    return Choices(_is_ipv6(flows, index).astype(np.int8), ("ipv4", "ipv6"))


def _type_letter(flows: Flows, index: Index) -> Choices:
    return Choices(_is_ipv6(flows, index).astype(np.int8), ("4", "6"))


def _is_ipv6(flows: Flows, index: Index) -> Bools:
    return np.equal(flows.family[index], 6)


def _socket_family(flows: Flows, index: Index) -> Choices:
    return Choices(np.zeros(len(flows.family[index]), dtype=np.int8), ("ip",))


def _protocol(flows: Flows, index: Index) -> Choices:
    return Choices(flows.protocol[index].astype(np.int16), _PROTOCOL_NAMES)


def _client(flows: Flows, index: Index) -> Addresses:
    return Addresses(flows.client[index])


def _client_name(flows: Flows, index: Index) -> Texts:
    return Texts([flows.names.get(address.tobytes()) for address in flows.client[index]])


def _server_name(flows: Flows, index: Index) -> Texts:
    return Texts([flows.names.get(address.tobytes()) for address in flows.server[index]])


def _server(flows: Flows, index: Index) -> Addresses:
    return Addresses(flows.server[index])


def _client_port(flows: Flows, index: Index) -> Numbers:
    return values.numbers(flows.client_port[index], np.isin(flows.protocol[index], _WITH_PORTS))


def _server_port(flows: Flows, index: Index) -> Numbers:
    return values.numbers(flows.server_port[index], np.isin(flows.protocol[index], _WITH_PORTS))


def _is_server(rows: Rows, index: Index) -> values.Flags:
    return values.Flags(~rows.is_client[index], rows.flow[index] >= 0)


def _container_name(rows: Rows, index: Index) -> values.Texts:
    processes, flows = rows.trace.processes, rows.trace.flows
    ends = zip(rows.process[index].tolist(), rows.flow[index].tolist(), strict=True)
    ids = ((processes[process].container_id if process >= 0 else None, flow) for process, flow in ends)
    return values.Texts([f"{found}:{flows.name(flow)}" if found and flow >= 0 else None for found, flow in ids])


def _flow(name: str, kind: FieldType, column: Callable[[Flows, Index], Column], meaning: str) -> Field:
    is_net = kind is FieldType.NETWORK
    return Field(name=name, type=kind, domain="flow", help=meaning, of_flows=column, filter_only=is_net)


def _end(name: str, ends: tuple[Field, Field], meaning: str) -> Field:
    return Field(name=name, type=ends[0].type, domain="end", help=meaning, ends=ends, filter_only=ends[0].filter_only)


def _either(name: str, either: tuple[Field, Field], meaning: str) -> Field:
    return Field(name=name, type=either[0].type, domain="flow", help=meaning, either=either, filter_only=True)


_ADDRESS, _NETWORK, _PORT = FieldType.ADDRESS, FieldType.NETWORK, FieldType.PORT

_CIP = _flow("fd.cip", _ADDRESS, _client, "client's IP address.")
_SIP = _flow("fd.sip", _ADDRESS, _server, "server's IP address.")
_CPORT = _flow("fd.cport", _PORT, _client_port, "client's port, for TCP and UDP. A filter may name a service.")
_SPORT = _flow("fd.sport", _PORT, _server_port, "server's port, for TCP and UDP. A filter may name a service.")
_CNET = _flow("fd.cnet", _NETWORK, _client, "client's address is in the network ADDRESS/BITS.")
_SNET = _flow("fd.snet", _NETWORK, _server, "server's address is in the network ADDRESS/BITS.")
_CPROTO = _flow("fd.cproto", _PORT, _client_port, "the same as fd.cport.")
_SPROTO = _flow("fd.sproto", _PORT, _server_port, "the same as fd.sport.")
_FROM_FILE = "as a name resolution block of the file before the packet gives it; nothing is looked up."
_CNAME = _flow("fd.cip.name", FieldType.TEXT, _client_name, f"name of the client's address, {_FROM_FILE}")
_SNAME = _flow("fd.sip.name", FieldType.TEXT, _server_name, f"name of the server's address, {_FROM_FILE}")

FD = (
    _flow("fd.type", FieldType.TEXT, _type, "'ipv4' or 'ipv6'."),
    _flow("fd.typechar", FieldType.TEXT, _type_letter, "'4' for IPv4, '6' for IPv6."),
    _flow(
        "fd.name",
        FieldType.TEXT,
        _name,
        "the connection, client first whoever sends: 1.2.3.4:5555->5.6.7.8:80, without ports where the protocol has none.",
    ),
    _either("fd.ip", (_CIP, _SIP), "client's or server's IP address; with != neither is this one."),
    _CIP,
    _SIP,
    _end("fd.lip", (_CIP, _SIP), "local IP address: that of the end this event was seen at."),
    _end("fd.rip", (_SIP, _CIP), "remote IP address: that of the other end."),
    _CNAME,
    _SNAME,
    _end("fd.lip.name", (_CNAME, _SNAME), "name of the local address, as fd.cip.name."),
    _end("fd.rip.name", (_SNAME, _CNAME), "name of the remote address, as fd.cip.name."),
    _either("fd.port", (_CPORT, _SPORT), "client's or server's port; with != neither is this one."),
    _CPORT,
    _SPORT,
    _end("fd.lport", (_CPORT, _SPORT), "local port: that of the end this event was seen at."),
    _end("fd.rport", (_SPORT, _CPORT), "remote port: that of the other end."),
    _either("fd.net", (_CNET, _SNET), "client or server is in the network ADDRESS/BITS; with != neither is."),
    _CNET,
    _SNET,
    _end("fd.lnet", (_CNET, _SNET), "the local address is in the network ADDRESS/BITS."),
    _end("fd.rnet", (_SNET, _CNET), "the remote address is in the network ADDRESS/BITS."),
    _either("fd.proto", (_CPROTO, _SPROTO), "the same as fd.port."),
    _CPROTO,
    _SPROTO,
    _end("fd.lproto", (_CPROTO, _SPROTO), "the same as fd.lport."),
    _end("fd.rproto", (_SPROTO, _CPROTO), "the same as fd.rport."),
    _flow(
        "fd.l4proto",
        FieldType.TEXT,
        _protocol,
        "what IP carries: 'tcp', 'udp', 'icmp', 'icmp6' or another of IANA's, in lower case; 'ip-proto-N' for the rare ones.",
    ),
    _flow("fd.sockfamily", FieldType.TEXT, _socket_family, "'ip'."),
    Field(
        name="fd.containername",
        type=FieldType.TEXT,
        domain="event",
        help="container.id, a colon and fd.name.",
        of_rows=_container_name,
        costly=True,
    ),
    Field(
        name="fd.is_server",
        type=FieldType.BOOL,
        domain="event",
        help="true if this event was seen at the server's end: its process owns the server's socket.",
        of_rows=_is_server,
    ),
)

"""A zone with a record of each kind, as its server was given it: what a log has to say of each.

Names are without the final dot, as pcapdig shows them; `ZONE` is the file, where they have one.
"""

from __future__ import annotations

RECORDS = (
    ("a", "A", "192.0.2.7"),
    ("aaaa", "AAAA", "2001:db8::7"),
    ("alias", "CNAME", "a.example.test"),
    ("all", "DNAME", "other.test"),
    ("mx", "MX", "10 mail.example.test"),
    ("txt", "TXT", '"v=spf1 -all" "second \\"part\\""'),
    ("srv", "SRV", "1 2 389 ldap.example.test"),
    ("hinfo", "HINFO", '"VAX" "UNIX"'),
    ("rp", "RP", "who.example.test txt.example.test"),
    ("naptr", "NAPTR", '100 50 "s" "z3950+I2L+I2C" "!^.*$!x!" _z3950._tcp.example.test'),
    ("loc", "LOC", "42 21 54.000 N 71 6 18.000 W -24.00m 30m 10000m 10m"),
    ("ds", "DS", "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"),
    ("sshfp", "SSHFP", "2 1 123456789ABCDEF67890123456789ABCDEF67890"),
    ("tlsa", "TLSA", "3 1 1 0D6FCE13243AA7EDB2E1A6F2B0D5D6C29A2C2C0E7A93D85C2E1A6F2B0D5D6C29"),
    ("caa", "CAA", '0 issue "ca.example.net; policy=ev"'),
    ("uri", "URI", '10 1 "ftp://ftp1.example.com/public"'),
    ("eui48", "EUI48", "00-00-5e-00-53-2a"),
    ("eui64", "EUI64", "00-00-5e-ef-10-00-00-2a"),
    (
        "dnskey",
        "DNSKEY",
        "256 3 8 AwEAAaetidLzsKWUt4swWR8yu0wPHPiUi8LUsAD0QPWU+wzt89epO6tHzkMBVDkC7qphQO2hTY4hHn9npWFRw5BYubE=",
    ),
    ("nsec3param", "NSEC3PARAM", "1 0 10 AABBCCDD"),
    ("svcb", "SVCB", "1 foo.example.test port=8443"),
    ("svcb0", "SVCB", "0 foo.example.test"),
    ("https", "HTTPS", '1 . alpn="h2,h3" ipv4hint=192.0.2.1,192.0.2.2 ech=AEX+DQA= ipv6hint=2001:db8::1'),
    ("https2", "HTTPS", '16 foo.example.test mandatory=alpn,port alpn="h2" no-default-alpn port=443 key667="hello"'),
    ("unknown", "TYPE1234", "\\# 4 c0000201"),
)
"""(name below example.test, type, text)."""
_DOTTED = {"CNAME", "DNAME", "MX", "SRV", "RP", "NAPTR", "SVCB", "HTTPS"}


def _line(name: str, kind: str, text: str) -> str:
    """A line of the zone file."""
    words = text.split(" ")
    if kind in _DOTTED:
        words = [f"{word}." if word.endswith(".test") else word for word in words]
    return f"{name} {kind} {' '.join(words)}"


SOA = "ns.example.test root.example.test %d 3600 600 86400 300"
ZONE = "\n".join(
    (
        "$TTL 300",
        "$ORIGIN example.test.",
        "@ SOA ns.example.test. root.example.test. 1 3600 600 86400 300",
        "@ NS ns.example.test.",
        "ns A 127.0.0.1",
        *(_line(*record) for record in RECORDS),
        "",
    )
)

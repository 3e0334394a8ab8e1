"""Mail, news, FTP, LDAP and telnet: no pairs, but logins, which may stand where a state says that they are none."""

from __future__ import annotations

from typing import Any

from played.scenario import Scenario


def summary(record: Any) -> tuple[str, str]:
    """`smtp AUTH PLAIN`, `a b`."""
    return f"{record.protocol} {record.method}", f"{(record.user or b'').decode()} {record.secret.decode()}"


SMTP, POP, IMAP, FTP, NEWS = (
    ("s", line) for line in (b"220 x\r\n", b"+OK x\r\n", b"* OK x\r\n", b"220 x\r\n", b"200 x\r\n")
)
PLAIN = ("c", b"AUTH PLAIN AGEAYg==\r\n")
IN_SMTP, IN_POP, IN_IMAP, IN_FTP, IN_NEWS = (
    "smtp AUTH PLAIN = a b",
    "pop3 USER/PASS = a b",
    "imap LOGIN = a b",
    "ftp USER/PASS = a b",
    "nntp AUTHINFO = a b",
)
LOGIN = (("c", b"USER a\r\n"), ("s", b"331 x\r\n"), ("c", b"PASS b\r\n"))
FALSE = b"USER x\r\nPASS y\r\nAUTH PLAIN AHgAeQ==\r\n"
REFUSED, AGREED = "a refusal: it goes on in clear", "agreement"

MAIL = (
    Scenario("upgrade", REFUSED, (SMTP, ("c", b"STARTTLS\r\n"), ("s", b"454 no\r\n"), PLAIN), (IN_SMTP,)),
    Scenario("upgrade", REFUSED, (FTP, ("c", b"AUTH TLS\r\n"), ("s", b"502 no\r\n"), *LOGIN), (IN_FTP,)),
    Scenario(
        "upgrade",
        REFUSED,
        (IMAP, ("c", b"a STARTTLS\r\n"), ("s", b"a BAD no\r\n"), ("c", b"b LOGIN a b\r\n")),
        (IN_IMAP,),
    ),
    Scenario(
        "upgrade", REFUSED, (POP, ("c", b"STLS\r\n"), ("s", b"-ERR no\r\n"), ("c", b"USER a\r\nPASS b\r\n")), (IN_POP,)
    ),
    Scenario("upgrade", AGREED, (SMTP, ("c", b"STARTTLS\r\n"), ("s", b"220 go\r\n"), ("c", FALSE)), ()),
    Scenario("upgrade", AGREED, (FTP, ("c", b"AUTH TLS\r\n"), ("s", b"234 go\r\n"), ("c", FALSE)), ()),
    Scenario("upgrade", AGREED, (POP, ("c", b"STLS\r\n"), ("s", b"+OK go\r\n"), ("c", FALSE)), ()),
    Scenario("upgrade", AGREED, (IMAP, ("c", b"a STARTTLS\r\n"), ("s", b"a OK go\r\n"), ("c", b"b LOGIN x y\r\n")), ()),
    Scenario(
        "upgrade",
        AGREED,
        (IMAP, ("c", b"a COMPRESS DEFLATE\r\n"), ("s", b"a OK go\r\n"), ("c", b"b LOGIN x y\r\n")),
        (),
    ),
    Scenario("encryption", "connection closes", (SMTP, ("c", b"STARTTLS\r\n"), ("c", b"\x16\x03\x01\0\5" + FALSE)), ()),
    Scenario(
        "exchange",
        "the last response",
        (
            SMTP,
            ("c", b"AUTH LOGIN\r\n"),
            ("s", b"334 VXNlcm5hbWU6\r\n"),
            ("c", b"YQ==\r\n"),
            ("s", b"334 UGFzc3dvcmQ6\r\n"),
            ("c", b"Yg==\r\n"),
            ("s", b"235 ok\r\n"),
        ),
        ("smtp AUTH LOGIN = a b",),
    ),
    Scenario(
        "exchange",
        "* gives up",
        (SMTP, ("c", b"AUTH LOGIN\r\n"), ("s", b"334 VXNlcm5hbWU6\r\n"), ("c", b"*\r\n"), ("s", b"501 ok\r\n"), PLAIN),
        (IN_SMTP,),
    ),
    Scenario(
        "exchange",
        "* gives up",
        (
            IMAP,
            ("c", b"a AUTHENTICATE PLAIN\r\n"),
            ("s", b"+ \r\n"),
            ("c", b"*\r\n"),
            ("s", b"a BAD ok\r\n"),
            ("c", b"b LOGIN a b\r\n"),
        ),
        (IN_IMAP,),
    ),
    Scenario(
        "exchange",
        "an answer that asks for no more",
        (SMTP, ("c", b"AUTH LOGIN\r\n"), ("s", b"504 no\r\n"), PLAIN),
        (IN_SMTP,),
    ),
    Scenario(
        "message",
        "a line with a dot alone",
        (
            SMTP,
            ("c", b"DATA\r\n"),
            ("s", b"354 go\r\n"),
            ("c", FALSE + b"..\r\n.\r\n"),
            ("s", b"250 a\r\n250 b\r\n"),
            ("c", b"RSET\r\n"),
            ("s", b"250 x\r\n"),
            PLAIN,
        ),
        (IN_SMTP,),
    ),
    Scenario("message", "a line with a dot alone", (SMTP, ("c", b"DATA\r\n"), ("s", b"503 no\r\n"), PLAIN), (IN_SMTP,)),
    Scenario(
        "chunk",
        "n bytes, whatever the server answers",
        (SMTP, ("c", b"BDAT %d\r\n" % len(FALSE) + FALSE), ("s", b"503 no\r\n"), PLAIN),
        (IN_SMTP,),
    ),
    Scenario(
        "chunk",
        "LAST is a chunk too",
        (SMTP, ("c", b"BDAT 3\r\n\r\n.BDAT %d LAST\r\n" % len(FALSE) + FALSE), ("s", b"250 x\r\n250 x\r\n"), PLAIN),
        (IN_SMTP,),
    ),
    Scenario(
        "article",
        "a line with a dot alone",
        (
            NEWS,
            ("c", b"POST\r\n"),
            ("s", b"340 go\r\n"),
            ("c", FALSE + b"AUTHINFO PASS z\r\n.\r\n"),
            ("s", b"240 x\r\n"),
            ("c", b"AUTHINFO USER a\r\n"),
            ("s", b"381 x\r\n"),
            ("c", b"AUTHINFO PASS b\r\n"),
        ),
        (IN_NEWS,),
    ),
    Scenario(
        "article",
        "a line with a dot alone",
        (NEWS, ("c", b"POST\r\n"), ("s", b"440 no\r\n"), ("c", b"AUTHINFO USER a\r\nAUTHINFO PASS b\r\n")),
        (IN_NEWS,),
    ),
    Scenario(
        "literal",
        "n bytes, then the line goes on",
        (
            IMAP,
            ("c", b"a APPEND in {%d}\r\n" % len(FALSE)),
            ("s", b"+ go\r\n"),
            ("c", FALSE + b"\r\n"),
            ("s", b"a OK x\r\n"),
            ("c", b"b LOGIN {1+}\r\na {1+}\r\nb\r\n"),
        ),
        (IN_IMAP,),
    ),
    Scenario(
        "literal",
        "n bytes, then the line goes on",
        (
            IMAP,
            ("c", b"a IDLE\r\n"),
            ("s", b"+ idling\r\n"),
            ("s", b"* 3 EXISTS\r\n"),
            ("c", b"DONE\r\nb LOGIN a b\r\n"),
        ),
        (IN_IMAP,),
    ),
    Scenario(
        "literal",
        "an answer without +: it was refused",
        (IMAP, ("c", b"a APPEND in {99999}\r\n"), ("s", b"a NO too large\r\n"), ("c", b"b LOGIN a b\r\n")),
        (IN_IMAP,),
    ),
    Scenario("user", "PASS", (FTP, *LOGIN), (IN_FTP,)),
    Scenario(
        "user",
        "REIN",
        (FTP, ("c", b"USER x\r\n"), ("s", b"331 x\r\n"), ("c", b"REIN\r\n"), ("s", b"220 x\r\n"), *LOGIN),
        (IN_FTP,),
    ),
    Scenario(
        "user",
        "another USER",
        (
            POP,
            ("c", b"USER x\r\n"),
            ("s", b"+OK\r\n"),
            ("c", b"USER a\r\n"),
            ("s", b"+OK\r\n"),
            ("c", b"PASS b\r\n"),
            ("s", b"+OK\r\n"),
            ("c", b"RETR 1\r\n"),
            ("s", b"+OK\r\nA mail\r\n"),
            ("s", b"* OK\r\n.\r\n"),
        ),
        (IN_POP,),
    ),
)


def ber(tag: int, *parts: bytes) -> bytes:
    """An element."""
    content = b"".join(parts)
    return bytes([tag, len(content)]) + content


def bind(*proof: bytes) -> bytes:
    """A bind request."""
    return ber(0x30, b"\2\1\1", ber(0x60, b"\2\1\3", ber(4, b"a"), *proof))


SIMPLE, PROOF = bind(ber(0x80, b"b")), "ldap simple bind = a b"
START_TLS = ber(0x30, b"\2\1\1", ber(0x77, ber(0x80, b"1.3.6.1.4.1.1466.20037")))
SASL = ber(4, b"PLAIN")
LDAP = (
    Scenario(
        "StartTLS",
        REFUSED,
        (("c", START_TLS), ("s", ber(0x30, b"\2\1\1", ber(0x78, b"\x0a\1\2"))), ("c", SIMPLE)),
        (PROOF,),
    ),
    Scenario(
        "StartTLS",
        "a TLS record of the client",
        (("c", START_TLS), ("s", b"\x30\0"), ("c", b"\x16\x03\x01"), ("c", SIMPLE)),
        (),
    ),
    Scenario("encryption", "connection closes", (("c", b"\x16\x03\x01"), ("c", SIMPLE)), ()),
    Scenario(
        "bind in steps",
        "a bind with credentials",
        (("c", bind(ber(0xA3, SASL))), ("s", b"\x30\0"), ("c", bind(ber(0xA3, SASL, ber(4, b"\0a\0b"))))),
        ("ldap SASL PLAIN = a b",),
    ),
    Scenario(
        "bind in steps",
        "a bind of another kind",
        (("c", bind(ber(0xA3, SASL))), ("s", b"\x30\0"), ("c", ber(0x30, b"\2\1\2", b"\x50\1\1") + SIMPLE)),
        (PROOF,),
    ),
    Scenario(
        "over",
        "connection closes",
        (("c", SIMPLE + ber(0x30, b"\2\1\3", b"\x42\0") + bind(ber(0x80, b"z"))),),
        (PROOF,),
    ),
)
ASKED = (("s", b"login: "), ("c", b"a\r\n"), ("s", b"a\r\nPassword: "), ("c", b"b\r\n"))
TOLD = "telnet prompt = a b"
TELNET = (
    Scenario("prompt", "Enter", (*ASKED, ("s", b"\r\n$ "), ("c", b"ls\r\n")), (TOLD,)),
    Scenario("prompt", "another prompt", (("s", b"login: "), ("s", b"\r\nlogin: "), *ASKED[1:]), (TOLD,)),
    Scenario(
        "prompt",
        "more lines of the server without a prompt",
        (("s", b"Password: "), ("s", b"\r\nToo late\r\nGood bye\r\n> "), ("c", b"ls\r\n")),
        (),
    ),
    Scenario("subnegotiation", "IAC SE", (("s", b"\xff\xfa\x18login: \xff\xf0"), ("c", b"x\r\n"), *ASKED), (TOLD,)),
    Scenario("encryption", "connection closes", (("c", b"\xff\xfa\x2e\x01\xff\xf0"), *ASKED), ()),
)

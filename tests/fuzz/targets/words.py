"""Pieces of the application protocols, for the dictionaries of their targets."""

from __future__ import annotations

WORDS: dict[str, tuple[bytes, ...]] = {
    "http": (
        *(b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"CONNECT h:1 HTTP/1.1\r\n", b"HEAD / HTTP/1.0\r\n"),
        *(b"Content-Length: ", b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: gzip\r\n", b"Connection: Upgrade\r\n", b"\r\n\r\n"),
        *(b"0\r\n\r\n", b"ffffffffffffffff", b"18446744073709551616", b"5;x=y\r\n", b"Host: ", b" 304 ", b" 204 ", b"Trailer: x\r\n"),
    ),
    "dns-udp": (b"\xc0\x0c", b"\xff\xff", b"\0\x1c", b"\0\x29", b"\0\x21", b"\0\x10", b"\0\x41", b"\0\x0c", b"\x81\x80", b"\x3f"),
    "dns-tcp": (b"\xc0\x0c", b"\xff\xff", b"\0\x1c", b"\0\x29", b"\0\x21", b"\0\x10", b"\0\x41", b"\0\x0c", b"\x81\x80", b"\x3f"),
    "redis": (
        *(b"*3\r\n$3\r\nSET\r\n", b"*-1\r\n", b"$-1\r\n", b"*99999999\r\n", b"$99999999999\r\n", b"%1\r\n", b"~1\r\n", b"|1\r\n", b">3\r\n"),
        *(b"=4\r\ntxt:\r\n", b"$?\r\n;1\r\na\r\n;0\r\n", b"*?\r\n", b".\r\n", b"#t\r\n", b",1.5\r\n", b"(1\r\n", b"_\r\n", b"!1\r\ne\r\n"),
        *(b"MULTI", b"EXEC", b"SUBSCRIBE", b"MONITOR", b"CLIENT", b"REPLY", b"OFF", b"SKIP", b"HELLO", b"AUTH", b"QUIT", b"RESET"),
    ),
    "memcached": (
        *(b"set k 0 0 3\r\nabc\r\n", b"get a b\r\n", b"VALUE k 0 3\r\n", b"END\r\n", b" noreply\r\n", b"STORED\r\n", b"mg k v\r\n", b"VA 3 f\r\n"),
        *(b"MN\r\n", b"mn\r\n", b"EN\r\n", b"HD\r\n", b"incr k 1\r\n", b"delete k\r\n", b"flush_all", b"stats\r\n", b"STAT a b\r\n", b"999999999999"),
        *(b"\x80\0\0\3", b"\x81\0", b"quit\r\n", b"gat 1 k\r\n", b"ms k 3\r\n", b" q\r\n", b"ERROR\r\n", b"SERVER_ERROR x\r\n"),
    ),
    "memcached_binary": (
        *(b"\x80\0\0\1" + bytes(7) + b"\1" + bytes(12) + b"k", b"\x81\0\0\0\4" + bytes(6) + b"\6" + bytes(18), b"\x80\x0a" + bytes(22)),
        *(b"\x81\x0a" + bytes(22), b"\x81\x10\0\1" + bytes(7) + b"\2" + bytes(12) + b"kv", b"\x80\x10" + bytes(22), b"\x80\x0d\0\1"),
    ),
    "mysql": (
        *(b"\7\0\0\1\0\0\0\2\0\0\0", b"\x09\0\0\0\x03SELECT 1", b"\5\0\0\3\xfe\0\0\2\0", b"\1\0\0\1\1", b"\xff\xff\xff\0", b"\0\0\0\1"),
        *(b"\x16", b"\x17\1\0\0\0", b"\x19\1\0\0\0", b"\x1c", b"\x11", b"\xfb", b"\xfc\xff\xff", b"\xfd", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff"),
        *(b"\3def", b"\xff\x28\x04#42000", b"\x0a8.0.1\0", b"\0\0\0\0\x0c\x3f\0"),
    ),
    "memcached_udp": (
        *(b"\0\7\0\0\0\1\0\0", b"\0\7\0\0\0\2\0\0", b"\0\7\0\1\0\2\0\0", b"get k\r\n", b"VALUE k 0 3\r\nabc\r\n", b"END\r\n", b" noreply\r\n"),
    ),
    "mysql_compressed": (
        *(b"\x0d\0\0\0\0\0\0", b"\x0b\0\0\0\0\0\0", b"\x09\0\0\0\x03SELECT 1", b"\7\0\0\1\0\0\0\2\0\0\0", b"\x78\x9c", b"\x28\xb5\x2f\xfd"),
        *(b"\x13\0\0\0\x0b\0\0\x78\x9c\x63\x67\x60\x60\x60\x84\x62\x26\x06\x10\0\0\x01\x26\0\x0b", b"\1\0\0\0\x0e", b"\1\0\0\1\1"),
    ),
    "postgres": (
        *(b"\0\0\0\x08\x04\xd2\x16\x2f", b"\0\0\0\x13\0\3\0\0user\0alice\0"),
        *(b"R\0\0\0\x08\0\0\0\3", b"p\0\0\0\x06a\0", b"Z\0\0\0\5I", b"N"),
        *(b"Q\0\0\0\x0dselect 1\0", b"P\0\0\0\x11\0select $1\0\0\0"),
        *(b"B\0\0\0\x11\0\0\0\0\0\1\0\0\0\1a\0\0", b"D\0\0\0\6S\0", b"C\0\0\0\6S\0"),
        *(b"E\0\0\0\x09\0\0\0\0\0", b"S\0\0\0\4", b"1\0\0\0\x042\0\0\0\4", b"t\0\0\0\x0a\0\1\0\0\0\x17", b"T\0\0\0\6\0\0", b"s\0\0\0\4"),
        *(b"C\0\0\0\x0dSELECT 1\0", b"E\0\0\0\x0cC42601\0\0", b"d\0\0\x7f\xff", b"D\0\0\0\7\0\0\0", b"G\0\0\0\4", b"W\0\0\0\4", b"n\0\0\0\4"),
    ),
    "mail": (
        *(b"220 x\r\n", b"+OK\r\n", b"* OK\r\n", b"USER a\r\n", b"PASS b\r\n", b"AUTH PLAIN"),
        *(b"AUTH LOGIN\r\n", b"334 x\r\n", b"+ \r\n", b"AGEAYg==\r\n"),
        *(b"a LOGIN ", b'"x" ', b"{3}\r\n", b"{3+}\r\n", b"DATA\r\n", b"354 x\r\n", b".\r\n", b"BDAT 5\r\n", b"AUTHINFO PASS b\r\n", b"XOAUTH2 "),
    ),
    "ldap": (
        b"\x30\x18\2\1\1\x60\x13\2\1\3\4\5alice\x80\7secret!", b"\x30\x84\0\0\0\5", b"\x30\x80", b"\2\1\1",
        b"\x60\x84\xff\xff\xff\xff", b"\xa3\7\4\5PLAIN",
    ),
    "telnet": (b"\xff\xfd\1", b"\xff\xfa\x18", b"\xff\xf0", b"login: ", b"Password: ", b"a\r\n", b"\x7f", b"\r", b"\xff\xff"),
    "tls": (
        *(b"\x16\x03\x01", b"\x16\x03\x03", b"\x14\x03\x03\0\1\1", b"\x15\x03\x03\0\2\2\x28", b"\x17\x03\x03", b"\x0b\0", b"\x01\0\0", b"\x02\0\0"),
        *(b"\0\x10\0\x0e", b"\0\x0d", b"\0\x2b", b"\0\x33", b"\x13\x01", b"\x0a\x0a", b"\0\0\0\6\0\4\0\0\1h", b"\x30\x82"),
    ),
    "credentials": (
        *(b"USER alice\r\n", b"PASS secret\r\n", b"AUTH PLAIN", b"AUTH LOGIN ", b"a1 LOGIN ", b"{5}\r\n", b"AUTHENTICATE", b"220 x\r\n", b"+OK\r\n"),
        *(b"* OK\r\n", b"334 \r\n", b"+ \r\n", b"AGEAYg==", b"GET /?password=x HTTP/1.1\r\n", b"POST / HTTP/1.0\r\n", b"Content-Length: 9\r\n"),
        *(b"Content-Type: application/json\r\n", b"multipart/form-data; boundary=b\r\n", b"--b\r\n", b'{"password":"x"}', b"Authorization: Basic "),
        *(b"*2\r\n$4\r\nAUTH\r\n", b"HELLO 3 AUTH a b\r\n", b"\x30\x1b\x02\x01\x01\x60", b"\x30\x84\xff\xff\xff\xff", b"\x80\x06secret"),
        *(b"\x10\0\0\0\x0a5.5\0", b"\x40\0\0\1\0\x82\0\0", b"\1\0\0\2\xfe", b"mysql_clear_password\0", b"\x09\0\0\3abcdefgh\0"),
        *(b"\0\0\0\x14\0\3\0\0user\0alice\0\0", b"R\0\0\0\x08\0\0\0\3", b"p\0\0\0\x0bsecret\0", b"\x16\x03", b"SSH-"),
    ),
}  # fmt: skip

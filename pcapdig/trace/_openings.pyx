"""What a single payload proves of its sender: that it asks, or that it answers. Only what is certain; in doubt nothing.

Text that only one end of a protocol begins with (HTTP, RTSP, SMTP, FTP, POP, IMAP, memcached, Redis), and headers that carry a bit
or number for question and answer (TLS, DNS, DHCP, NTP, RADIUS, STUN, ONC RPC, LDAP, PostgreSQL, MySQL, MongoDB, AMQP). A weak mark
counts only with the protocol's own port at one end, or if the message's lengths agree with the payload's (`_lengths.pxd`). Both ends of
SSH begin alike; both ends of SIP ask, so there the first line that is seen decides.

Sources: RFC 9112 section 2, RFC 7826, RFC 5321 section 4, RFC 959 section 4, RFC 1939, RFC 9051 section 7.1, RFC 8446 section
4 and RFC 5246 section 7.4, RFC 1035 section 4.1.1, RFC 2131 section 2, RFC 5905 section 7.3, RFC 2865 section 3, RFC 8489 section 5, RFC 5531
section 9, RFC 4511 section 4.2; the documentation of PostgreSQL (message formats), MySQL (connection phase), MongoDB (wire protocol),
memcached (protocol.txt), Redis (RESP).
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memchr, memcmp, strlen

from pcapdig.trace._lengths cimport by_amqp, by_ldap, by_memcached, by_redis

cdef enum:
    PROTOCOL_TCP = 6
    PROTOCOL_UDP = 17


cdef inline bint begins(const uint8_t *data, uint32_t size, const char *text) noexcept nogil:
    """Does a payload begin with a text?"""
    cdef size_t length = strlen(text)
    return size >= length and memcmp(data, text, length) == 0


cdef bint begins_as_request(const uint8_t *data, uint32_t size) noexcept nogil:
    """Is the first word a method that no answer begins with?"""
    return (
        begins(data, size, b"GET ") or begins(data, size, b"POST ") or begins(data, size, b"HEAD ") or begins(data, size, b"PUT ")
        or begins(data, size, b"DELETE ") or begins(data, size, b"OPTIONS ") or begins(data, size, b"PATCH ")
        or begins(data, size, b"CONNECT ") or begins(data, size, b"TRACE ") or begins(data, size, b"PROPFIND ")
        or begins(data, size, b"PROPPATCH ") or begins(data, size, b"MKCOL ") or begins(data, size, b"COPY ")
        or begins(data, size, b"MOVE ") or begins(data, size, b"LOCK ") or begins(data, size, b"UNLOCK ")
        or begins(data, size, b"REPORT ") or begins(data, size, b"SUBSCRIBE ") or begins(data, size, b"NOTIFY ")
        or begins(data, size, b"DESCRIBE ") or begins(data, size, b"SETUP ") or begins(data, size, b"PLAY ")
        or begins(data, size, b"TEARDOWN ") or begins(data, size, b"M-SEARCH ") or begins(data, size, b"ANNOUNCE ")
        or begins(data, size, b"RECORD ") or begins(data, size, b"PAUSE ") or begins(data, size, b"GET_PARAMETER ")
        or begins(data, size, b"SET_PARAMETER ") or begins(data, size, b"UNSUBSCRIBE ") or begins(data, size, b"SEARCH ")
    )


cdef inline uint16_t get16(const uint8_t *p) noexcept nogil:
    """Two bytes in network order."""
    return <uint16_t> (p[0] << 8 | p[1])


cdef inline uint32_t get32(const uint8_t *p) noexcept nogil:
    """Four bytes in network order."""
    return <uint32_t> p[0] << 24 | <uint32_t> p[1] << 16 | <uint32_t> p[2] << 8 | p[3]


cdef inline uint32_t little32(const uint8_t *p) noexcept nogil:
    """Four bytes, lowest first."""
    return <uint32_t> p[3] << 24 | <uint32_t> p[2] << 16 | <uint32_t> p[1] << 8 | p[0]


cdef bint is_request_line(const uint8_t *data, uint32_t size) noexcept nogil:
    """A method, a target and a version: the whole first line."""
    cdef const uint8_t *end
    cdef uint32_t length
    if not begins_as_request(data, size):
        return False
    end = <const uint8_t *> memchr(data, c"\n", size if size < 8192 else 8192)
    if end == NULL:
        return False
    length = <uint32_t> (end - data)
    if length != 0 and data[length - 1] == c"\r":
        length -= 1
    if length < 12:
        return False
    end = data + length
    return begins(end - 8, 7, b"HTTP/1.") or begins(end - 8, 7, b"RTSP/1.") or begins(end - 8, 7, b"RTSP/2.")


cdef bint is_text_of_client(const uint8_t *data, uint32_t size) noexcept nogil:
    """Commands that are certain at any port."""
    return (
        begins(data, size, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") or begins(data, size, b"EHLO ") or begins(data, size, b"HELO ")
        or begins(data, size, b"LHLO ") or begins(data, size, b"MAIL FROM:<") or begins(data, size, b"RCPT TO:<")
    )


cdef bint is_text_of_server(const uint8_t *data, uint32_t size) noexcept nogil:
    """Answers and greetings that are certain at any port."""
    return (
        begins(data, size, b"HTTP/1.0 ") or begins(data, size, b"HTTP/1.1 ") or begins(data, size, b"RTSP/1.0 ")
        or begins(data, size, b"RTSP/2.0 ") or begins(data, size, b"* OK [CAPABILITY") or begins(data, size, b"* OK IMAP")
    )


cdef int by_tls(const uint8_t *data, uint32_t size) noexcept nogil:
    """A record with a hello in it. SSL 2's hello is a client's too."""
    if size >= 11 and data[0] == 22 and data[1] == 3 and data[2] <= 4 and get16(data + 3) >= 42 and data[6] == 0 and data[9] == 3:
        if get16(data + 7) + 4 <= 16384:
            return ASKS if data[5] == 1 else ANSWERS if data[5] == 2 else ANYONE
    return ANYONE


cdef int by_dns(const uint8_t *data, uint32_t size) noexcept nogil:
    """The QR bit, of a header whose other fields are in order."""
    if size < 12 or get16(data + 4) != 1 or data[2] >> 3 & 15 > 5 or data[3] & 0x40:
        return ANYONE
    if data[2] & 0x80:
        return ANSWERS
    return ASKS if get16(data + 6) == 0 and data[3] & 15 == 0 else ANYONE


cdef int by_stun(const uint8_t *data, uint32_t size) noexcept nogil:
    """The class of a message that has the magic cookie. Peers ask each other too: this is looked at with a server's port only."""
    if size < 20 or data[0] >> 6 != 0 or get32(data + 4) != 0x2112A442 or get16(data + 2) + 20 != size:
        return ANYONE
    return ASKS if get16(data) & 0x0110 == 0 else ANSWERS if data[0] & 1 else ANYONE


cdef int by_rpc(const uint8_t *data, uint32_t size) noexcept nogil:
    """A call of version 2 or a reply to one."""
    if size >= 24 and get32(data + 4) == 0 and get32(data + 8) == 2 and get32(data + 12) != 0 and data[12] < 0x80 and data[16] == 0:
        return ASKS
    if size >= 24 and get32(data + 4) == 1 and get32(data + 8) == 0 and get32(data + 12) <= 6 and get32(data + 20) <= 5:
        return ANSWERS
    return ANYONE


cdef int by_datagram_text(const uint8_t *data, uint32_t size) noexcept nogil:
    """UDP at any port: lines of HTTP (SSDP) and SIP. Both ends of SIP ask, so the first line that is seen decides."""
    cdef const uint8_t *end
    if size < 12 or data[0] < c"A" or data[0] > c"Z":
        return ANYONE
    if begins(data, size, b"HTTP/1.") or begins(data, size, b"SIP/2.0 "):
        return ANSWERS if data[7 if data[0] == c"S" else 8] == c" " else ANYONE
    if is_request_line(data, size):
        return ASKS
    end = <const uint8_t *> memchr(data, c"\n", size if size < 8192 else 8192)
    return ASKS if end != NULL and end - data > 12 and begins(end - 9, 9, b" SIP/2.0\r") else ANYONE


cdef int by_datagram(const uint8_t *data, uint32_t size, uint16_t source, uint16_t destination) noexcept nogil:
    """UDP: a header's own word, with the protocol's port at one end."""
    cdef int found = by_datagram_text(data, size)
    if found != ANYONE:
        return found
    if source == 53 or destination == 53:
        return by_dns(data, size)
    if source == 67 or destination == 67 or source == 68 or destination == 68:
        if size >= 240 and get32(data + 236) == 0x63825363:
            return ASKS if data[0] == 1 else ANSWERS if data[0] == 2 else ANYONE
        return ANYONE
    if source == 123 or destination == 123:
        if size < 48:
            return ANYONE
        return ASKS if data[0] & 7 == 3 else ANSWERS if data[0] & 7 == 4 else ANYONE
    if source == 1812 or destination == 1812 or source == 1813 or destination == 1813:
        if size < 20 or get16(data + 2) != size:
            return ANYONE
        return ASKS if data[0] in (1, 4, 12) else ANSWERS if data[0] in (2, 3, 5, 11) else ANYONE
    if source == 3478 or destination == 3478 or source == 19302 or destination == 19302:
        return by_stun(data, size)
    if destination == 69 and size >= 4 and data[0] == 0 and data[1] in (1, 2):
        return ASKS
    found = by_rpc(data, size)
    return found if found == ASKS or source == 111 or destination == 111 or source == 2049 or destination == 2049 else ANYONE


cdef int by_port(const uint8_t *data, uint32_t size, uint16_t port) noexcept nogil:
    """TCP: marks that are certain only of the service that has this port, at either end."""
    if port == 53 or port == 853:
        return by_dns(data + 2, size - 2) if size > 14 and get16(data) + 2 == size else ANYONE
    if port == 25 or port == 587 or port == 21 or port == 2525:
        if begins(data, size, b"220 ") or begins(data, size, b"220-") or begins(data, size, b"250-") or begins(data, size, b"331 "):
            return ANSWERS
        return ASKS if begins(data, size, b"USER ") or begins(data, size, b"PASS ") or begins(data, size, b"AUTH ") else ANYONE
    if port == 110:
        return ANSWERS if begins(data, size, b"+OK") or begins(data, size, b"-ERR") else ASKS if begins(data, size, b"USER ") else ANYONE
    if port == 143:
        return ANSWERS if begins(data, size, b"* ") else ANYONE
    if port == 6379:
        return ANSWERS if size > 2 and data[0] in (c"+", c"-", c":", c"$") else ANYONE
    if port == 11211:
        if begins(data, size, b"VALUE ") or begins(data, size, b"STORED\r\n") or begins(data, size, b"END\r\n"):
            return ANSWERS
        if begins(data, size, b"get ") or begins(data, size, b"gets ") or begins(data, size, b"set ") or begins(data, size, b"mg "):
            return ASKS
        return ASKS if size >= 24 and data[0] == 0x80 else ANSWERS if size >= 24 and data[0] == 0x81 else ANYONE
    if port == 5432:
        return ASKS if size > 5 and data[0] in (c"Q", c"P", c"B") and get32(data + 1) < 1 << 24 and get32(data + 1) >= 4 else ANYONE
    if port == 389 or port == 3268:
        # An LDAPMessage: its number, then an operation whose tag says who sends it.
        if size > 7 and data[0] == 0x30 and data[1] < 0x80 and data[2] == 2 and data[3] <= 4 and size > 4 + data[3]:
            return ASKS if data[4 + data[3]] in (0x60, 0x63, 0x66, 0x77, 0x42) else ANSWERS if data[4 + data[3]] in (0x61, 0x64, 0x65, 0x73) else ANYONE
        return ANYONE
    if port == 2049 or port == 111:
        return by_rpc(data + 4, size - 4) if size > 28 and data[0] & 0x80 else ANYONE
    return ANYONE


cdef int by_mongodb(const uint8_t *data, uint32_t size) noexcept nogil:
    """OP_MSG says which message it answers; OP_QUERY asks, OP_REPLY answers."""
    cdef uint32_t length
    if size < 21 or data[14] != 0 or data[15] != 0:
        return ANYONE
    length = little32(data)
    if length > 48000000 or length < 21 or (length < size and little32(data + 12) != 2013):
        return ANYONE
    if little32(data + 12) == 2013 and data[16] & 0xFC == 0 and data[17] == 0 and data[20] <= 1:
        return ASKS if little32(data + 8) == 0 else ANSWERS
    if length != size or length < 36:
        return ANYONE
    if little32(data + 12) == 2004 and little32(data + 8) == 0:
        return ASKS
    return ANSWERS if little32(data + 12) == 1 and little32(data + 8) != 0 else ANYONE


cdef int by_lengths(const uint8_t *data, uint32_t size) noexcept nogil:
    """Whole messages that are certain at any port."""
    cdef uint8_t first = data[0]
    if first == c"*" or first == c"$":
        return by_redis(data, size)
    if first == c"V" or first == c"S":
        return by_memcached(data, size)
    if first == 0x30:
        return by_ldap(data, size)
    if first == c"A" or first == 1:
        return by_amqp(data, size)
    if first & 0x80 and size > 28 and (get32(data) & 0x7FFFFFFF) + 4 == size:
        return by_rpc(data + 4, size - 4)
    return ANYONE


cdef int by_stream(const uint8_t *data, uint32_t size, uint16_t source, uint16_t destination) noexcept nogil:
    """TCP: texts and headers that are certain at any port; then those that are at the protocol's own."""
    cdef int found
    if is_request_line(data, size) or is_text_of_client(data, size):
        return ASKS
    if is_text_of_server(data, size):
        return ANSWERS
    found = by_tls(data, size)
    if found != ANYONE:
        return found
    if size >= 8 and get32(data) == size and (get32(data + 4) == 80877103 or get32(data + 4) == 80877102 or get32(data + 4) == 196608):
        return ASKS  # PostgreSQL: SSLRequest, CancelRequest, or a startup packet of version 3
    if size >= 32 and little32(data) - 4 < size and data[3] == 0 and data[4] == 10 and c"3" <= data[5] <= c"9" and data[6] == c".":
        return ANSWERS  # MySQL's greeting: protocol 10 and a version's first digit
    found = by_mongodb(data, size)
    if found != ANYONE:
        return found
    found = by_lengths(data, size)
    if found != ANYONE:
        return found
    if size >= 12 and get16(data + 2) == 0 and get16(data + 4) + 6 == size and (source == 502 or destination == 502):
        return ANSWERS if data[7] & 0x80 else ANYONE  # Modbus: an exception
    found = by_port(data, size, destination)
    return found if found != ANYONE else by_port(data, size, source)


cdef int sender_of(const uint8_t *data, uint32_t size, uint8_t protocol, uint16_t source_port, uint16_t destination_port) noexcept nogil:
    """ASKS, ANSWERS, or ANYONE where the payload does not say."""
    if protocol == PROTOCOL_TCP:
        return by_stream(data, size, source_port, destination_port)
    if protocol == PROTOCOL_UDP:
        return by_datagram(data, size, source_port, destination_port)
    return ANYONE


def sender(const uint8_t[::1] data not None, uint8_t protocol, uint16_t source_port, uint16_t destination_port):
    """The function above for Python: 0 anyone, 1 the client, 2 the server."""
    if data.shape[0] == 0:
        return ANYONE
    return sender_of(&data[0], <uint32_t> data.shape[0], protocol, source_port, destination_port)

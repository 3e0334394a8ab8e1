"""What a message proves of its sender at any port, because its own lengths agree with the payload's: Redis, memcached, LDAP, AMQP, ONC RPC.

Sources: the documentation of Redis (RESP, commands) and memcached (protocol.txt), RFC 4511 section 4, AMQP 0-9-1 sections 2.2.4 and 4.2.3,
RFC 5531 sections 9 and 11.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memcmp, strlen

from pcapdig.trace._openings cimport ANSWERS, ANYONE, ASKS

cdef enum:
    MOST_ITEMS = 1024  # values of Redis looked at in a payload; with more nothing is proven
    MOST_DIGITS = 9


cdef inline bint starts(const uint8_t *data, uint32_t size, const char *text) noexcept nogil:
    """Does a payload begin with a text?"""
    cdef size_t length = strlen(text)
    return size >= length and memcmp(data, text, length) == 0


cdef extern from *:
    """
    #define REDIS_COMMANDS \\
        " GET SET SETEX SETNX DEL MGET MSET EXISTS EXPIRE TTL PING AUTH HELLO SELECT INFO INCR DECR HGET HSET HMGET HMSET HGETALL HDEL" \\
        " LPUSH RPUSH LPOP RPOP BLPOP BRPOP LRANGE LLEN SADD SREM SMEMBERS ZADD ZRANGE PUBLISH SUBSCRIBE PSUBSCRIBE EVAL EVALSHA MULTI" \\
        " EXEC SCAN KEYS CONFIG CLIENT COMMAND CLUSTER QUIT XADD XREAD XREADGROUP "
    """
    const char *REDIS_COMMANDS

cdef extern from "string.h" nogil:
    void *memmem(const void *haystack, size_t haystack_size, const void *needle, size_t needle_size)


cdef inline uint32_t line_of_number(const uint8_t *data, uint32_t size, uint32_t at, int32_t *number) noexcept nogil:
    """The offset behind a line that is a number, -1 included; 0: there is none."""
    cdef uint32_t first
    cdef bint is_negative = at < size and data[at] == c"-"
    at += is_negative
    first = at
    number[0] = 0
    while at < size and at - first < MOST_DIGITS and c"0" <= data[at] <= c"9":
        number[0] = number[0] * 10 + data[at] - c"0"
        at += 1
    if at == first or at + 2 > size or data[at] != c"\r" or data[at + 1] != c"\n":
        return 0
    if is_negative:
        number[0] = -number[0]
    return at + 2


cdef inline bint is_letter(uint8_t byte) noexcept nogil:
    """Is a byte a letter of ASCII?"""
    return c"a" <= byte <= c"z" or c"A" <= byte <= c"Z"


cdef inline bint is_redis_command(const uint8_t *word, uint32_t size) noexcept nogil:
    """Is a word a frequent command? An answer may be an array of words too, so that others prove nothing."""
    cdef char padded[14]
    cdef uint32_t i
    if size < 3 or size > 12:
        return False
    padded[0] = c" "
    for i in range(size):
        if not is_letter(word[i]):
            return False
        padded[i + 1] = <char> (word[i] & 0xDF)
    padded[size + 1] = c" "
    return memmem(REDIS_COMMANDS, strlen(REDIS_COMMANDS), padded, size + 2) != NULL


cdef inline int by_redis(const uint8_t *data, uint32_t size) noexcept nogil:
    """Whole values of RESP: bulk strings, and arrays of them. A client sends arrays of bulk strings, of which the first is a command.
    The first segment of a command that goes on in the next one is enough.
    """
    cdef uint32_t at = 0, behind, i
    cdef int32_t number
    cdef int64_t missing = 1  # values until the one at the top is whole
    cdef int found = ANYONE
    cdef bint is_first = False  # of an array
    if size < 5 or (data[0] != c"*" and data[0] != c"$"):
        return ANYONE
    for i in range(MOST_ITEMS):
        behind = line_of_number(data, size, at + 1, &number)
        if behind == 0:
            return found if found == ASKS else ANYONE
        missing -= 1
        if data[at] == c"*":
            if number != 0 and (number < 0 or missing != 0):
                found = ANSWERS  # nothing, and an array within an array
            missing += number if number > 0 else 0
        elif data[at] == c"$" and number >= 0:
            if <uint32_t> number > size - behind or size - behind - <uint32_t> number < 2:
                return found if found == ASKS else ANYONE
            if is_first and found == ANYONE and is_redis_command(data + behind, <uint32_t> number):
                found = ASKS
            elif i == 0 or (is_first and not is_letter(data[behind])):
                found = ANSWERS
            at = behind + <uint32_t> number
            behind = at + 2
            if data[at] != c"\r" or data[at + 1] != c"\n":
                return ANYONE
        elif data[at] == c":" or (data[at] == c"$" and number == -1):
            found = ANSWERS
        else:
            return ANYONE
        is_first = i == 0 and data[0] == c"*"
        at = behind
        if missing == 0:
            if at == size:
                return found
            missing = 1
        if at >= size:
            break
    return found if found == ASKS else ANYONE


cdef inline bint ends_with(const uint8_t *data, uint32_t size, const char *text) noexcept nogil:
    """Does a payload end with a text?"""
    cdef size_t length = strlen(text)
    return size >= length and memcmp(data + size - length, text, length) == 0


cdef inline int by_memcached(const uint8_t *data, uint32_t size) noexcept nogil:
    """Whole answers of the text protocol."""
    if starts(data, size, b"VALUE ") and ends_with(data, size, b"\r\nEND\r\n"):
        return ANSWERS
    if size == 8 and memcmp(data, b"STORED\r\n", 8) == 0:
        return ANSWERS
    return ANYONE


cdef inline uint32_t length_of(const uint8_t *data, uint32_t size, uint32_t *at) noexcept nogil:
    """A BER length at an offset, that moves behind it; more than any payload where there is none."""
    cdef uint32_t count, length = 0
    if at[0] >= size:
        return 1 << 30
    count = data[at[0]]
    at[0] += 1
    if count < 0x80:
        return count
    count &= 0x7F
    if count == 0 or count > 4 or at[0] + count > size:
        return 1 << 30
    while count != 0:
        length = length << 8 | data[at[0]]
        at[0] += 1
        count -= 1
    return length if length < 1 << 30 else 1 << 30


cdef inline int by_ldap(const uint8_t *data, uint32_t size) noexcept nogil:
    """A whole LDAPMessage first: its number, then an operation whose tag says who sends it."""
    cdef uint32_t at = 1, stop, length
    cdef uint8_t tag
    if size < 7 or data[0] != 0x30:
        return ANYONE
    stop = length_of(data, size, &at)
    if stop > size - at:
        return ANYONE
    stop += at
    if at + 4 > stop or data[at] != 2 or data[at + 1] == 0 or data[at + 1] > 4 or at + 3 + data[at + 1] > stop:
        return ANYONE
    at += 2 + data[at + 1]
    tag = data[at]
    at += 1
    if tag == 0x42:
        return ASKS if stop == at + 1 and data[at] == 0 else ANYONE
    length = length_of(data, stop, &at)
    if length > stop - at or (length != stop - at and data[at + length] != 0xA0):  # controls may follow
        return ANYONE
    return ASKS if tag in (0x60, 0x63, 0x66, 0x68, 0x6E, 0x77) else ANSWERS if tag in (0x61, 0x64, 0x65, 0x67, 0x69, 0x6F, 0x73, 0x78) else ANYONE


cdef inline int by_amqp(const uint8_t *data, uint32_t size) noexcept nogil:
    """The client's protocol header, or a whole frame with a method that only one end sends."""
    cdef uint32_t length, number
    if size == 8 and memcmp(data, b"AMQP", 4) == 0 and data[4] <= 3:
        return ASKS
    if size < 12 or data[0] != 1:
        return ANYONE
    length = <uint32_t> data[3] << 24 | <uint32_t> data[4] << 16 | <uint32_t> data[5] << 8 | data[6]
    if length < 4 or length > size - 8 or data[7 + length] != 0xCE or data[7] != 0 or data[9] != 0:
        return ANYONE
    number = <uint32_t> data[8] << 8 | data[10]  # class and method
    if number in (0x0A0A, 0x0A14, 0x0A1E, 0x0A29, 0x140B, 0x280B, 0x320B, 0x3215, 0x3C15, 0x3C32, 0x3C3C, 0x3C47, 0x3C48):
        return ANSWERS
    return ASKS if number in (0x0A0B, 0x0A15, 0x0A1F, 0x0A28, 0x140A, 0x280A, 0x320A, 0x3214, 0x3C14, 0x3C28, 0x3C46) else ANYONE

"""Start lines of HTTP messages, and what reading a head's lines needs besides.

Source: RFC 9112 sections 3 and 4, RFC 1945 section 5.1 (HTTP/0.9's request is a line without a version). They are read as servers and
browsers do that are not strict: more blanks than one, blanks in a target, any version, an empty line before.
"""

from libc.stdint cimport uint8_t
from libc.string cimport memchr, memcmp

cdef enum:
    METHOD_MAX = 32  # characters
    VERSION_MAX = 8  # characters
    SPACE = 0x20
    TAB = 0x09
    CR = 0x0D
    LF = 0x0A

cdef struct Part:
    Py_ssize_t at, end

cdef struct Start:  # a start line
    Part first  # the method, or the status code's three digits
    Part second  # the target, or the reason phrase
    Part version  # what stands behind `HTTP/`; empty: HTTP/0.9, which has no head
    Py_ssize_t newline  # that ends it


cdef inline bint is_upper(uint8_t c) noexcept nogil:
    return c"A" <= c <= c"Z"


cdef inline bint is_digit(uint8_t c) noexcept nogil:
    return c"0" <= c <= c"9"


cdef inline bint is_space(uint8_t c) noexcept nogil:
    """What parts words: blank, HT, LF, VT, FF, CR."""
    return c == SPACE or TAB <= c <= CR


cdef inline Py_ssize_t line_end(const uint8_t *data, Py_ssize_t at, Py_ssize_t size) noexcept nogil:
    """The LF of a line that ends here, with CR or without; -1: none does."""
    if at < size and data[at] == CR:
        at += 1
    return at if at < size and data[at] == LF else -1


cdef inline bint is_blank(uint8_t c) noexcept nogil:
    return c == SPACE or c == TAB


cdef inline Py_ssize_t past_blanks(const uint8_t *data, Py_ssize_t at, Py_ssize_t size) noexcept nogil:
    while at < size and is_blank(data[at]):
        at += 1
    return at


cdef inline Py_ssize_t next_newline(const uint8_t *data, Py_ssize_t at, Py_ssize_t size) noexcept nogil:
    """The next LF; `size` where there is none."""
    cdef const uint8_t *found = <const uint8_t *>memchr(data + at, LF, size - at) if at < size else NULL
    return found - data if found != NULL else size


cdef inline Py_ssize_t value_of(
    const uint8_t *data, Py_ssize_t at, Py_ssize_t end, const char *name, Py_ssize_t name_size
) noexcept nogil:
    """Where the value begins if a line is a field of that name, given in lower case; -1: it is not."""
    cdef Py_ssize_t i
    if end - at <= name_size:
        return -1
    for i in range(name_size):
        # CR would be the lower case of '-', were that a letter.
        if data[at + i] | 0x20 != <uint8_t>name[i] or (name[i] == c"-" and data[at + i] != c"-"):
            return -1
    at += name_size
    while at < end and (data[at] == SPACE or data[at] == TAB):
        at += 1
    return at + 1 if at < end and data[at] == c":" else -1


cdef inline void strip(const uint8_t *data, Part *part) noexcept nogil:
    while part.at < part.end and is_space(data[part.at]):
        part.at += 1
    while part.at < part.end and is_space(data[part.end - 1]):
        part.end -= 1


cdef inline Py_ssize_t past_first_line(const uint8_t *data, Py_ssize_t size) noexcept nogil:
    """Where what may stand before a request ends: the NUL of a keep-alive probe (RFC 9293 section 3.8.4), which is data where a capture
    begins with it, then an empty line (RFC 9112 section 2.2) or a PROXY header of version 1.
    """
    cdef Py_ssize_t at = 1 if size and data[0] == 0 else 0
    cdef Py_ssize_t end = line_end(data, at, size)
    if end < 0 and size - at >= 13 and memcmp(data + at, b"PROXY ", 6) == 0 and (
            memcmp(data + at + 6, b"TCP4 ", 5) == 0 or memcmp(data + at + 6, b"TCP6 ", 5) == 0
            or memcmp(data + at + 6, b"UNKNOWN", 7) == 0):
        end = next_newline(data, at, size)
        if end == size:
            return at
    return end + 1 if end >= 0 else at


cdef inline bint request_line(const uint8_t *data, Py_ssize_t size, Start *start) noexcept nogil:
    """A request line begins the data, or follows what may stand before it."""
    cdef Py_ssize_t at = past_first_line(data, size)
    cdef Py_ssize_t end
    start.first.at = at
    while at < size and at - start.first.at < METHOD_MAX and (
            is_upper(data[at]) or at > start.first.at and (is_digit(data[at]) or data[at] == c"_" or data[at] == c"-")):
        at += 1
    start.first.end = at
    if at == start.first.at or at >= size or not is_blank(data[at]):
        return False
    start.newline = end = next_newline(data, at, size)
    if end == size:
        return False
    if data[end - 1] == CR:
        end -= 1
    start.second.at = past_blanks(data, at, end)
    while end > start.second.at and is_blank(data[end - 1]):
        end -= 1
    if not version_at_end(data, &end, start) and not is_simple(data, size, start):
        return False
    start.second.end = end
    if end == start.second.at or memchr(data + start.second.at, CR, end - start.second.at) != NULL:
        return False
    # HTTP/2's preface is no request, though it looks like one.
    return start.first.end - start.first.at != 3 or memcmp(data + start.first.at, b"PRI", 3) != 0


cdef inline bint is_version(const uint8_t *data, Part part) noexcept nogil:
    """Digit, dot, digit, and then what some put behind it: 1.1, 1.10, 1.0.8."""
    cdef Py_ssize_t at
    if not 3 <= part.end - part.at <= VERSION_MAX or data[part.at + 1] != c"." or data[part.at + 2] == c".":
        return False
    for at in range(part.at, part.end):
        if not (is_digit(data[at]) or at > part.at and data[at] == c"."):
            return False
    return True


cdef inline bint version_at_end(const uint8_t *data, Py_ssize_t *end, Start *start) noexcept nogil:
    """`HTTP/` and a version end a line, behind a blank; then `end` is moved to the target's end."""
    cdef Py_ssize_t at = end[0]
    while at > start.second.at and not is_blank(data[at - 1]):
        at -= 1
    start.version.at, start.version.end = at + 5, end[0]
    if at == start.second.at or end[0] - at < 8 or memcmp(data + at, b"HTTP/", 5) != 0 or not is_version(data, start.version):
        return False
    while is_blank(data[at - 1]):  # ends at the target: it does not begin with a blank
        at -= 1
    end[0] = at
    return True


cdef inline bint is_simple(const uint8_t *data, Py_ssize_t size, Start *start) noexcept nogil:
    """GET and a path are all there is, as in HTTP/0.9, or are followed by a Host field, as of one who forgot the version."""
    cdef Py_ssize_t at = start.second.at
    if start.first.end - start.first.at != 3 or memcmp(data + start.first.at, b"GET", 3) != 0 or data[at] != c"/":
        return False
    while not is_space(data[at]):  # the newline at the latest
        at += 1
    if line_end(data, past_blanks(data, at, start.newline), start.newline + 1) != start.newline:
        return False
    start.version.at = start.version.end = 0
    at = start.newline + 1
    return at == size or line_end(data, at, size) >= 0 or value_of(data, at, size, b"host", 4) >= 0


cdef inline Py_ssize_t status_code(const uint8_t *data, Py_ssize_t size, Start *start) noexcept nogil:
    """Behind the version and status code that begin the data, an empty line before them passed over; -1: they do not."""
    cdef Py_ssize_t at = line_end(data, 0, size) + 1
    if size - at < 8 or memcmp(data + at, b"HTTP/", 5) != 0:
        return -1
    start.version.at = at = at + 5
    while at < size and at - start.version.at < VERSION_MAX and (is_digit(data[at]) or data[at] == c"."):
        at += 1
    start.version.end = at
    if not is_version(data, start.version) or at >= size or not is_blank(data[at]):
        return -1
    at = past_blanks(data, at, size)
    if size - at < 3 or not c"1" <= data[at] <= c"9" or not (is_digit(data[at + 1]) and is_digit(data[at + 2])):
        return -1
    start.first.at, start.first.end = at, at + 3
    return at + 3


cdef inline bint status_line(const uint8_t *data, Py_ssize_t size, Start *start) noexcept nogil:
    """A status line begins the data. Its reason phrase may be missing, and the blank before it too."""
    cdef Py_ssize_t at = status_code(data, size, start)
    if at < 0 or at >= size or is_digit(data[at]):
        return False
    start.newline = next_newline(data, at, size)
    if start.newline == size:
        return False
    start.second.at, start.second.end = at, start.newline
    strip(data, &start.second)
    return True

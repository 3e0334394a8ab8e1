# cython: language_level=3
"""Heads of HTTP/1.0 and HTTP/1.1 messages, out of bytes in one pass: the start line, where the head ends, and the few fields that all need.

In: any bytes. Out: the messages of http_messages.py, with their framing. Source: RFC 9112 (start lines: sections 3 and 4, fields: 5, the
empty line: 2.1; a lone LF ends a line too: 2.2). _http_start_lines.pxd reads the first line.
Nothing is read more than twice, so a hostile head takes no more time than others of its size.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.object cimport PyObject, PyTypeObject
from cpython.unicode cimport PyUnicode_DecodeASCII, PyUnicode_DecodeLatin1, PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memchr, memcmp

from pcapdig.protocols._http_start_lines cimport (
    CR, LF, SPACE, TAB, Part, Start,
    is_digit, line_end, next_newline, request_line, status_code, status_line, strip, value_of,
)
from pcapdig.protocols.bodies import NO_BODY
from pcapdig.protocols.http_messages import HEAD_LIMIT, PREFACE, Ending, Framing, HttpRequest, HttpResponse, framing_by

cdef Py_ssize_t _HEAD_LIMIT = HEAD_LIMIT
cdef object _NOTHING = Framing(Ending.LENGTH)
cdef object _UNTIL_CLOSE = Framing(Ending.CLOSE)
cdef object _LENGTH = Ending.LENGTH
cdef tuple _EMPTY = ()
cdef object _NO_BODY = NO_BODY

cdef enum:
    DIGITS_MAX = 18  # of a length that fits in 64 bits

cdef struct Fields:
    Py_ssize_t end  # of the head, behind its empty line
    Part host  # the value of Host; at is -1: there is none that is one line
    int64_t length  # of Content-Length; -1: it is not there, or not a plain number
    bint has_more  # other fields that say how the body ends or is coded


cdef inline int64_t _plain_length(const uint8_t *data, Part value) noexcept nogil:
    """The number that a value is; -1: it is none, or too large."""
    cdef int64_t number = 0
    cdef Py_ssize_t at
    strip(data, &value)
    while value.end - value.at > 1 and data[value.at] == c"0":
        value.at += 1
    if not 0 < value.end - value.at <= DIGITS_MAX:
        return -1
    for at in range(value.at, value.end):
        if not is_digit(data[at]):
            return -1
        number = 10 * number + (data[at] - c"0")
    return number


cdef inline Part _unfolded(const uint8_t *data, Py_ssize_t at, Py_ssize_t end, Py_ssize_t size) noexcept nogil:
    """A value with the lines that go on with it (RFC 9112 section 5.2); `end`: of its first line."""
    cdef Part value
    while end + 1 < size and (data[end + 1] == SPACE or data[end + 1] == TAB):
        end = next_newline(data, end + 1, size)
    value.at, value.end = at, end
    return value


cdef inline Py_ssize_t _framing_value(const uint8_t *data, Py_ssize_t at, Py_ssize_t end, bint *is_length) noexcept nogil:
    """Where the value begins if a line says how the body ends or is coded; -1: it does not."""
    cdef Py_ssize_t value
    is_length[0] = False
    if data[at] | 0x20 == c"t":
        return value_of(data, at, end, b"transfer-encoding", 17)
    if data[at] | 0x20 != c"c":
        return -1
    value = value_of(data, at, end, b"content-length", 14)
    if value >= 0:
        is_length[0] = True
        return value
    return value_of(data, at, end, b"content-encoding", 16)


cdef bint _read_fields(const uint8_t *data, const Start *start, Py_ssize_t size, bint is_cut, Fields *fields) noexcept nogil:
    """The fields behind a start line, up to the empty line; False: there is none. `is_cut`: all the data is the head."""
    cdef Py_ssize_t newline = start.newline
    cdef bint is_simple = start.version.end == 0
    cdef Py_ssize_t at, end, value
    cdef bint is_length
    fields.host.at = fields.length = -1
    fields.has_more = False
    if newline + 1 == size and is_simple:
        fields.end = size
        return True
    while True:
        at = newline + 1
        end = line_end(data, at, size)
        if end >= 0:
            fields.end = end + 1
            return True
        end = next_newline(data, at, size)
        if at < end:
            value = _framing_value(data, at, end, &is_length)
            if value >= 0:
                if is_length and fields.length < 0:
                    fields.length = _plain_length(data, _unfolded(data, value, end, size))
                    fields.has_more |= fields.length < 0
                else:
                    fields.has_more = True
            elif fields.host.at < 0 and end < size and data[at] | 0x20 == c"h":
                _read_host(data, at, end, size, &fields.host)
        if end == size:
            fields.end = size
            return is_cut
        newline = end


cdef inline void _read_host(const uint8_t *data, Py_ssize_t at, Py_ssize_t end, Py_ssize_t size, Part *host) noexcept nogil:
    """The value of Host, if this line is that field, and is all of it."""
    cdef Py_ssize_t value = value_of(data, at, end, b"host", 4)
    if value < 0 or (end + 1 < size and (data[end + 1] == SPACE or data[end + 1] == TAB)):
        return
    if end > value and data[end - 1] == CR:
        end -= 1
    if end > value and memchr(data + value, CR, end - value) != NULL:
        return
    host.at, host.end = value, end
    strip(data, host)


cdef object _framing(const uint8_t *data, Py_ssize_t newline, const Fields *fields, bint of_response):
    """How the body ends."""
    if fields.has_more:
        return _rare_framing(data, newline, fields, of_response)
    if fields.length >= 0:
        return tuple.__new__(Framing, (_LENGTH, fields.length, _EMPTY))
    return _UNTIL_CLOSE if of_response else _NOTHING


cdef object _rare_framing(const uint8_t *data, Py_ssize_t newline, const Fields *fields, bint of_response):
    """How it ends where more than one plain Content-Length says so. A length is kept out of what framing_by remembers, where it can be."""
    cdef Py_ssize_t at, end, value
    cdef bint is_length
    cdef Part part
    cdef bint is_known = fields.length >= 0  # by one length; all that is found besides is content coding
    cdef list named = []
    while newline < fields.end:
        at = newline + 1
        end = next_newline(data, at, fields.end)
        value = _framing_value(data, at, end, &is_length) if at < end else -1
        if value >= 0:
            part = _unfolded(data, value, end, fields.end)
            if is_length:
                name = b"content-length"
            elif data[at] | 0x20 == c"t":
                name, is_known = b"transfer-encoding", False
            else:
                name = b"content-encoding"
            named.append((name, PyBytes_FromStringAndSize(<const char *>data + part.at, part.end - part.at)))
        newline = end
    lengths = [each for each in named if each[0] == b"content-length"]
    if not is_known or len(lengths) > 1:
        return framing_by(tuple(named), of_response=of_response)
    named.remove(lengths[0])
    return Framing(_LENGTH, fields.length, framing_by(tuple(named), of_response=of_response).codings)


cdef object _text(const uint8_t *data, Part part):
    """Header text: UTF-8 where it is, else ISO 8859-1 (RFC 9110 section 5.5)."""
    try:
        return PyUnicode_DecodeUTF8(<char *>data + part.at, part.end - part.at, NULL)
    except UnicodeDecodeError:
        return PyUnicode_DecodeLatin1(<char *>data + part.at, part.end - part.at, NULL)


cdef inline object _made(object kind, object moment, const uint8_t *data, const Start *start, const Fields *fields, bint is_cut):
    """A message with what all have. Its attributes are set one by one: the constructor takes longer than reading the head."""
    cdef object message = (<PyTypeObject *>kind).tp_new(<type>kind, <PyObject *>_EMPTY, NULL)
    message.moment = moment
    cdef Py_ssize_t version_size = start.version.end - start.version.at
    if version_size == 3 and memcmp(data + start.version.at, b"1.1", 3) == 0:
        message.version = "1.1"
    elif version_size:
        message.version = PyUnicode_DecodeASCII(<char *>data + start.version.at, version_size, NULL)
    else:
        message.version = "0.9"
    message.fields = PyBytes_FromStringAndSize(<const char *>data + start.newline, fields.end - start.newline)
    message.framing = _framing(data, start.newline, fields, kind is HttpResponse)
    message.head_size = fields.end
    message.body = _NO_BODY
    message.is_cut = is_cut
    return message


def request_in(data, moment, *, bint is_cut=False):
    cdef Py_buffer view
    cdef const uint8_t *head
    cdef Start start
    cdef Fields fields
    cdef Py_ssize_t size
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        head, size = <const uint8_t *>view.buf, min(view.len, _HEAD_LIMIT)
        if not request_line(head, size, &start) or not _read_fields(head, &start, size, is_cut, &fields):
            return None
        request = _made(HttpRequest, moment, head, &start, &fields, is_cut)
        request.method = PyUnicode_DecodeASCII(<char *>head + start.first.at, start.first.end - start.first.at, NULL)
        request.target = _text(head, start.second)
        request.host = _text(head, fields.host) if fields.host.at >= 0 else None
        return request
    finally:
        PyBuffer_Release(&view)


def response_in(data, moment, *, bint is_cut=False):
    cdef Py_buffer view
    cdef const uint8_t *head
    cdef Start start
    cdef Fields fields
    cdef Py_ssize_t size
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        head, size = <const uint8_t *>view.buf, min(view.len, _HEAD_LIMIT)
        if not status_line(head, size, &start) or not _read_fields(head, &start, size, is_cut, &fields):
            return None
        response = _made(HttpResponse, moment, head, &start, &fields, is_cut)
        head += start.first.at
        response.status = (head[0] - c"0") * 100 + (head[1] - c"0") * 10 + (head[2] - c"0")
        response.reason = _text(head - start.first.at, start.second)
        return response
    finally:
        PyBuffer_Release(&view)


cdef inline bint _is_preface(const uint8_t *data, Py_ssize_t size):
    return size >= len(<bytes>PREFACE) and memcmp(data, <const char *><bytes>PREFACE, len(<bytes>PREFACE)) == 0


def starts(data):
    """An HTTP/1 request or response begins here, or a connection in HTTP/2 without TLS."""
    cdef Py_buffer view
    cdef const uint8_t *head
    cdef Start start
    cdef Py_ssize_t size, at
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        head, size = <const uint8_t *>view.buf, min(view.len, _HEAD_LIMIT)
        at = status_code(head, size, &start)
        if at >= 0:
            return at < size and not is_digit(head[at])
        return bool(request_line(head, size, &start) or _is_preface(head, size))
    finally:
        PyBuffer_Release(&view)


def is_response(data):
    """Whether a response begins here; None: neither that nor a request does."""
    cdef Py_buffer view
    cdef const uint8_t *head
    cdef Start start
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        head = <const uint8_t *>view.buf
        if status_line(head, view.len, &start):
            return True
        if request_line(head, min(view.len, _HEAD_LIMIT), &start) or _is_preface(head, view.len):
            return False
        return None
    finally:
        PyBuffer_Release(&view)

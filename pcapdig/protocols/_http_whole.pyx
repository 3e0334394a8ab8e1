# cython: language_level=3
"""HTTP turns that are one whole message, as most are: read at once, without coroutine or inbox.

In: an `_Http` dialogue (http.py) and its next turn. Out: the records that are complete with it; None: it is not one whole message, and nothing was
taken. What is left behind is what the long way would leave (tests/fuzz/targets/conversations.py).
"""

from cpython.object cimport PyObject, PyObject_GenericSetAttr, PyTypeObject

from pcapdig.protocols._http_heads import request_in, response_in
from pcapdig.protocols.bodies import Body
from pcapdig.protocols.conversation import OPEN_LIMIT
from pcapdig.protocols.http_messages import BODILESS, Ending, HttpCall

cdef object _LENGTH = Ending.LENGTH
cdef frozenset _BODILESS = frozenset(BODILESS)
cdef Py_ssize_t _OPEN_LIMIT = OPEN_LIMIT
cdef tuple _NOTHING = ()


cdef class Asked:
    """A request that waits for its response. Its body may still come while the response does."""

    cdef readonly object request
    cdef readonly object body  # what reads it; None: it is read, and in the request
    cdef public bint is_continued  # the server has asked for the body (100)

    def __cinit__(self, request, body):
        self.request, self.body = request, body

    cpdef whole(self):
        """The request with what is there of its body."""
        if self.body is not None:
            self.request.body = self.body.body()
        return self.request


cpdef call_of(request, response):
    """A record. It is frozen, whose constructor takes longer than reading both heads; its attributes are set one by one."""
    call = (<PyTypeObject *>HttpCall).tp_new(<type>HttpCall, <PyObject *>_NOTHING, NULL)
    PyObject_GenericSetAttr(call, "asked", None if request is None else request.moment)
    PyObject_GenericSetAttr(call, "answered", None if response is None else response.moment)
    PyObject_GenericSetAttr(call, "request", request)
    PyObject_GenericSetAttr(call, "response", response)
    return call


def read_whole(dialogue, turn):
    data, from_client, moment, gaps, is_last, is_reset = turn
    cdef bint asks
    if gaps or dialogue.is_over or data[:1] in b"\0\r\n":  # what may stand before a message is for the long way
        return None
    client_asks = dialogue.client_asks
    asks = dialogue.asks(turn) if client_asks is None else <bint>from_client == <bint>client_asks
    if dialogue._inboxes and (not dialogue.is_between(asks) or dialogue._simple is not None):
        return None
    if not (_asked(dialogue, data, moment) if asks else _answered(dialogue, data, moment)):
        return None
    if is_last and dialogue.has_inbox(asks):
        dialogue.end_side(asks, is_cut_off=is_reset)
    elif not dialogue._done and len(dialogue.open) <= _OPEN_LIMIT:
        return []  # as _taken would
    return dialogue._taken()


cdef bint _asked(dialogue, bytes data, moment) except -1:
    """Take a turn that is one whole request; False: it is not."""
    request = request_in(data, moment)
    if request is None:
        return False
    framing = request.framing
    cdef Py_ssize_t start = request.head_size
    if framing[0] is not _LENGTH or framing[1] != len(data) - start:
        return False
    if start < len(data):
        request.body = _body(dialogue, request, None, data, start, framing)
    dialogue.open.append(Asked.__new__(Asked, request, None))
    return True


cdef bint _answered(dialogue, bytes data, moment) except -1:
    """Take a turn that is one whole final response; False: it is not."""
    response = response_in(data, moment)
    if response is None:
        return False
    open = dialogue.open
    if not open and dialogue._reads_head:
        return False
    request = (<Asked?>open[0]).request if open else None
    method = None if request is None else request.method
    status, framing = response.status, response.framing
    cdef Py_ssize_t start = response.head_size
    if status < 200 or method == "CONNECT":
        return False
    if method == "HEAD" or status in _BODILESS:
        if start < len(data):
            return False
    elif framing[0] is not _LENGTH or framing[1] != len(data) - start:
        return False
    asked = <Asked>open.popleft() if request is not None else dialogue.next_open()
    if start < len(data):
        response.body = _body(dialogue, request, response, data, start, framing)
    dialogue.called(None if asked is None else (<Asked>asked).whole(), response)
    return True


cdef object _body(dialogue, request, response, bytes data, Py_ssize_t start, framing):
    """A body that is all there."""
    limit = dialogue.body_limit
    if limit is None:
        return dialogue.whole_body(request, response, data)
    values = (len(data) - start, data[start : start + <Py_ssize_t>limit], framing[2], True)
    cdef tuple arguments = (values,)
    return (<PyTypeObject *>tuple).tp_new(<type>Body, <PyObject *>arguments, NULL)

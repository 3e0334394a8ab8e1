from typing import Any, Protocol

from pcapdig.protocols.bodies import Body
from pcapdig.protocols.conversation import Turn
from pcapdig.protocols.http_messages import HttpCall, HttpRequest, HttpResponse

class BodyReader(Protocol):
    def body(self) -> Body: ...

class Asked:
    request: HttpRequest
    body: BodyReader | None
    is_continued: bool
    def __init__(self, request: HttpRequest, body: BodyReader | None) -> None: ...
    def whole(self) -> HttpRequest: ...

def call_of(request: HttpRequest | None, response: HttpResponse | None) -> HttpCall: ...
def read_whole(dialogue: Any, turn: Turn) -> list[Any] | None: ...

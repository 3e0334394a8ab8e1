# Only the native assembler uses it.
from pcapdig.streams._messages import Outbox

OPEN_MAX: int

class Sequencer(Outbox): ...

# Only the native assembler uses it.
from pcapdig.streams._messages import Outbox

class Sequencer(Outbox): ...

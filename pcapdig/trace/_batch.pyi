from pcapdig.trace.flows import Flows
from pcapdig.trace.processes import Processes

COLUMNS: tuple[tuple[str, str], ...]

class Batch:
    def __init__(self, flows: Flows, processes: Processes) -> None: ...

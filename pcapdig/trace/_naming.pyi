from pcapdig.trace.flows import Flows
from pcapdig.trace.processes import Processes

class Naming:
    def __init__(self, flows: Flows, processes: Processes) -> None: ...

from pcapdig.trace.processes import Processes

class Claims:
    def __init__(self, processes: Processes) -> None: ...

from pcapdig.trace.processes import Processes

class Foreign:
    def __init__(self, processes: Processes) -> None: ...

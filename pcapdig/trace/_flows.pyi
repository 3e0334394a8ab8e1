from pcapdig.trace.flows import Flows

class FlowTable:
    def __init__(self, flows: Flows) -> None: ...

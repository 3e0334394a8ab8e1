from pcapdig.trace.flows import Flows

class FlowRows:
    def __init__(self, flows: Flows) -> None: ...

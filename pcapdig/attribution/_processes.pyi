from typing import TypedDict

class Identity(TypedDict):
    tgid: int
    start_boot_ns: int
    exec_id: int
    uid: int
    comm: bytes

class ProcessIdentities:
    count: int
    def identity(self, index: int) -> Identity: ...

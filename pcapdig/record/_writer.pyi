EVIDENCE_NAMES: tuple[str, ...]

class PacketWriter:
    text_count: int
    used: int
    no_memory: bool
    def set_process(self, index: int, pid: int, head: bytes, tail: bytes, apple_block: bytes) -> None: ...
    def forget_process_blocks(self) -> None: ...

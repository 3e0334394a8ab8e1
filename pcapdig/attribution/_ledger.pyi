from pcapdig.attribution._processes import Identity

class Ledger:
    process_count: int
    own_netns: int
    complete: bool
    out_of_memory: bool
    def __init__(self, own_netns: int = 0, complete: bool = True, chosen_ports: range = ...) -> None: ...
    def set_addresses(self, addresses: list[bytes]) -> None: ...
    def apply(self, events: bytes, boot_offset_ns: int) -> int: ...
    def owners(
        self,
        *,
        protocol: int,
        source: bytes,
        source_port: int,
        destination: bytes,
        destination_port: int,
        time_ns: int,
        tcp_flags: int = 16,
        seq: int = 0,
        payload_length: int = 0,
        loopback: bool = True,
        ip_id: int = 0,
        later_fragment: bool = False,
    ) -> tuple[tuple[int, int, int, int], tuple[int, int, int, int]]: ...
    @property
    def roles(self) -> tuple[int, int]: ...
    def process(self, index: int) -> Identity: ...
    def forget_before(self, now_ns: int) -> None: ...
    @property
    def sizes(self) -> dict[str, int]: ...

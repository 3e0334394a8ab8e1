class SocketTables:
    out_of_memory: bool
    @property
    def sizes(self) -> dict[str, int]: ...

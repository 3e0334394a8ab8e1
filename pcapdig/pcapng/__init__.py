"""The file format, draft-ietf-opsawg-pcapng: blocks and options, comments that name a process, compression.

Writing: `blocks.py` makes the blocks that are not per packet (SHB, IDB, ISB, Apple's 0x80000001); the per-packet EPB is laid out
natively in record/_loop.pyx from the bytes that `comments.py` prepared once per process. `sink.py` puts whole blocks into a file,
plain or as gzip members, and leaves a valid file whatever happens.
Reading: `source.py` opens a capture by its content (plain mapped into memory, gzip, zstd, lz4; "-" is standard input) and gives its
bytes in chunks; blocks are then walked natively by trace/_scan.pyx.
    comments.compose(process) -> (head, tail)   # bytes before "evt.io_dir=" and after the evidence's value
    comments.parse(text: bytes) -> Parsed | None
Callers: record/ and trace/. Must not know flows, sockets or the filter language.
"""

"""The file format, draft-ietf-opsawg-pcapng: blocks and options, comments that name a process, compression.

Writing: `blocks.py` makes the blocks that are not per packet (SHB, IDB, ISB, Apple's 0x80000001); the per-packet EPB is laid out
natively in record/_loop.pyx from the bytes that `comments.py` prepared once per process. `sink.py` puts whole blocks into a file,
plain or as gzip members, and leaves a valid file whatever happens.
Reading: `source.py` opens a capture by its content (plain mapped into memory, gzip, zstd, lz4; "-" is standard input) and gives its
bytes in chunks; blocks are then walked natively by trace/_scan.pyx. `text.py`: what may stand in a file as text.

    comments.compose(process, cmdline=True) -> (head, tail)   # bytes before "evt.io_dir=" and after the evidence's value
    comments.line(process, is_write=, evidence=) -> bytes     # a whole comment, for what is not live
    comments.parse(text: bytes) -> Parsed(process, is_write, evidence) | None   # any bytes
    blocks.section_header(...), interface_description(...), interface_statistics(...), apple_process(...), enhanced_packet(...) -> bytes
    blocks.wireshark_process(...) -> bytes                    # Wireshark 5; older versions show it as a frame: only when asked for
    FileSink(path, compress=).write(blocks), .flush(now_ns), .close()   # HostError; ReaderGoneError (a HostError): the pipe's reader left
    open_source(path) -> CaptureSource: .chunks(), .name, .compression, .close()   # InputError; a plain file is one memoryview
    open_reads(name, reads) -> CaptureSource                  # the same from pieces of bytes, such as a file object's
Callers: record/, trace/, dig/ and cli/. Must not know flows, sockets or the filter language.
"""

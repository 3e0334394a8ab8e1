"""What can go wrong, by whose fault. Every message is one line: what, where, what to do.

Raised anywhere, printed only by `pcapdig.cli`, which then ends with exit status 1.
"""

from __future__ import annotations


class PcapdigError(Exception):
    """The root; its text is shown to the user as it stands."""


class UsageError(PcapdigError):
    """The command line is wrong: an unknown option, field, chisel, interface, a bad filter or BPF expression."""


class InputError(PcapdigError):
    """A file cannot be read as a capture, or ends too early. Says the file and, inside it, the byte offset.

    What precedes the damage has already been handed out when this is raised.
    """


class HostError(PcapdigError):
    """The machine refuses: no permission, no eBPF, a full disk, an interface that went away."""


class ChiselError(PcapdigError):
    """A chisel that did not come with pcapdig fails: its author has something to mend. Says the file, the line and the error."""

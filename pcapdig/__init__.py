"""pcapdig: which process on this server sent what to whom, from packets.

Data moves one way, and a room imports only rooms further upstream:

    RECORD   probe => tracer, procs, capture -> attribution -> pcapng          wired by record/
    DIG      pcapng -> packets -> trace -> filters -> streams -> chisels -> render   wired by dig/, entered by cli/

Importing this package loads nothing of the recorder.
"""

__version__ = "0.1.0"

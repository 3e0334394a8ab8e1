"""The command line: sysdig's options, subcommands, exit codes. The only place that prints errors.

0: done, listings, a recording or live run ended by Ctrl-C or SIGTERM. 1: any error, one line on stderr (a filter's has two more,
that show the place). 130: a dig stopped by Ctrl-C before its end. Nothing is printed on stdout after an error.

    main(argv) -> int           # without argv it is the command: ends the process with the exit status
Reading an argv: options.py (the table) -> scanner.py (words) -> settings.py (types and ranges) -> one of listings.py, digging.py,
recording.py, doctor.py. Rooms are imported when needed: a listing loads no numpy, a dig nothing of the recorder. progress.py is the line that a dig
shows on a terminal's stderr while it takes long.
"""

from pcapdig.cli.entry import main

__all__ = ["main"]

"""The command line: sysdig's options, subcommands, exit codes. The only place that prints errors.

0: done, Ctrl-C and SIGTERM included, listings. 1: any error, one line on stderr. Nothing is printed on stdout after an error.
"""

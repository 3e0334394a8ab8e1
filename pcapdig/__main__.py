"""`python -m pcapdig` is the command pcapdig."""

from pcapdig.cli import main

main()

"""`python -m pcapdig` is the command pcapdig."""

from pcapdig.cli import run

run()

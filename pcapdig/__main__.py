"""`python -m pcapdig` is the command pcapdig."""

import sys

from pcapdig.cli import main

sys.exit(main())

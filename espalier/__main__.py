"""Lets `python -m espalier` do what the command `espalier` does."""

import sys

from source.command.main import main

sys.exit(main())

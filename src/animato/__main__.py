"""python -m animato: the command line."""

import sys

from animato.apps.cli import main

if __name__ == "__main__":
    sys.exit(main())

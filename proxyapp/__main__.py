"""Run the command: ``python -m proxyapp``."""

import sys

from proxyapp.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

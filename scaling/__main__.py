"""Entry point of ``python -m scaling``."""

from __future__ import annotations

import sys

from scaling.cli import main

if __name__ == "__main__":
    sys.exit(main())

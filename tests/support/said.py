"""A program that says how it was begun: of `tests/test_loaded.py`."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    assert __spec__ is not None
    print(__name__, __spec__.name, sys.argv[1:])
    sys.exit(7)

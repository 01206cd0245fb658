"""Garbage collection that waits until a library has given back its lock."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_waits() -> Iterator[None]:
    """Inside, nothing is collected; what is garbage before is collected first. Also to be used as a decorator.

    TensorRT tells its logger while it holds a lock that the end of a builder or of an engine takes too. A collection
    that begins in such a line, and finds an old one in an exception's frames, waits for that lock for ever.
    """
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()

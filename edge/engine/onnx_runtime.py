"""ONNX Runtime, imported in one place: it reports nothing to its maker, and does not speak of what means nothing."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_NOTHING = 4  # its errors are raised, too; written, they have colours for a terminal
# 1.23 looks for GPUs on a PCI bus while it is imported, before anybody can ask it to be quiet; a Jetson's is on none
_MEANT_FOR_NOBODY = b"device discovery failed"


def load() -> ModuleType:
    """The module. Raises ImportError where it is missing or cannot be loaded."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read while it is imported; else it leaves files below HOME
    if module := sys.modules.get("onnxruntime"):
        return module
    with _without_lines(_MEANT_FOR_NOBODY):
        module = importlib.import_module("onnxruntime")
    module.set_default_logger_severity(_NOTHING)
    return module


@contextmanager
def _without_lines(text: bytes) -> Iterator[None]:
    """Leaves out lines with ``text`` of what libraries write to the file of standard error; the rest comes later."""
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (OSError, AttributeError, ValueError):  # a program without one
        yield
        return
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            said.seek(0)
            for line in said:
                if text not in line:
                    os.write(2, line)

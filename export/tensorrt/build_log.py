"""What TensorRT says while it builds: errors, and the tactics that it left out, for memory or for another reason."""

from __future__ import annotations

import re
from types import ModuleType
from typing import TYPE_CHECKING

from export.tensorrt.listing import HEAD

if TYPE_CHECKING:
    import tensorrt

# of a tactic, TensorRT says "Skipping tactic" for memory and for any other failure alike: NVIDIA/TensorRT issues 4830
# (NVRTC), 4832 (dequantize on Orin); "insuficient" is how TensorRT 8 spells it
_TACTIC_MEMORY = re.compile(r"insuff?icient memory|out ?of ?memory|error allocating", re.IGNORECASE)
MOST_QUOTED = 200  # characters


class Heard:
    """``errors``: what TensorRT logged as such, in its order. ``skipped_for_memory``, ``skipped_otherwise``,
    ``first_exception``, ``listing``: see `export.tensorrt.build.BuiltEngine`.
    """

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.skipped_for_memory = self.skipped_otherwise = 0
        self.first_exception = self.listing = ""

    def hear(self, text: str, error: bool) -> None:
        """Take one message of the log."""
        if text.startswith(HEAD):
            self.listing = text
        if error:
            self.errors.append(text)
        if "Skipping tactic" not in text:
            return
        if _TACTIC_MEMORY.search(text):
            self.skipped_for_memory += 1
        else:
            self.skipped_otherwise += 1
            before, _, after = " ".join(text.split()).partition("due to exception ")
            self.first_exception = self.first_exception or (after or before)[:MOST_QUOTED]


def logger(trt: ModuleType, heard: Heard) -> tensorrt.ILogger:
    """TensorRT's functions return None and say why only to their logger: this one tells it to ``heard``."""

    class Log(trt.ILogger):  # type: ignore[misc,name-defined]  # the base is known at run time
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: tensorrt.ILogger.Severity, msg: str) -> None:
            heard.hear(msg, severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR))

    return Log()

"""TensorRT-RTX by TensorRT's name: the same parser, builder and runtime calls, from a package a tenth of the size.

Its calls are those of TensorRT 11; its own numbers begin with 1, which would count as too old.
"""

from typing import Any

import tensorrt_rtx as rtx
from tensorrt_rtx import *  # noqa: F403

__version__ = f"11.{rtx.__version__}"


def __getattr__(name: str) -> Any:
    return getattr(rtx, name)

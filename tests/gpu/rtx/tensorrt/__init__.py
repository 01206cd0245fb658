"""TensorRT-RTX by TensorRT's name: the same parser, builder and runtime calls, from a package a tenth of the size.

Its calls are those of TensorRT 11; its own numbers begin with 1, which would count as too old.
"""

from typing import Any

import tensorrt_rtx as rtx
from tensorrt_rtx import *  # noqa: F403

TAKES = ("8.0", "8.6", "8.9", "12.0")  # compute capabilities, as it says where it refuses one; later ones, too
__version__ = f"11.{rtx.__version__}"


def __getattr__(name: str) -> Any:
    return getattr(rtx, name)

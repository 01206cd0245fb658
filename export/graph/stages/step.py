"""A function as a module: what it does stands under a name of its own in the graph.

The exporter names a node after the modules around it, and compilers repeat these names in what they list: so
`export.tensorrt.listing` can say how much of a frame goes into suppression, and how much into finding the best.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn


class Step(nn.Module):
    """``forward`` is ``function``; the name is that of the attribute that holds the step."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *arguments: Any) -> Any:
        return self.function(*arguments)

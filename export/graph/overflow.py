"""Are the network's numbers still numbers? Half precision ends at 65504; what lies beyond compares as false."""

from __future__ import annotations

import torch
from torch import Tensor

LIMIT = 65520.0  # from here on a value rounds to infinity in half precision


def within_half(*values: Tensor) -> Tensor:
    """(1,) bool: every element of ``values`` (float32, any shape) is a number that half precision can hold.

    Looked at are the outputs of the two heads, where what overflowed before them arrives as infinity or not a
    number. An overflow that a ReLU turns into zero on the way is not seen.
    """
    good = [(value.abs() < LIMIT).to(torch.float32).amin().reshape(1) for value in values]
    return torch.cat(good).amin().reshape(1) > 0.5

"""Torch without what it does for nobody here: what comes out is the same, to the byte where it is a file.

The exporter searches its own graph for faults after each of its steps, and looks for the name of each value that is
traced among all that a function holds: neither is in the file. A ResNet's convolutions are filled with random numbers
twice, first as any convolution is, then as ResNets are: the first filling is left out, so that a seed gives others.
Shapes alone (``torch.device("meta")``) hold no numbers to draw, and nothing here is spread over several machines: what
`torch.testing` imports to ask for that takes longer than all that is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.jit import _trace
from torch.testing import _comparison
from torchvision.models import resnet

_plain = resnet.ResNet.__init__
_FILLINGS = {name: getattr(nn.init, name) for name in ("kaiming_normal_", "kaiming_uniform_", "normal_", "uniform_")}


def use() -> None:
    """From here on, in this process. May be called twice."""
    for module, name, instead in (
        (torch._C, "_jit_pass_lint", lambda _graph: None),
        (_trace, "_create_interpreter_name_lookup_fn", lambda *_: lambda _value: ""),
        (resnet.ResNet, "__init__", _filled_once),
        (_comparison, "_unwrap_dtensor_for_comparison", lambda *compared: compared),
        *((nn.init, name, _numbers_alone(filling)) for name, filling in _FILLINGS.items()),
    ):
        assert hasattr(module, name)
        setattr(module, name, instead)


@contextmanager
def same_numbers() -> Iterator[None]:
    """Inside, a seed gives the ResNets that it gives everywhere: for tests that rounding decides with some of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resnet.ResNet, "__init__", _plain)
        yield


def _filled_once(network: Any, *words: Any, **named: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nn.Conv2d, "reset_parameters", lambda _convolution: None)
        _plain(network, *words, **named)


def _numbers_alone(filling: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The same, but that a tensor without numbers stays as it is."""

    def filled(tensor: Tensor, *how: Any, **named: Any) -> Tensor:
        return tensor if tensor.is_meta else filling(tensor, *how, **named)

    return filled

"""Torch without what it does for nobody here: what comes out is the same, to the byte where it is a file.

The exporter searches its own graph for faults after each of its steps, and looks for the name of each value that is
traced among all that a function holds: neither is in the file. A ResNet's convolutions are filled with random numbers
twice, first as any convolution is, then as ResNets are: the first filling is left out, so that a seed gives others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import nn
from torch.jit import _trace
from torchvision.models import resnet

_plain = resnet.ResNet.__init__


def use() -> None:
    """From here on, in this process. May be called twice."""
    for module, name, instead in (
        (torch._C, "_jit_pass_lint", lambda _graph: None),
        (_trace, "_create_interpreter_name_lookup_fn", lambda *_: lambda _value: ""),
        (resnet.ResNet, "__init__", _filled_once),
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

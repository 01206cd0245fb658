"""torchvision without torch's compiler, which it imports to ask a question that it asks of GPUs alone.

``torch._dynamo`` takes longer to import than torch itself, in every process that runs tests, and nothing here compiles.
The processes that tests start have the real one.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

NAME = "torch._dynamo"
_INSTEAD = (NAME, f"{NAME}.utils")


class _Later(ModuleType):
    """The real module, from the first moment somebody asks for more than what stands here."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # whoever looks through all modules looks for these
        put_back()
        return getattr(importlib.import_module(self.__name__), name)


def put_back() -> None:
    """From here on the real one is imported: for what imports modules inside it, such as ``torch.export``."""
    for instead in _INSTEAD:
        if isinstance(sys.modules.get(instead), _Later):
            del sys.modules[instead]


def _uncompiled(function: Any = None, *_: Any, **__: Any) -> Any:
    """What torch's optimisers ask for: the function, not to be compiled."""
    return function


def leave_out() -> None:
    """Before torchvision is imported; afterwards it does nothing."""
    if NAME in sys.modules:
        return
    package, utils = map(_Later, _INSTEAD)
    package.__path__ = []
    package.__dict__.update(disable=_uncompiled, graph_break=lambda *_, **__: None, utils=utils)
    utils.__dict__.update(is_compile_supported=lambda _device: False)
    sys.modules.update({NAME: package, f"{NAME}.utils": utils})

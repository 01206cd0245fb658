"""Any torchvision Faster R-CNN checkpoint -> detector."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from edge.records import InputError

_WRAPPERS = ("model", "state_dict", "model_state_dict")


def read_state(path: Path) -> dict[str, Tensor]:
    """The state dict in a checkpoint file, by parameter name; never runs code from the file.

    Raises InputError where there is no file, or it is none of torch's, or holds more than tensors.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"checkpoint {path}: {error.strerror}: wanted a torch state dict file") from None
    except Exception as error:
        first = str(error).strip().splitlines()[0]
        raise InputError(f"checkpoint {path} is no plain torch state dict ({first})") from None
    for name in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
    if not isinstance(content, dict) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise InputError(f"checkpoint {path} holds no state dict: wanted parameter names and tensors")
    return dict(content)

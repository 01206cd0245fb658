"""A torchvision Faster R-CNN made ready for training, and fast at it on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from export.training.norms import fold_frozen_norms
from export.training.roi_pool import use_bag_pooling
from export.training.settings import TrainSettings

PROPOSALS = (500, 300)  # before and after suppression; torchvision's 2000 are for photographs full of objects
SAMPLES = 128  # of the proposals; torchvision's are 512


def prepare_for_training(model: FasterRCNN, mixed: bool = False) -> None:
    """Change ``model``, in place, so that it trains: for training only, and once.

    It is put into training mode, its maps lie channels last, and a picture gives fewer proposals and samples than
    torchvision takes: a crop holds fewer objects than a photograph. The same values in less time have: the overlap of
    anchors with objects (`overlap`), frozen batch norms (`fold_frozen_norms`) and, on a CPU, RoIAlign
    (`use_bag_pooling`). Parameters, their names and their gradients stay those of the plain model.

    ``mixed``: bfloat16 products in the backbone, the RPN's head and the box head while they are trained; weights,
    gradients, boxes and losses stay float32.
    """
    model.train().to(memory_format=torch.channels_last)
    rpn, heads = model.rpn, model.roi_heads
    rpn._pre_nms_top_n["training"], rpn._post_nms_top_n["training"] = PROPOSALS
    heads.fg_bg_sampler.batch_size_per_image = SAMPLES
    rpn.box_similarity = overlap
    fold_frozen_norms(model)
    use_bag_pooling(model)
    if mixed:
        for part in (model.backbone, rpn.head, heads.box_head):
            part.forward = _bfloat16(part)


def absent(model: FasterRCNN, beginnings: Sequence[str]) -> list[str]:
    """Those of ``beginnings`` with which the name of no parameter begins."""
    names = [name for name, _ in model.named_parameters()]
    return [beginning for beginning in beginnings if not any(name.startswith(beginning) for name in names)]


def check_frozen(model: FasterRCNN, beginnings: Sequence[str]) -> None:
    """Raises InputError for a beginning that no parameter's name has, but for the usual ones: not every detector is of
    a ResNet.
    """
    missing = absent(model, beginnings)
    if missing and beginnings != TrainSettings.frozen:
        names = (name.split(".") for name, _ in model.named_parameters())
        known = dict.fromkeys(".".join(words[: 3 if words[:2] == ["backbone", "body"] else 2]) for words in names)
        raise InputError(
            f"--freeze {missing[0]}: no parameter's name begins so: expected some of {', '.join(known)}, or longer"
        )


def freeze(model: FasterRCNN, beginnings: Sequence[str]) -> None:
    """Let the parameters whose names begin so stay as they are. Raises InputError where none is left to train."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(parameter.requires_grad and not name.startswith(tuple(beginnings)))
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise InputError(f"--freeze {','.join(beginnings)} leaves no parameter to train: expected fewer")


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether there are instructions for bfloat16 products: GPUs from Ampere on; CPUs with AVX-512 BF16 or AMX.
    Elsewhere they are emulated, and slower.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    ask = getattr(torch.cpu, "get_capabilities", None)  # an older torch cannot tell: float32 then
    capable = ask() if ask and device.type == "cpu" else {}
    return any(capable.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def overlap(boxes: Tensor, others: Tensor) -> Tensor:
    """(N, M) intersection over union of (N, 4) and (M, 4) float32 xyxy: torchvision's ``box_iou`` to the bit."""
    left, right = (v.t().contiguous() for v in (boxes, others))  # (4, N), (4, M)

    def length(axis: int) -> Tensor:
        low = torch.maximum(left[axis][:, None], right[axis])
        return torch.minimum(left[axis + 2][:, None], right[axis + 2]).sub_(low).clamp_(min=0)

    both = length(0).mul_(length(1))
    first, second = ((v[2] - v[0]) * (v[3] - v[1]) for v in (left, right))
    return both.div_((first[:, None] + second).sub_(both))


def _bfloat16(module: nn.Module) -> Callable[..., Any]:
    """The forward of ``module`` in mixed precision while it is trained; what it gives is float32."""
    plain = module.forward

    def forward(*inputs: Any) -> Any:
        with torch.autocast(next(module.parameters()).device.type, torch.bfloat16, enabled=module.training):
            return _float32(plain(*inputs))

    return forward


def _float32(output: Any) -> Any:
    if isinstance(output, Tensor):
        return output.float()
    if isinstance(output, dict):
        return {name: _float32(value) for name, value in output.items()}
    return type(output)(_float32(value) for value in output)

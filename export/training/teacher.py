"""Distillation: a trained detector, the teacher, looks at the same crops, and what it makes of the student's proposals
is learnt beside the labels. A smaller or faster student so comes nearer to the teacher than labels alone bring it.

Classes by the softened probabilities of Hinton et al. 2015 (arXiv:1503.02531), boxes as in Chen et al. 2017 (NIPS,
"Learning Efficient Object Detection Models with Knowledge Distillation"), without its bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from export.data.dataset import LabelledFrame, LabelledSet
from export.training.crops import resize_factor
from export.training.norms import fold_frozen_norms
from export.training.roi_pool import use_bag_pooling

TEACHER_LOSSES = ("loss_teacher_class", "loss_teacher_box")
TEMPERATURE = 2.0  # probabilities are those of scores divided by it: what is nearly right counts more
SAME_FACTOR = 0.01  # by how much the teacher's enlarging may differ from frame to frame
STEP = 64  # sides of the teacher's picture are multiples of it, so that every level of its pyramid fits


class Teacher:
    """``model`` as a teacher for ``student`` on crops of ``data``. ``model`` is changed, in place, for that use alone.

    The teacher may see frames at another size than the student: crops are resized as both would have resized the frame.

    Classes are matched by name. Of a class that the teacher does not know it says nothing: what is learnt from it are
    the probabilities among the background and the classes that both know. ``taught``: these, by the set's names.

    Raises InputError where the two share no class, or it cannot be told which, and where the teacher resizes frames of
    the set by differing factors of what the student does.
    """

    def __init__(self, model: FasterRCNN, student: FasterRCNN, data: LabelledSet) -> None:
        pairs = _pairs(model, data.classes)
        self.taught = tuple(data.classes[own - 1] for own, _ in pairs)
        self._own, self._its = (torch.tensor([0, *labels]) for labels in zip(*pairs, strict=True))
        self._factor = _factor(model, student, data.frames)
        self._model = model.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        fold_frozen_norms(model)
        use_bag_pooling(model)
        # deltas are in units of the coder's weights, each detector's its own
        own, its = (torch.tensor(m.roi_heads.box_coder.weights) for m in (student, model))
        self._units = own / its

    def losses(
        self, grey: Tensor, proposals: Sequence[Tensor], labels: Sequence[Tensor], logits: Tensor, deltas: Tensor
    ) -> dict[str, Tensor]:
        """Scalars by name of `TEACHER_LOSSES`, to be added to the student's own losses.

        ``grey``: the crops, (B, 1, S, S) float32 0..1. ``proposals``: of each crop, (N, 4) float32 xyxy crop pixels;
        ``labels``: of each, (N,) int64, 0 = background. ``logits`` (sum N, 1 + classes) and ``deltas`` (sum N,
        4 (1 + classes)) float32: what the student says of them.
        """
        taught_logits, taught_deltas = self._look(grey, proposals)
        own_labels, its_labels = self._own.to(logits.device), self._its.to(logits.device)
        soft = F.log_softmax(logits[:, own_labels] / TEMPERATURE, dim=1)
        taught = F.log_softmax(taught_logits[:, its_labels] / TEMPERATURE, dim=1)
        # the square keeps the gradients as large as those of the labels, whatever the temperature
        of_class = F.kl_div(soft, taught, reduction="batchmean", log_target=True) * TEMPERATURE**2
        label = torch.cat(list(labels))
        rows = torch.nonzero(torch.isin(label, own_labels[1:]))[:, 0]
        to_its = torch.zeros(logits.shape[1], dtype=torch.int64, device=label.device)
        to_its[own_labels] = its_labels
        of_them = label[rows], to_its[label[rows]]
        pair = zip((deltas, taught_deltas), of_them, strict=True)
        own, its = (d.reshape(len(label), -1, 4)[rows, which] for d, which in pair)
        of_box = F.smooth_l1_loss(own, its * self._units.to(its.device), beta=1 / 9, reduction="sum") / len(label)
        return dict(zip(TEACHER_LOSSES, (of_class, of_box), strict=True))

    @torch.no_grad()
    def _look(self, grey: Tensor, proposals: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """The teacher's logits and deltas for those proposals."""
        transform, heads = self._model.transform, self._model.roi_heads
        seen = grey if self._factor == 1 else F.interpolate(grey, scale_factor=self._factor, mode="bilinear")
        high, wide = seen.shape[-2:]
        mean, std = (
            torch.tensor(v, device=grey.device)[:, None, None] for v in (transform.image_mean, transform.image_std)
        )
        # zeros are what the network sees outside a frame
        picture = F.pad((seen - mean) / std, (0, -wide % STEP, 0, -high % STEP))
        sizes = [tuple(picture.shape[-2:])] * len(picture)
        maps = self._model.backbone(picture)
        pooled = heads.box_roi_pool(maps, [boxes * self._factor for boxes in proposals], sizes)
        logits, deltas = heads.box_predictor(heads.box_head(pooled))
        return logits, deltas


def _pairs(teacher: FasterRCNN, classes: Sequence[str]) -> list[tuple[int, int]]:
    """Labels of the student and of the teacher for each class that both know, from 1."""
    known = tuple(getattr(teacher, "class_names", ()))
    outputs = teacher.roi_heads.box_predictor.cls_score.out_features - 1
    if not known and outputs == len(classes):
        return [(label, label) for label in range(1, outputs + 1)]
    if not known or len(known) != outputs:
        raise InputError(
            f"the teacher has {outputs} classes ({', '.join(known) or 'without names'}), the training set "
            f"{len(classes)} ({', '.join(classes)}): expected a teacher that names its classes, or as many in the same "
            "order"
        )
    place = {name.casefold(): label for label, name in enumerate(known, 1)}
    pairs = [(own, place[name.casefold()]) for own, name in enumerate(classes, 1) if name.casefold() in place]
    if not pairs:
        raise InputError(
            f"the teacher knows {', '.join(known)}, the training set has {', '.join(classes)}: expected a class that "
            "both have; --classes NAME=LABEL renames those of the set"
        )
    return pairs


def _factor(teacher: FasterRCNN, student: FasterRCNN, frames: Iterable[LabelledFrame]) -> float:
    """Pixels that the teacher sees for one that the student sees."""
    by_size = {(f.width, f.height): resize_factor(teacher, f) / resize_factor(student, f) for f in frames}
    low, high = min(by_size, key=lambda size: by_size[size]), max(by_size, key=lambda size: by_size[size])
    if by_size[high] - by_size[low] > SAME_FACTOR * by_size[low]:
        raise InputError(
            f"the teacher sees frames of {low[0]}x{low[1]} {by_size[low]:.2f} times as large as the student and frames "
            f"of {high[0]}x{high[1]} {by_size[high]:.2f} times: expected one factor; train on one size, or choose "
            "--min-size and --max-size of the student in the proportion of the teacher's"
        )
    return by_size[low]

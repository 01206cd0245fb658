"""What a teacher makes of the student's crops and proposals is learnt beside the labels."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from export.data.dataset import LabelledSet
from export.training.augment import Augmentation, Crop
from export.training.criterion import LOSSES, DetectionCriterion
from export.training.loop import Trainer
from export.training.prepare import prepare_for_training
from export.training.settings import TrainSettings
from export.training.teacher import TEACHER_LOSSES, Teacher
from tests.support.tiny_training import FROZEN, crops, detector, tiny_model, tiny_set

pytestmark = pytest.mark.usefixtures("narrow_resnet")

GREY = torch.from_numpy(np.stack([c.pixels for c in crops()]))[:, None].float() / 255
PROPOSALS = [torch.tensor([[5.0, 5, 17, 29], [3, 3, 40, 50]]), torch.tensor([[30.0, 20, 44, 60]])]
LABELS = [torch.tensor([1, 0]), torch.tensor([2])]


@pytest.fixture
def data(tmp_path: Path) -> LabelledSet:
    found = tiny_set(tmp_path)
    return LabelledSet(("person", "deer"), found.frames)


def as_torchvision(model: FasterRCNN, factor: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and deltas by torchvision's own modules, with nothing of ours in between."""
    model = copy.deepcopy(model).eval()
    with torch.no_grad():
        seen = F.interpolate(GREY, scale_factor=factor, mode="bilinear")
        mean, std = (torch.tensor(v)[:, None, None] for v in (model.transform.image_mean, model.transform.image_std))
        maps = model.backbone((seen - mean) / std)
        side = seen.shape[-1]
        pooled = model.roi_heads.box_roi_pool(maps, [boxes * factor for boxes in PROPOSALS], [(side, side)] * 2)
        return model.roi_heads.box_predictor(model.roi_heads.box_head(pooled))  # type: ignore[no-any-return]


def test_a_student_that_is_its_teacher_has_nothing_to_learn_from_it(data: LabelledSet) -> None:
    student = detector("layer1")
    teacher = Teacher(copy.deepcopy(student), student, data)
    logits, deltas = as_torchvision(student, 1)
    for value in teacher.losses(GREY, PROPOSALS, LABELS, logits, deltas).values():
        assert abs(float(value)) < 1e-6
    for value in teacher.losses(GREY, PROPOSALS, LABELS, logits.flip(1), deltas + 1).values():
        assert float(value) > 1e-3


def test_the_losses_by_hand_where_the_teacher_sees_twice_the_size(data: LabelledSet) -> None:
    torch.manual_seed(0)
    large, student = detector("layer1"), detector("layer1")
    large.transform.min_size, large.transform.max_size = (128,), 128
    student.roi_heads.box_coder.weights = (20.0, 20.0, 5.0, 5.0)  # twice torchvision's for x, y
    taught_logits, taught_deltas = as_torchvision(large, 2)
    logits, deltas = torch.randn(3, 3), torch.randn(3, 12)
    found = Teacher(large, student, data).losses(GREY, PROPOSALS, LABELS, logits, deltas)
    p, q = (torch.softmax(v.double() / 2, 1) for v in (taught_logits, logits))
    by_class = 4 * float((p * (p / q).log()).sum()) / 3
    assert math.isclose(float(found["loss_teacher_class"]), by_class, rel_tol=1e-4)
    away = [
        deltas[row, 4 * label : 4 * label + 4]
        - taught_deltas[row, 4 * label : 4 * label + 4] * torch.tensor([2, 2, 1, 1])
        for row, label in ((0, 1), (2, 2))  # the background has no box
    ]
    smooth = [float(d**2 * 4.5 if abs(d) < 1 / 9 else abs(d) - 1 / 18) for v in away for d in v]
    assert math.isclose(float(found["loss_teacher_box"]), sum(smooth) / 3, rel_tol=1e-4)


def test_they_are_added_to_the_students_own(data: LabelledSet) -> None:
    student, teacher = detector("layer1"), detector("layer1")
    with torch.no_grad():
        teacher.roi_heads.box_predictor.cls_score.bias[1] += 1
    prepare_for_training(student)
    criterion = DetectionCriterion(student, Teacher(teacher, student, data))
    torch.manual_seed(1)
    found = criterion(crops())
    torch.manual_seed(1)
    plain = DetectionCriterion(student)(crops())
    assert tuple(found) == criterion.names == LOSSES + TEACHER_LOSSES
    assert {name: float(found[name].detach()) for name in LOSSES} == {n: float(v.detach()) for n, v in plain.items()}
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    found["loss_teacher_class"].backward()  # type: ignore[no-untyped-call]
    gradient = student.roi_heads.box_predictor.cls_score.bias.grad
    assert gradient is not None
    assert gradient[1] < 0 < gradient[0], "the teacher is surer of the first class: the student is to become so"
    assert all(p.grad is None for p in teacher.parameters())
    assert all(torch.equal(before[name], value) for name, value in teacher.state_dict().items())


def test_crops_that_hold_nothing_to_sample_teach_nothing(data: LabelledSet) -> None:
    student = detector("layer1")
    prepare_for_training(student)
    whole = np.array([[0, 0, 64, 64]], np.float32)
    covered = [Crop(c.pixels, c.boxes[:0], c.labels[:0], whole) for c in crops()]
    found = DetectionCriterion(student, Teacher(detector("layer1"), student, data))(covered)
    assert [float(found[name].detach()) for name in TEACHER_LOSSES] == [0, 0]


def named(model: FasterRCNN, *classes: str) -> FasterRCNN:
    model.class_names = classes
    return model


def test_classes_are_those_of_the_same_name_wherever_they_stand(data: LabelledSet) -> None:
    torch.manual_seed(0)
    model, student = detector("layer1"), detector("layer1")
    taught_logits, taught_deltas = as_torchvision(model, 1)
    turned = Teacher(named(copy.deepcopy(model), "Deer", "person"), student, data)
    assert turned.taught == data.classes
    other = [0, 2, 1]  # the student's classes in the teacher's order
    deltas = taught_deltas.reshape(3, 3, 4)[:, other].reshape(3, 12)
    for value in turned.losses(GREY, PROPOSALS, LABELS, taught_logits[:, other], deltas).values():
        assert abs(float(value)) < 1e-6
    for value in turned.losses(GREY, PROPOSALS, LABELS, taught_logits, taught_deltas).values():
        assert float(value) > 1e-4


def test_of_a_class_that_the_teacher_does_not_know_nothing_is_learnt_from_it(data: LabelledSet) -> None:
    model, student = detector("layer1"), detector("layer1")
    taught_logits, taught_deltas = as_torchvision(model, 1)
    teacher = Teacher(named(copy.deepcopy(model), "car", "deer"), student, data)  # the student: person, deer
    assert teacher.taught == ("deer",)
    logits, deltas = taught_logits.clone(), taught_deltas.clone()
    logits[:, 1] += torch.tensor([3.0, -2.0, 5.0])  # person against car
    deltas[:, :8] += 1  # boxes of the background and of the person
    found = teacher.losses(GREY, PROPOSALS, LABELS, logits, deltas)
    assert all(abs(float(value)) < 1e-6 for value in found.values())
    logits[:, 2] += 1
    deltas[2, 8:] += 1  # the third proposal is a deer
    found = teacher.losses(GREY, PROPOSALS, LABELS, logits, deltas)
    assert all(float(value) > 1e-3 for value in found.values())


@pytest.mark.parametrize(
    ("classes", "told"),
    [
        (("person",), r"the teacher has 2 classes \(person\), .*: expected a teacher that names its classes"),
        (
            ("car", "boat"),
            r"the teacher knows car, boat, the training set has person, deer: expected a class that both",
        ),
    ],
)
def test_a_teacher_that_shares_no_class_or_does_not_name_them_is_refused(
    data: LabelledSet, classes: tuple[str, ...], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        Teacher(named(detector("layer1"), *classes), detector("layer1"), data)
    wider = LabelledSet((*data.classes, "fox"), data.frames)
    with pytest.raises(InputError, match=r"2 classes \(without names\), the training set 3"):
        Teacher(detector("layer1"), detector("layer1"), wider)


def test_one_that_resizes_by_differing_factors_too(data: LabelledSet) -> None:
    teacher, student = detector("layer1"), detector("layer1")
    teacher.transform.min_size, teacher.transform.max_size = (64,), 96
    wide = replace(data.frames[0], width=192)
    with pytest.raises(
        InputError, match=r"128x96 1\.33 times as large as the student and frames of 192x96 1\.50 times"
    ):
        Teacher(teacher, student, LabelledSet(data.classes, (*data.frames, wide)))


def test_a_taught_run_says_who_taught_it_and_is_resumed_with_the_same_only(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    frames = tiny_set(tmp_path / "frames")
    how = TrainSettings(steps=1, batch=1, frozen=FROZEN, augmentation=Augmentation(crop=64))

    def trainer(sha256: str | None) -> Trainer:
        of: dict[str, Any] = {"teacher": tiny_model(), "taught_by": {"name": "t", "checkpoint_sha256": sha256}}
        return Trainer(tiny_model(), frames, tmp_path / "run", how, **(of if sha256 else {}))

    trainer("ab").run(lambda _: None)
    record = torch.load(tmp_path / "run/model.pth", weights_only=True)["training"]
    assert record["teacher"] == {"name": "t", "checkpoint_sha256": "ab"}
    for other in ("cd", None):
        with pytest.raises(InputError, match="another teacher"):
            trainer(other)

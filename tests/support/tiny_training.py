"""A detector and frames small enough to train in a test."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torchvision.models.detection import FasterRCNN

from export.data.dataset import LabelledFrame, LabelledSet
from export.detector.build import frc_resnet_fpn
from export.detector.pyramid import PyramidName
from export.training.augment import Crop
from tests.support.quick_torch import same_numbers

NONE = np.zeros((0, 4), np.float32)
# prefixes of parameters that stay: nine tenths of a ResNet18, which a test would only move about and write to disk
FROZEN = ("backbone.body.conv1", "backbone.body.layer1", "backbone.body.layer3", "backbone.body.layer4")


def tiny_model(classes: int = 1) -> FasterRCNN:
    torch.manual_seed(0)
    with same_numbers():
        model = frc_resnet_fpn(
            18, classes, "layer1", channels=8, representation_size=16, sampling_ratio=2,
            image_mean=(0.4,) * 3, image_std=(0.2,) * 3, min_size=96, max_size=128,
        )  # fmt: skip
    with torch.no_grad():
        for name, value in model.named_buffers():
            if name.endswith("running_var"):
                value.fill_(4.0)
    return model


def tiny_set(folder: Path) -> LabelledSet:
    """Three frames of 128 x 96 pixels with one person each."""
    rng = np.random.default_rng(0)
    frames = []
    for i in range(3):
        pixels = rng.integers(60, 90, (96, 128)).astype(np.uint8)
        pixels[40:52, 30:40] = 220
        path = folder / f"{i}.png"
        cv2.imwrite(str(path), pixels)
        frames.append(
            LabelledFrame(path, 128, 96, np.array([[30, 40, 40, 52]], np.float32), np.zeros(1, np.int64), NONE)
        )
    return LabelledSet(("person",), tuple(frames))


def detector(pyramid: PyramidName = "conv1") -> FasterRCNN:
    """Of 64 x 64 pictures; frozen norms that do something. "layer1" has a quarter of the anchors."""
    torch.manual_seed(0)
    with same_numbers():
        model = frc_resnet_fpn(
            18, 2, pyramid, channels=8, representation_size=16, sampling_ratio=2,
            image_mean=(0.4,) * 3, image_std=(0.2,) * 3, min_size=64, max_size=64,
        )  # fmt: skip
    rng = torch.Generator().manual_seed(1)
    for value in model.buffers():
        value.copy_(torch.rand(value.shape, generator=rng) + 0.5)
    return model


def crops() -> list[Crop]:
    rng = np.random.default_rng(0)
    boxes = np.array([[5, 5, 17, 29], [40, 30, 55, 41], [8, 44, 14, 50]], np.float32)
    labels = np.array([0, 1, 1], np.int64)
    pictures = rng.integers(0, 256, (2, 64, 64), np.uint8)
    return [Crop(pictures[0], boxes, labels, NONE), Crop(pictures[1], boxes[:1], labels[:1], NONE)]


def assert_same_gradients(found: nn.Module, expected: nn.Module) -> None:
    for (name, b), a in zip(found.named_parameters(), expected.parameters(), strict=True):
        assert a.grad is not None, name
        assert b.grad is not None, name
        largest = float(a.grad.abs().max())
        torch.testing.assert_close(
            b.grad, a.grad, rtol=1e-3, atol=1e-5 * largest + 1e-9, msg=partial("{}: {}".format, name)
        )

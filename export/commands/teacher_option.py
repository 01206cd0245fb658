"""``--teacher`` of ``edge-export train``: which detector teaches, and what the new one begins with."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from edge.model.normalisers import Normalisers
from export.detector.checkpoint import detector_of, normalisers_of, read_checkpoint
from export.training.start import begin_as


@dataclass(frozen=True)
class TaughtBy:
    """``model``: the teacher; ``origin``: whose weights those are, for the record."""

    path: Path
    model: FasterRCNN
    origin: Mapping[str, Any]


def add_teacher_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--teacher``."""
    parser.add_argument(
        "--teacher",
        type=Path,
        metavar="MODEL",
        help="bundle or checkpoint that teaches beside the labels: what it says of the same crops is learnt too. "
        "Without --from, the new detector is like it but for the options given, and begins with its weights that fit",
    )


def read_teacher(path: Path) -> TaughtBy:
    """The teacher. Raises InputError where it cannot be read, or does not say which detector it is."""
    checkpoint = read_checkpoint(path)
    if not checkpoint.settings:
        raise InputError(
            f"--teacher {path} does not say which detector it is: make a bundle of it first, with edge-export onnx, "
            "which asks for what it does not say, and give that"
        )
    return TaughtBy(path, detector_of(checkpoint), checkpoint.origin())


def check_same_view(teacher: TaughtBy, normalisers: Normalisers) -> None:
    """Raises InputError where the teacher knows other grey pictures than those of the training."""
    if (known := normalisers_of(teacher.model)) != normalisers:
        raise InputError(
            f"--teacher {teacher.path} was trained on frames that became grey otherwise (8 bit: {known.spec_8bit}, 16 "
            f"bit: {known.spec_16bit}) than these (8 bit: {normalisers.spec_8bit}, 16 bit: {normalisers.spec_16bit}): "
            "expected the same; leave --normalise-8bit and --normalise-16bit out"
        )


def begin(model: FasterRCNN, teacher: TaughtBy) -> str:
    """Give ``model``, in place, what fits of the teacher's weights; a line that says what does not."""
    new = begin_as(model, teacher.model)
    but = f", but for {', '.join(new)}, which begin from nothing" if new else ""
    return f"the detector begins with the weights of its teacher, {teacher.path}{but}"

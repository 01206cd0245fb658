"""What ``edge-export train`` begins with, and the lines that say so: the machine, sizes seen, classes, the teacher."""

from __future__ import annotations

import argparse
import copy
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from edge.model.normalisers import Normalisers
from export.data.dataset import LabelledSet
from export.detector.checkpoint import Checkpoint, detector_of, normalisers_of, read_checkpoint
from export.detector.replace_head import replace_head
from export.evaluate.classes import near_names
from export.evaluate.trained_on import TrainedOn
from export.training.crops import resize_factor
from export.training.loop import Trainer, identity_of
from export.training.prepare import absent
from export.training.start import begin_as

MOST_SEED = 9 * 10**12  # times 1,000,003 (`Trainer`) it is a number of 63 bits
MOST_AT_ONCE = 1024  # threads or processes; PyTorch dies of a hundred thousand


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


def check_options(arguments: argparse.Namespace) -> None:
    """Raises InputError for a number that cannot be one, and for options that would do nothing."""
    a = arguments
    for name, least in (("seed", 0), ("threads", 0), ("workers", 0), ("minutes", 0.0)):
        if (getattr(a, name) or 0) < least:
            raise InputError(f"--{name} {getattr(a, name):g}: expected {least:g} or more")
    for name, most in (("seed", MOST_SEED), ("threads", MOST_AT_ONCE), ("workers", MOST_AT_ONCE)):
        if (getattr(a, name) or 0) > most:
            raise InputError(f"--{name} {getattr(a, name)}: expected {most} or less")
    for name in ("steps", "batch", "crop", "learning_rate"):
        if not getattr(a, name) > 0:
            raise InputError(f"--{name.replace('_', '-')} {getattr(a, name)}: expected more than 0")
    for name in ("mosaic", "quarter_turns"):
        if not 0 <= getattr(a, name) <= 1:
            raise InputError(f"--{name.replace('_', '-')} {getattr(a, name)}: expected a part from 0 to 1")
    if a.crop % 64:
        raise InputError(f"--crop {a.crop}: expected a multiple of 64, so that every pyramid level fits")
    if a.start and a.backbone:
        raise InputError(
            f"--backbone {a.backbone} is not read beside --from {a.start}, which has its own ResNet: give one of them"
        )
    of_start = ["--weights-of"] * (a.weights_of is not None) + ["--assume-rest"] * a.assume_rest
    if of_start and not a.start:
        raise InputError(f"{', '.join(of_start)} is about the model of --from: give --from MODEL, or leave it out")


def read_teacher(path: Path) -> TaughtBy:
    """The teacher. Raises InputError where it cannot be read, or does not say which detector it is."""
    checkpoint = read_checkpoint(path)
    if not checkpoint.settings:
        raise InputError(
            f"--teacher {path} does not say which detector it is: make a bundle of it first, with edge-export onnx, "
            "which asks for what it does not say, and give that"
        )
    return TaughtBy(path, detector_of(checkpoint), checkpoint.origin())


def seen(
    data: LabelledSet, keys: Sequence[bytes], start: Checkpoint | None, teacher: TaughtBy | None
) -> dict[str, Any]:
    """What a model will have seen that is trained on ``data``; ``keys``: of its pictures, see `check_readable`."""
    all_of_it = TrainedOn.of(data, keys)
    if start:
        all_of_it = all_of_it.after(start.training, str(start.origin()["name"]))
    if teacher:
        all_of_it = all_of_it.after(teacher.model.training_record, str(teacher.origin["name"]))
    return all_of_it.to_json()


def of_the_teacher(teacher: TaughtBy, classes: Sequence[str]) -> list[str]:
    """Lines: which classes are learnt from the teacher too, which of its are not; none where it knows the same."""
    known = tuple(teacher.model.class_names)
    folded = [{name.casefold() for name in names} for names in (known, classes)]
    both = [name for name in classes if name.casefold() in folded[0]]
    alone = [name for name in classes if name.casefold() not in folded[0]]
    gone = [name for name in known if name.casefold() not in folded[1]]
    if not known or not both or not (alone or gone):
        return []
    lines = [f"{teacher.path} teaches {', '.join(both)}" + (f"; by labels alone: {', '.join(alone)}" if alone else "")]
    return lines + ([f"{teacher.path} also knows {', '.join(gone)}: not learnt, no frame has it"] if gone else [])


def check_same_view(teacher: TaughtBy, normalisers: Normalisers) -> None:
    """Raises InputError where the teacher knows other grey pictures than those of the training."""
    if (known := normalisers_of(teacher.model)) != normalisers:
        raise InputError(
            f"--teacher {teacher.path} was trained on frames that became grey otherwise (8 bit: {known.spec_8bit}, 16 "
            f"bit: {known.spec_16bit}) than these (8 bit: {normalisers.spec_8bit}, 16 bit: {normalisers.spec_16bit}): "
            "expected the same; leave --normalise-8bit and --normalise-16bit out"
        )


def begin(model: FasterRCNN, teacher: TaughtBy, classes: Sequence[str]) -> str:
    """Give ``model``, in place, what fits of the teacher's weights; a line that says what does not. Its ``classes``
    begin as those of the same name.
    """
    like = copy.deepcopy(teacher.model)
    if like.class_names:
        replace_head(like, classes)
    new = begin_as(model, like)
    but = f", but for {', '.join(new)}, which begin from nothing" if new else ""
    return f"the detector begins with the weights of its teacher, {teacher.path}{but}"


def sizes_seen(model: FasterRCNN, data: LabelledSet) -> str:
    """One line: how large the detector sees the frames, as --min-size and --max-size together say."""
    sizes = {(f.width, f.height): resize_factor(model, f) for f in data.frames}
    seen = [f"{w}x{h} at {round(w * by)}x{round(h * by)}" for (w, h), by in sorted(sizes.items())]
    more = f" and {len(seen) - 3} more sizes" if len(seen) > 3 else ""
    return f"the detector sees frames of {', '.join(seen[:3])}{more}"


def of_the_start(start: str, known: Sequence[str], classes: Sequence[str], kept: Sequence[str]) -> list[str]:
    """Lines: which of a start's classes are gone on with, which are new, which are no more."""
    if not known:
        return [f"{start} has no class names: its classes are taken to be, in this order, {', '.join(classes)}"]
    new = [name for name in classes if name not in kept]
    gone = [name for name in known if name.casefold() not in {one.casefold() for one in classes}]
    near = {name: meant[0] for name in new if (meant := near_names(name, gone))}
    lines = (
        [f"{start} knows {', '.join(kept) or 'no class of these'}; new, trained from zero: {', '.join(new)}"]
        if new
        else []
    )
    lines += [f"{start} also knows {', '.join(gone)}: the frames have no such class, it is left out"] if gone else []
    same = ",".join(f"{near.get(name, name)}={name}" if name in near else name for name in classes)
    return lines + ([f"if some of these are the same class: --classes {same}"] if near else [])


def of_the_run(trainer: Trainer, out: Path, given: Mapping[str, Any] | None) -> list[str]:
    """Lines: what of the usual is not there to be frozen; whether a run goes on, and where an earlier version began it
    from another start (`Checkpoint.origin`) than the one ``given``.
    """
    unknown = absent(trainer.model, trainer.settings.frozen)
    lines = [f"not frozen, since the detector has none: {', '.join(unknown)}"] if unknown else []
    if not trainer.step:
        return lines
    lines.append(f"resuming the run of {out} at step {trainer.step}")
    if identity_of(trainer.start) != identity_of(given):
        began = f"from {trainer.start['name']}" if trainer.start else "without --from"
        lines.append(f"this run was begun {began}: it goes on with its own weights, and its record says so")
    return lines


def use_machine(arguments: argparse.Namespace, device: torch.device) -> int:
    """Take the cores and the GPU that are asked for; returns how many processes are to draw crops."""
    if hasattr(os, "nice"):
        os.nice(5)  # hours of work must not make the desk unusable
    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(arguments.threads or cores)
    on_gpu = device.type == "cuda"
    torch.backends.cudnn.benchmark = on_gpu  # all crops are of one size: what is fastest for it is found once
    if arguments.workers is None:
        return min(cores, 8) if on_gpu else 0
    return int(arguments.workers)

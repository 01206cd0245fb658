"""``edge-export train``: labelled frames -> checkpoint."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from torchvision.models.detection import FasterRCNN

from edge.commands.console import Screen
from edge.errors import EdgeError, InputError
from edge.model.bundle import sha256
from edge.model.normalisers import Normalisers
from edge.thermal.normalise import NormaliseSpec
from export.commands import train_start
from export.commands.console import bars_on, console_of, now_and_then, say
from export.commands.detector_options import (
    add_detector_options,
    add_device_option,
    asked_settings,
    detector_settings,
    device_of,
)
from export.commands.label_options import add_class_options, add_unlabelled_option, class_choice, read_training_sets
from export.commands.watch_options import add_watch_options, read_watched, watch_of
from export.data.clean import tidy, told
from export.data.dataset import LabelledSet
from export.detector.build import build_detector
from export.detector.checkpoint import detector_of, normalisers_of, read_checkpoint
from export.detector.configuration import preset
from export.detector.replace_head import replace_head
from export.evaluate.hard_examples import Place, read_hard_examples
from export.evaluate.readable import check_boxes, check_readable
from export.training.augment import Augmentation
from export.training.loop import Trainer
from export.training.settings import TrainSettings
from export.training.start import calibrate_norms, grey_statistics, load_backbone


def add_train_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``train`` to the subcommands; its ``run`` default is `run_train`."""
    what = "train a detector on labelled frames; the same command resumes the run that is in --out"
    parser = commands.add_parser("train", help=what, description=what)
    parser.set_defaults(run=run_train)
    s, a = TrainSettings(), Augmentation()
    parser.add_argument(
        "--data",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="folder with frames and labels: COCO, HIT-UAV, Pascal VOC or YOLO; several are merged by class name",
    )
    parser.add_argument(
        "--sampling-weights",
        "--shares",
        metavar="X,X,...",
        help="part of the training crops from each --data, such as 0.8,0.2 (default: by number of frames)",
    )
    parser.add_argument("--annotations", type=Path, metavar="JSON", help="a COCO file, such as cleaned.json")
    parser.add_argument("--images", type=Path, metavar="DIR", help="folder of its images")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of the run; the same command resumes a run that is there",
    )
    parser.add_argument(
        "--from", dest="start", type=Path, metavar="MODEL", help="bundle or checkpoint whose weights to start from"
    )
    train_start.add_teacher_option(parser)
    parser.add_argument(
        "--backbone", type=Path, metavar="FILE", help="file with the weights of a ResNet alone, to start from"
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="RUN:FIRST-LAST",
        help="leave out these frames of a flight, such as 1_60_60_0:408-539",
    )
    parser.add_argument(
        "--hard-examples",
        "--mistakes",
        type=Path,
        action="append",
        default=[],
        metavar="JSON",
        help="what edge-export eval --hard-examples wrote for the training frames: "
        f"{100 * a.hard_examples:.0f} %% of the training crops are drawn there, the others by --sampling-weights",
    )
    for bits, default in (("8", s.normalise_8bit), ("16", s.normalise_16bit)):
        usual = f"default: that of the model of --from, else {default.partition(':')[0]}"
        what = f"how {bits}-bit frames become grey; it is stored, and edge run does the same ({usual})"
        parser.add_argument(f"--normalise-{bits}bit", metavar="METHOD[:NAME=VALUE,...]", help=what)
    parser.add_argument(
        "--steps", type=int, default=s.steps, help="training steps, of --batch crops each (default: %(default)s)"
    )
    parser.add_argument(
        "--minutes", type=float, default=0.0, help="end after so many minutes if --steps are not done by then"
    )
    parser.add_argument("--batch", type=int, default=s.batch, help="crops a step (default: %(default)s)")
    parser.add_argument("--crop", type=int, default=a.crop, help="side of a crop, px (default: %(default)s)")
    parser.add_argument(
        "--mosaic",
        type=float,
        default=a.mosaic,
        help="part of the crops, 0 to 1, that are put together from four (default: %(default)s)",
    )
    parser.add_argument(
        "--quarter-turns",
        type=float,
        default=0.0,
        help="part of the crops, 0 to 1, that are turned by 90, 180 or 270 degrees: if cameras look straight down",
    )
    parser.add_argument(
        "--learning-rate", type=float, default=s.learning_rate, help="the highest one, of AdamW (default: %(default)s)"
    )
    parser.add_argument(
        "--freeze",
        default=",".join(s.frozen),
        help="beginnings of the names of parameters that are not trained (default: %(default)s)",
    )
    add_class_options(parser)
    add_unlabelled_option(parser)
    add_watch_options(parser)
    parser.add_argument(
        "--seed", type=int, default=s.seed, help="of all that is drawn by chance (default: %(default)s)"
    )
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: one for each core")
    add_device_option(parser)
    parser.add_argument(
        "--workers",
        type=int,
        help="processes that draw crops ahead (default: none for cpu; for cuda one a core, 8 at most)",
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    add_detector_options(parser)


def run_train(arguments: argparse.Namespace) -> int:
    """Train to the end of the schedule; returns 0. Raises EdgeError, also where it was stopped before that."""
    train_start.check_options(arguments)
    device = device_of(arguments)
    workers = train_start.use_machine(arguments, device)
    console = console_of(arguments.quiet)
    choice = class_choice(arguments)
    watched = read_watched(arguments)
    data = _tidied(
        choice.of(read_training_sets(arguments, choice), "the training set", watched.classes if watched else ()),
        console,
    )
    watch = watch_of(arguments, data, watched, choice, console) if watched else None
    with bars_on(console) as progress:
        task = progress.add_task("check the frames", total=len(data))
        keys = check_readable(data, lambda done: progress.update(task, completed=done))
    hard_examples = _hard_examples(arguments, data, console)
    torch.manual_seed(arguments.seed)
    checkpoint = read_checkpoint(arguments.start, arguments.weights_of) if arguments.start else None
    start = detector_of(checkpoint, arguments.arch, **detector_settings(arguments)) if checkpoint else None
    if checkpoint and start:
        asked_settings(arguments, checkpoint, start.configuration)
        for note in checkpoint.notes:
            say(console, note)
    teacher = train_start.read_teacher(arguments.teacher) if arguments.teacher else None
    settings = _settings(arguments, normalisers_of(start or (teacher and teacher.model)))
    if teacher:
        train_start.check_same_view(teacher, settings.normalisers())
        for line in train_start.of_the_teacher(teacher, data.classes):
            say(console, line)
    model = start or _model(arguments, data, settings.normalisers(), teacher)
    if arguments.start:
        known = model.class_names
        kept = replace_head(model, data.classes)
        for line in train_start.of_the_start(str(arguments.start), known, data.classes, kept):
            say(console, line)
    elif teacher and not arguments.backbone:
        say(console, train_start.begin(model, teacher, data.classes))
    model = model.to(device)
    if not (arguments.start or arguments.backbone or teacher):
        calibrate_norms(model, data, settings.normalisers())
    origin = checkpoint.origin() if checkpoint else None
    trainer = Trainer(
        model,
        data,
        arguments.out,
        settings,
        origin,
        hard_examples,
        teacher.model.to(device) if teacher else None,
        teacher.origin if teacher else None,
        train_start.seen(data, keys, checkpoint, teacher),
        workers,
        sha256(arguments.backbone) if arguments.backbone else None,
    )
    say(console, train_start.sizes_seen(model, data))
    for line in train_start.of_the_run(trainer, arguments.out, origin):
        say(console, line)
    with bars_on(console) as progress:
        task = progress.add_task("starting", total=100)  # per cent
        in_a_log = now_and_then(console)

        def tell(text: str) -> None:
            progress.update(task, description=text, completed=100 * trainer.progress)
            in_a_log(text)

        trainer.run(tell, watch)
    file = arguments.out / "model.pth"
    _check_finished(trainer, file)
    say(console, f"{trainer.step} steps in {trainer.seconds / 60:.1f} min: {file}")
    say(
        console,
        f"next: edge-export eval --checkpoint {file} --data DIR measures it on frames that it was not trained on",
    )
    return 0


def _check_finished(trainer: Trainer, file: Path) -> None:
    """Raises EdgeError where a stop came before the end: `train && onnx` is not to export half a training."""
    steps, minutes = trainer.settings.steps, trainer.settings.minutes
    if trainer.progress < 1:
        clock = f", {trainer.seconds / 60:.1f} of {minutes:g} min" if minutes else ""
        raise EdgeError(
            f"stopped after {trainer.step} of {steps} steps{clock}: the same command goes on; {file} is as far as that"
        )


def _settings(arguments: argparse.Namespace, usual: Normalisers) -> TrainSettings:
    return TrainSettings(
        steps=arguments.steps,
        minutes=arguments.minutes,
        batch=arguments.batch,
        learning_rate=arguments.learning_rate,
        seed=arguments.seed,
        normalise_8bit=str(NormaliseSpec.parse(arguments.normalise_8bit or str(usual.spec_8bit))),
        normalise_16bit=str(NormaliseSpec.parse(arguments.normalise_16bit or str(usual.spec_16bit))),
        sampling_weights=_sampling_weights(arguments.sampling_weights),
        frozen=tuple(filter(None, arguments.freeze.split(","))),
        augmentation=replace(
            Augmentation(),
            crop=arguments.crop,
            mosaic=arguments.mosaic,
            quarter_turns=arguments.quarter_turns,
        ),
    )


def _sampling_weights(text: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in text.split(",")) if text else ()
    except ValueError:
        raise InputError(f"--sampling-weights {text}: expected one number for each --data, such as 0.8,0.2") from None


def _tidied(read: LabelledSet, console: Screen) -> LabelledSet:
    data, problems = tidy(read)
    check_boxes(read, data)
    for note in (*read.notes, *told(problems)):
        say(console, note)
    say(console, f"{len(data)} frames: {', '.join(f'{n} {name}' for name, n in data.count().items())}")
    return data


def _hard_examples(arguments: argparse.Namespace, data: LabelledSet, console: Screen) -> list[Place]:
    places: list[Place] = []
    for file in arguments.hard_examples:
        here, others = read_hard_examples(file, data)
        left = f"; {others} more lie in frames that are not trained on" if others else ""
        say(console, f"{file}: {len(here)} hard examples{left}")
        places += here
    return places


def _model(
    arguments: argparse.Namespace, data: LabelledSet, normalisers: Normalisers, teacher: train_start.TaughtBy | None
) -> FasterRCNN:
    settings = detector_settings(arguments)
    if teacher and not arguments.arch:
        base = teacher.model.configuration
    else:
        base = preset(arguments.arch or "frc_resnet18_fpn")
    if "image_mean" not in settings and not teacher:
        mean, std = grey_statistics(data, normalisers)
        settings |= {"image_mean": (mean,) * 3, "image_std": (std,) * 3}
    model = build_detector(base.changed(**{**settings, "classes": len(data.classes)}))
    if arguments.backbone:
        load_backbone(model, arguments.backbone)
    return model

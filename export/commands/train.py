"""``edge-export train``: labelled frames -> checkpoint."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from edge.model.normalisers import Normalisers
from edge.thermal.normalise import NormaliseSpec
from export.commands.console import bars_on, console_of, say
from export.commands.detector_options import add_detector_options, detector_settings
from export.data.clean import summary, tidy
from export.data.coco import read_coco
from export.data.dataset import LabelledSet, merge
from export.data.formats import read_folder
from export.data.runs import FramesNamed
from export.detector.build import build_detector
from export.detector.checkpoint import detector_of, normalisers_of, read_checkpoint
from export.detector.configuration import Configuration, preset
from export.detector.replace_head import replace_head
from export.evaluate.hard_examples import Place, read_hard_examples
from export.training.augment import Augmentation
from export.training.crops import resize_factor
from export.training.loop import Trainer, TrainSettings, Watch
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
        "--steps", type=int, default=s.steps, help="how many, of --batch crops each (default: %(default)s)"
    )
    parser.add_argument(
        "--minutes", type=float, default=0.0, help="end after so many minutes, if that is earlier than --steps"
    )
    parser.add_argument("--batch", type=int, default=s.batch, help="crops a step (default: %(default)s)")
    parser.add_argument("--crop", type=int, default=a.crop, help="side of a crop, px (default: %(default)s)")
    parser.add_argument(
        "--mosaic", type=float, default=a.mosaic, help="part of the crops that are four in one (default: %(default)s)"
    )
    parser.add_argument(
        "--quarter-turns",
        type=float,
        default=0.0,
        help="part of the crops that are turned by 90, 180 or 270 degrees, for cameras that look straight down",
    )
    parser.add_argument("--learning-rate", type=float, default=s.learning_rate, help="default: %(default)s")
    parser.add_argument(
        "--freeze",
        default=",".join(s.frozen),
        help="beginnings of the names of parameters that are not trained (default: %(default)s)",
    )
    parser.add_argument(
        "--watch",
        type=Path,
        metavar="DIR",
        help="while training, evaluate on the val split of this folder now and then, and draw the curve of AP",
    )
    parser.add_argument(
        "--watch-frames", type=int, default=30, help="how many, spread over the split (default: %(default)s)"
    )
    parser.add_argument(
        "--watch-minutes", type=float, default=20.0, help="time between two evaluations (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=s.seed)
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 = one for each core")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    add_detector_options(parser)


def run_train(arguments: argparse.Namespace) -> int:
    """Train to the end of the schedule; returns 0. Raises EdgeError."""
    if hasattr(os, "nice"):
        os.nice(5)  # hours of work must not make the desk unusable
    torch.set_num_threads(arguments.threads or len(os.sched_getaffinity(0)))
    console = console_of(arguments.quiet)
    data, problems = tidy(_data(arguments))
    for kind, count in summary(problems).items():
        say(console, f"{kind}: {count}")
    boxes = ", ".join(f"{n} {name}" for name, n in data.count().items())
    say(console, f"{len(data)} frames: {boxes}")
    hard_examples = _hard_examples(arguments, data, console)
    torch.manual_seed(arguments.seed)
    checkpoint = read_checkpoint(arguments.start) if arguments.start else None
    start = detector_of(checkpoint, arguments.arch, **detector_settings(arguments)) if checkpoint else None
    settings = _settings(arguments, normalisers_of(start))
    model = start or _model(arguments, data, settings.normalisers())
    if arguments.start:
        kept = replace_head(model, data.classes)
        new = [name for name in data.classes if name not in kept]
        if new:
            say(
                console,
                f"{arguments.start} knows {', '.join(kept) or 'no class of these'}; new, from zero: {', '.join(new)}",
            )
    model = model.to(arguments.device)
    if not arguments.start and not arguments.backbone:
        calibrate_norms(model, data, settings.normalisers())
    trainer = Trainer(model, data, arguments.out, settings, checkpoint.origin() if checkpoint else None, hard_examples)
    watch = _watch(arguments, data)
    console.print(sizes_seen(model, data), highlight=False)
    if trainer.step:
        say(console, f"resuming the run of {arguments.out} at step {trainer.step}")
    with bars_on(console) as progress:
        task = progress.add_task("starting", total=100)  # per cent
        trainer.run(lambda text: progress.update(task, description=text, completed=100 * trainer.progress), watch)
    say(console, f"{trainer.step} steps in {trainer.seconds / 60:.1f} min: {arguments.out / 'model.pth'}")
    return 0


def sizes_seen(model: FasterRCNN, data: LabelledSet) -> str:
    """One line: how large the detector sees the frames, as --min-size and --max-size together say."""
    sizes = {(f.width, f.height): resize_factor(model, f) for f in data.frames}
    seen = [f"{w}x{h} at {round(w * by)}x{round(h * by)}" for (w, h), by in sorted(sizes.items())]
    more = f" and {len(seen) - 3} more sizes" if len(seen) > 3 else ""
    return f"the detector sees frames of {', '.join(seen[:3])}{more}"


def _settings(arguments: argparse.Namespace, usual: Normalisers) -> TrainSettings:
    for name in ("steps", "batch", "crop", "learning_rate"):
        if getattr(arguments, name) <= 0:
            raise InputError(f"--{name.replace('_', '-')} {getattr(arguments, name)}: expected more than 0")
    if arguments.crop % 64:
        raise InputError(f"--crop {arguments.crop}: expected a multiple of 64, so that every pyramid level fits")
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


def _data(arguments: argparse.Namespace) -> LabelledSet:
    if bool(arguments.annotations) != bool(arguments.images) or not (arguments.data or arguments.annotations):
        raise InputError("expected --data DIR, once or more, or --annotations JSON with --images DIR")
    sets = [read_coco(arguments.annotations, arguments.images)] if arguments.annotations else []
    data = merge(sets + [read_folder(folder) for folder in arguments.data])
    for text in arguments.without:
        data = data.without(FramesNamed(text))
    if not data.frames:
        raise InputError("no frame is left to train on: check --without")
    return data


def _hard_examples(arguments: argparse.Namespace, data: LabelledSet, console: Console) -> list[Place]:
    places: list[Place] = []
    for file in arguments.hard_examples:
        here, others = read_hard_examples(file, data)
        left = f"; {others} more lie in frames that are not trained on" if others else ""
        say(console, f"{file}: {len(here)} hard examples{left}")
        places += here
    return places


def _watch(arguments: argparse.Namespace, data: LabelledSet) -> Watch | None:
    if not arguments.watch:
        return None
    if arguments.watch_frames < 1 or arguments.watch_minutes <= 0:
        raise InputError("--watch-frames and --watch-minutes: expected more than 0")
    held, _ = tidy(merge([LabelledSet(data.classes, ()), read_folder(arguments.watch, "val")]))
    if held.classes != data.classes:
        raise InputError(f"{arguments.watch} has the classes {', '.join(held.classes)}: expected those trained on")
    both = {f.path.resolve() for f in data.frames} & {f.path.resolve() for f in held.frames}
    if both:
        raise InputError(f"{len(both)} frames of --watch are trained on, such as {min(both)}: expected others")
    some = replace(held, frames=held.frames[:: max(1, len(held) // arguments.watch_frames)][: arguments.watch_frames])
    if not sum(some.count().values()):
        raise InputError(f"the {len(some)} frames of --watch hold no boxes: raise --watch-frames")
    return Watch(some, arguments.watch_minutes)


def _model(arguments: argparse.Namespace, data: LabelledSet, normalisers: Normalisers) -> FasterRCNN:
    settings = detector_settings(arguments)
    if "image_mean" not in settings:
        mean, std = grey_statistics(data, normalisers)
        settings |= {"image_mean": (mean,) * 3, "image_std": (std,) * 3}
    base: Configuration = preset(arguments.arch or "frc_resnet18_fpn")
    model = build_detector(base.changed(**{**settings, "classes": len(data.classes)}))
    if arguments.backbone:
        load_backbone(model, arguments.backbone)
    return model

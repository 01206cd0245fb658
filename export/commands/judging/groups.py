"""Of ``edge-export eval``: figures by group, what the model has seen of the frames, another bundle beside it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.engine import open_engine
from edge.errors import InputError
from edge.measure.average_precision import Judged
from edge.model.bundle import Bundle
from edge.model.thresholds import Thresholds
from export.data.dataset import LabelledSet
from export.data.runs import GAP
from export.detector.checkpoint import Checkpoint
from export.evaluate.conditions import read_conditions, told_by_names
from export.evaluate.confusion import confusion
from export.evaluate.evaluate import detect_with_bundle, judge, only_classes
from export.evaluate.groups import compared, flight_of_each, group_figures, how
from export.evaluate.score_choice import chosen_on
from export.evaluate.trained_on import TrainedOn, told_of

Conditions = Mapping[str, Sequence[str]]


def add_group_options(parser: argparse.ArgumentParser) -> None:
    """``--conditions``, ``--flights``, ``--flight-gap`` and ``--against``."""
    parser.add_argument(
        "--conditions",
        type=Path,
        metavar="FILE",
        help="CSV or JSON with a column 'file', the names of pictures, with their folders where names come twice, and "
        "others, such as altitude: figures for each value. Light, altitude and angle are also taken from names as "
        "HIT-UAV's",
    )
    parser.add_argument(
        "--flights",
        choices=("name", "folder"),
        default="name",
        help="what a flight is, for intervals and for what was trained on, as in data check (default: %(default)s)",
    )
    parser.add_argument(
        "--flight-gap",
        type=int,
        default=GAP,
        metavar="N",
        help="another flight begins after a gap of more than N frame numbers (default: %(default)s)",
    )
    parser.add_argument(
        "--against",
        metavar="BUNDLE",
        help="with --model: another bundle, such as the one before, on the same frames: its figures and the difference",
    )


def check_group_options(arguments: argparse.Namespace) -> None:
    """Raises InputError for options that do not go together."""
    if arguments.flight_gap < 1:
        raise InputError(f"--flight-gap {arguments.flight_gap}: expected 1 or more")
    if arguments.against and not arguments.model:
        raise InputError("--against is a bundle beside another: give --model BUNDLE")


def conditions_of(arguments: argparse.Namespace, data: LabelledSet) -> tuple[Conditions, list[str]]:
    """In what each frame was taken: by its name, and by the columns of --conditions; and lines for the user."""
    told, lines = read_conditions(arguments.conditions, data) if arguments.conditions else ({}, [])
    return told_by_names(data) | told, lines


def seen_by(
    arguments: argparse.Namespace, data: LabelledSet, keys: Sequence[bytes], model: Bundle | Checkpoint
) -> tuple[dict[str, Any], list[str], Conditions]:
    """What the model knows of these frames: for JSON, as lines, and where it knows some of them as a condition."""
    record = model.training if isinstance(model, Checkpoint) else model.data.get("training") or {}
    trained = TrainedOn.said_by(record)
    overlap = trained.overlap(data, keys, arguments.flights, arguments.flight_gap) if trained else None
    lines = told_of(trained, overlap, f"checkpoint {model.path}" if isinstance(model, Checkpoint) else model.name)
    found: dict[str, Any] = {"trained_on": overlap.to_json() if overlap else None}
    if isinstance(model, Bundle):
        found["score_chosen_on_these"], line = chosen_on(model, keys)
        lines.append(line)
    known = overlap.known if overlap else ()
    parted = {"trained on": ["yes" if one else "no" for one in known]} if any(known) and not all(known) else {}
    return found, lines, parted


def by_group(
    arguments: argparse.Namespace,
    data: LabelledSet,
    judged: Sequence[Judged],
    conditions: Conditions,
    score: Thresholds,
    score_of: str,
) -> dict[str, Any]:
    """Figures by class, size and condition, and what is taken for what, at ``score``."""
    flight, without = flight_of_each(data, arguments.flights, arguments.flight_gap)
    return {
        "groups": group_figures(judged, data.classes, conditions, flight, score, without),
        "groups_how": how(score, score_of, arguments.flights),
        "confusion": confusion(judged, data.classes, score),
    }


def other_bundle(
    arguments: argparse.Namespace, data: LabelledSet
) -> Callable[[Sequence[Judged], Conditions, Thresholds, Callable[[int], None]], dict[str, Any]]:
    """What --against names, opened; what it returns runs it on the frames and compares.

    Raises BundleError where it cannot be opened, and InputError where it knows none of the classes.
    """
    bundle = Bundle.load(arguments.against)
    if not set(bundle.classes) & set(data.classes):
        raise InputError(
            f"--against {arguments.against} finds {', '.join(bundle.classes)}, evaluated are "
            f"{', '.join(data.classes)}: expected a bundle that finds one of them"
        )
    engine = open_engine(bundle, arguments.backend, tiles=arguments.tiles)
    detect = only_classes(detect_with_bundle(engine), bundle.classes, data.classes)

    def compare(
        judged: Sequence[Judged], conditions: Conditions, score: Thresholds, tell: Callable[[int], None]
    ) -> dict[str, Any]:
        before = judge(data, detect, tell)
        flight, without = flight_of_each(data, arguments.flights, arguments.flight_gap)
        scores = score, bundle.thresholds
        return {
            "model": bundle.name,
            "checkpoint_sha256": bundle.checkpoint_sha256,
            "score_threshold": bundle.score_threshold,
            "score_thresholds": bundle.thresholds.of_classes(data.classes).to_json(),
            "without_class": [name for name in data.classes if name not in bundle.classes],
            "groups": compared(judged, before, data.classes, conditions, flight, scores, without),
        }

    return compare

"""Options that say what labels are read, and which of their classes count: of train and eval."""

from __future__ import annotations

import argparse
from dataclasses import replace

from edge.errors import InputError
from export.data.coco import read_coco
from export.data.dataset import LabelledSet, merge
from export.data.formats import read_folder
from export.data.runs import leave_out
from export.evaluate.classes import ClassChoice
from export.evaluate.unlabelled import OPTION, check_labelled

HELD = "val"  # the part of a folder that is not trained on, as most tools name it; also found as valid


def add_class_options(parser: argparse.ArgumentParser) -> None:
    """``--classes`` and ``--ignore-classes``."""
    parser.add_argument(
        "--classes",
        metavar="NAME,...",
        help="only these classes of the labels, NAME=LABEL where the labels call it otherwise; boxes of others are "
        "background (default: all). For a checkpoint without class names: the names of its classes, in its order",
    )
    parser.add_argument(
        "--ignore-classes",
        metavar="NAME,...",
        help="boxes of these classes become ignored regions: neither objects nor background",
    )


def add_unlabelled_option(parser: argparse.ArgumentParser) -> None:
    """``--shows-no``."""
    parser.add_argument(
        OPTION,
        action="append",
        default=[],
        metavar="SET:CLASS,...",
        help="with several sets: SET, one of --data or --annotations, has no such classes, and its frames show no such "
        "objects, or mark them as ignored. Without it, a set that lacks a class of another is refused",
    )


def class_choice(arguments: argparse.Namespace) -> ClassChoice:
    """What they say. Raises InputError for an empty or repeated name."""
    return ClassChoice.parse(arguments.classes, arguments.ignore_classes)


def read_labels(arguments: argparse.Namespace) -> LabelledSet:
    """What --data with --split, or --annotations with --images, name. Raises InputError where it is neither."""
    a = arguments
    if (a.data is None) == (a.annotations is None) or (a.annotations is None) != (a.images is None):
        raise InputError("expected --data DIR [--split NAME], or --annotations JSON with --images DIR")
    if a.annotations is None:
        return read_folder(a.data, a.split or HELD)
    if a.split:
        raise InputError("--split is a part of the folder of --data; --annotations names one file, a part already")
    return read_coco(a.annotations, a.images)


def read_training_sets(arguments: argparse.Namespace, choice: ClassChoice) -> LabelledSet:
    """What --annotations and every --data hold, as one set, without the frames of --without.

    Raises InputError where it is neither, --without names no frame or leaves none, or a set lacks a class of another
    and nobody has said that its frames show none.
    """
    a = arguments
    if bool(a.annotations) != bool(a.images) or not (a.data or a.annotations):
        raise InputError("expected --data DIR, once or more, or --annotations JSON with --images DIR")
    sets = [read_coco(a.annotations, a.images)] if a.annotations else []
    sets += [read_folder(folder) for folder in a.data]
    names = [str(path) for path in (*filter(None, [a.annotations]), *a.data)]
    told = check_labelled(dict(zip(names, sets, strict=True)), choice, a.shows_no)
    data = leave_out(merge(sets), a.without)
    if not data.frames:
        raise InputError("no frame is left to train on: check --without")
    return replace(data, notes=(*data.notes, *told))

"""Options that say what labels are read, and which of their classes count: of train and eval."""

from __future__ import annotations

import argparse

from edge.errors import InputError
from export.data.coco import read_coco
from export.data.dataset import LabelledSet
from export.data.formats import read_folder
from export.evaluate.classes import ClassChoice

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

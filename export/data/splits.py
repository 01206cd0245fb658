"""Parts of a data set: train, val and test, under the names that tools give them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edge.errors import InputError

_NAMES = {
    "train": ("train", "training", "trainset"),
    "val": ("val", "valid", "validation", "eval", "dev"),
    "test": ("test", "testing", "testset"),
    "default": ("default",),  # CVAT's, where nobody chose one
}
_SPLIT_OF = {name: split for split, names in _NAMES.items() for name in names}


def split_of(name: str) -> str | None:
    """``train``, ``val``, ``test`` or ``default`` for a folder or file that is called so, as ``valid`` or ``train2017``
    are; None for another name.
    """
    return _SPLIT_OF.get(re.sub(r"[_-]?(19|20)\d\d$", "", name.strip().casefold()))


def split_in(stem: str) -> str:
    """The split that the name of a label file tells, such as ``instances_val2017``; else the name itself."""
    plain = re.sub(r"^instances[_-]", "", stem)
    words = [split_of(word) for word in re.split(r"[_.\s-]+", plain)]
    found = {word for word in words if word}
    return split_of(plain) or (found.pop() if len(found) == 1 else plain)


def choose(known: Sequence[str], asked: str | None, where: str) -> str:
    """One of the splits that are there: the one ``asked`` for; without, train, or the only one.

    Raises InputError, naming those that are there, where there is no such one, or several and none is train.
    """
    names = ", ".join(name or "'' (the folder itself)" for name in dict.fromkeys(known))
    if asked is None:
        if "train" in known or len(set(known)) == 1:
            return "train" if "train" in known else known[0]
        raise InputError(f"{where} has the parts {names}: choose one: --split {known[0]}")
    split = split_of(asked) or asked
    if split in known:
        return split
    raise InputError(f"{where} has no part {asked!r}: expected one of {names}")

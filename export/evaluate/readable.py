"""Can every frame be read, and are its boxes for its picture? Asked before the hours of work, not in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from edge.errors import InputError
from export.data.dataset import ImageError, LabelledSet, read_frame
from export.evaluate.trained_on import key_of


def check_readable(data: LabelledSet, tell: Callable[[int], None] = lambda _: None) -> list[bytes]:
    """Read every frame once; ``tell`` is given the number of frames done. Returns `key_of` each picture.

    Raises InputError where frames cannot be read, are in colour, to be turned, or of another size than their labels
    say: how many of each kind, and the first of them by name.
    """
    bad: list[ImageError] = []
    keys: list[bytes] = []
    for i, frame in enumerate(data.frames):
        try:
            keys.append(key_of(read_frame(frame)))
        except ImageError as error:
            bad.append(error)
        tell(i + 1)
    if bad:
        kinds = ", ".join(f"{n} of them {_KINDS.get(kind, kind)}" for kind, n in Counter(e.kind for e in bad).items())
        raise InputError(f"{len(bad)} of {len(data)} frames cannot be used ({kinds}), the first: {bad[0]}")
    return keys


def check_boxes(read: LabelledSet, tidied: LabelledSet) -> None:
    """Raises InputError where there were boxes, and none is left after `export.data.clean.tidy`."""
    before, after = (np.concatenate([f.boxes for f in data.frames] or [_NONE]) for data in (read, tidied))
    if len(before) and not len(after):
        raise InputError(
            f"none of the {len(before)} boxes lies inside its picture: expected pixels from its top left corner; the "
            "labels may belong to pictures of another size"
        )


_NONE = np.zeros((0, 4), np.float32)
_KINDS = {
    "size": "of another size than their labels say",
    "unreadable": "missing or broken",
    "truncated": "cut off",
    "colour": "in colour",
    "orientation": "to be turned by EXIF",
}

"""Flight runs: frames that belong together, told by their file names. What is left out, and what is held back to
evaluate on, is chosen by run: neighbouring frames show the same things, and must not be on both sides.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from edge.errors import InputError
from export.data.dataset import LabelledFrame, LabelledSet

# run, then frame number; HIT-UAV: day or night _ altitude _ camera angle _ weather _ frame number
_NUMBERED = re.compile(r"(?P<run>.*?)[_-]?(?P<number>\d+)$")


def run_of(path: Path) -> tuple[str, int] | None:
    """Flight run and frame number of a file name that ends in a number, such as HIT-UAV's; the run of a bare
    number is its folder. None for another name.
    """
    match = _NUMBERED.fullmatch(path.stem)
    return (match["run"] or path.parent.name, int(match["number"])) if match else None


def split_by_run(data: LabelledSet, part: float, gap: int = 30) -> tuple[LabelledSet, LabelledSet]:
    """About ``part`` of the frames apart, whole runs only: same name up to the frame number, no gap of more
    than
    ``gap`` numbers. Which run goes where depends on its name alone; frames of other names are runs by folder.
    """
    runs: dict[str, list[LabelledFrame]] = {}
    last: dict[str, tuple[int, str]] = {}
    for frame in sorted(data.frames, key=lambda f: f.path.name):
        prefix, number = run_of(frame.path) or (str(frame.path.parent.name), 0)
        before = last.get(prefix)
        key = before[1] if before and number - before[0] <= gap else f"{prefix}:{number}"
        last[prefix] = number, key
        runs.setdefault(key, []).append(frame)
    order = sorted(runs, key=lambda key: hashlib.sha256(key.encode()).hexdigest())
    apart: list[LabelledFrame] = []
    for key in order:
        if len(apart) + len(runs[key]) <= part * len(data) or not apart:
            apart += runs[key]
    chosen = {f.path for f in apart}
    return data.without(lambda f: f.path in chosen), data.without(lambda f: f.path not in chosen)


class FramesNamed:
    """Whether a frame is of ``RUN:FIRST-LAST``, both ends meant. Raises InputError for another text."""

    def __init__(self, text: str) -> None:
        self.run, _, numbers = text.partition(":")
        first, _, last = numbers.partition("-")
        if not (self.run and first.isdigit() and last.isdigit()):
            raise InputError(f"--without {text!r}: expected RUN:FIRST-LAST, such as 1_60_60_0:408-539")
        self.first, self.last = int(first), int(last)

    def __call__(self, frame: LabelledFrame) -> bool:
        named = run_of(frame.path)
        return named is not None and named[0] == self.run and self.first <= named[1] <= self.last

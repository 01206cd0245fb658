"""What a run must know of a sink before it makes one: its name, its file, how to make it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edge.data import Result
from edge.errors import InputError
from edge.seams import Sink


@dataclass(frozen=True, slots=True)
class SinkContext:
    """What a sink gets when it is made.

    ``path``: where it writes, a file or a folder as it likes; nothing is there yet, its parent folder is. For a sink
    without a file it is the folder of the run.
    ``classes``: names, the index is a detection's label. ``fps``: nominal frames a second of the camera, None where
    unknown. ``live``: results come at their own pace, and some frames may be missing. ``model``: the bundle's name.
    ``crop``: see `Camera`. ``thresholds``: the lowest score that is shown of each class; None = not known. ``mission``:
    its name and sha256, None where the run flies none.
    """

    path: Path
    classes: tuple[str, ...]
    fps: float | None = None
    live: bool = False
    model: str | None = None
    crop: tuple[int, int, int, int] | None = None
    thresholds: Mapping[str, float] | None = None
    mission: Mapping[str, str] | None = None


def _any(_path: Path) -> None:
    """No path is refused."""


@dataclass(frozen=True, slots=True)
class SinkSpec:
    """A kind of sink: ``SinkSpec("csv", "found.csv", lambda to: CsvSink(to.path))``.

    ``name``: in reports, and of the option that asks for it. ``file``: the file or folder within the run's folder
    that is its own, None for a sink that writes none; ``beside``: others that it writes there. ``make``: makes one.
    ``lossless``: when ``depth`` results wait for it, True = detection waits too; False = a result is left out and
    counted; None = True where no frame is left out either (policy ``every``). ``essential``: always written, and where
    it fails the run ends. ``help``: what it writes, for ``edge run --help``. ``check``: raises InputError for a path at
    which it could not write; called before anything is made. ``heavy``: it takes much time or disk, so that it rests
    where the board is hot or full. ``pixels``: it looks at them; False: it gets results `without_pixels`, so that those
    that wait for it take some kilobytes each, and not a megabyte.

    Raises InputError where ``file`` is no plain name or ``depth`` is less than 1.
    """

    name: str
    file: str | None
    make: Callable[[SinkContext], Sink]
    lossless: bool | None = None
    depth: int = 8
    essential: bool = False
    help: str = ""
    check: Callable[[Path], None] = _any
    beside: tuple[str, ...] = ()
    heavy: bool = False
    pixels: bool = True

    def __post_init__(self) -> None:
        file = self.file
        if not self.name or (file is not None and (file in ("", "..") or Path(file).name != file)):
            raise InputError(
                f"sink {self.name!r} with the file {self.file!r}: expected a name, and a file without path"
            )
        if self.depth < 1:
            raise InputError(f"sink {self.name!r} with depth {self.depth}: expected 1 or more")

    def path(self, folder: Path) -> Path:
        """`SinkContext.path` in the folder of a run."""
        return folder if self.file is None else folder / self.file


def without_pixels(result: Result) -> Result:
    """The same with a frame and a picture of that size, all 0, which take no memory; its mask goes, too."""
    frame, picture = result.frame, result.picture
    bare = replace(frame, pixels=np.broadcast_to(np.zeros((), frame.pixels.dtype), frame.pixels.shape), mask=None)
    return replace(result, frame=bare, picture=np.broadcast_to(np.zeros((), picture.dtype), picture.shape))

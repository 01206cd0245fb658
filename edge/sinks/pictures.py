"""``pictures/``: each frame with its boxes drawn, a file each, stills under their own names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import cv2

from edge.data import Frame, Result
from edge.errors import SinkError
from edge.seams import Sink
from edge.sinks.draw import draw
from edge.sinks.spec import SinkContext, SinkSpec
from edge.system.files import has_room, private_folder, reason_of, write_private

KEPT = (".png", ".jpg", ".jpeg")  # what is named so is written so; others get .png behind their name
RESERVE_BYTES = 64 << 20  # left free on the disk, as by the video


class PicturesSink(Sink):
    """Writes the drawn picture of each result into a folder.

    A still's picture has the still's name, sub-folders included: ``a/b.jpg`` stays, ``b.tiff`` becomes
    ``b.tiff.png``. A frame without a name gets that of its ``seq``, ``frame-000123.png``; so does, behind its own, one
    whose name is taken. Each file is written whole or not at all.

    Raises SinkError where the folder cannot be made or written, where less than ``reserve`` bytes are free, and for
    a name that leads out of the folder.
    """

    def __init__(self, folder: Path, classes: Sequence[str], reserve: int = RESERVE_BYTES) -> None:
        self._folder, self._classes, self._reserve = folder, classes, reserve
        try:
            private_folder(folder, parents=False)
        except OSError as error:
            raise self._failed(folder, error) from None

    def write(self, result: Result) -> None:
        """Draw one result and write it."""
        path = self._path(result.frame)
        done, data = cv2.imencode(path.suffix.lower(), draw(result, self._classes))
        if not done:
            raise SinkError(f"OpenCV cannot encode {path.name}: run without --pictures")
        try:
            if not has_room(self._folder, self._reserve):
                raise SinkError(f"{self._folder}: less than {self._reserve >> 20} MiB are free: the pictures end here")
            if path.parent != self._folder:
                self._make(path.parent)
            write_private(path, data.tobytes())
        except OSError as error:
            raise self._failed(path, error) from None

    def _path(self, frame: Frame) -> Path:
        """Where this frame's picture goes; nothing is there."""
        number = f"frame-{frame.seq:06d}"
        if not isinstance(frame.origin, str) or not frame.origin:
            return self._folder / f"{number}.png"
        name = PurePosixPath(frame.origin)
        if name.is_absolute() or ".." in name.parts or "\0" in frame.origin or not name.name:
            raise SinkError(
                f"frame {frame.seq} is named {frame.origin!r}: expected a name within a folder; the pictures end here"
            )
        path = self._folder / name
        if path.suffix.lower() not in KEPT:
            path = path.with_name(f"{path.name}.png")
        return path.with_name(f"{path.stem}-{number}{path.suffix}") if path.exists() else path

    def _make(self, folder: Path) -> None:
        """Of stills in sub-folders: each folder below ours."""
        for parent in [*reversed(folder.relative_to(self._folder).parents), folder.relative_to(self._folder)]:
            private_folder(self._folder / parent)

    def _failed(self, path: Path, error: OSError) -> SinkError:
        return SinkError(f"cannot write {path}: {reason_of(error)}: free some space or give another --out")


def _make(to: SinkContext) -> PicturesSink:
    return PicturesSink(to.path, to.classes)


SPEC = SinkSpec(
    "pictures", "pictures", _make, help="also write each frame, with its boxes drawn, to DIR/pictures", heavy=True
)

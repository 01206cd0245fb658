"""Where not to look: a picture of the same size, black there, such as over burned-in text or the drone's own legs."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge.camera.images.limits import check_png
from edge.camera.quiet import quiet
from edge.data import Pixels
from edge.errors import SourceError
from edge.system.files import open_regular, reason_of

PNG = b"\x89PNG\r\n\x1a\n"
MOST_BYTES = 64 << 20


def read_mask(path: Path, crop: tuple[int, int, int, int], whole: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """(H, W) bool of what is looked at, pixels of the crop: True = not to be looked at.

    The file is a PNG: 0 in every channel = do not look, all else = look. ``crop``: x, y, width, height of what is
    looked at; ``whole``: width and height of the picture before. The file has the size of either: of the crop, or of
    the picture, then it is cropped alike.

    Raises SourceError where it cannot be read, has another size, or leaves nothing to look at.
    """
    x, y, width, height = crop
    sizes = {(width, height), whole}
    expected = " or ".join(f"{w}x{h}" for w, h in sorted(sizes))
    try:
        with open_regular(path) as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SourceError(f"mask {path}: {reason_of(error)}; expected a PNG of {expected}") from None
    if data[:8] != PNG or len(data) > MOST_BYTES:
        raise SourceError(f"mask {path} is no PNG; expected a PNG of {expected}: black where not to look")
    size = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if size not in sizes:
        raise SourceError(f"mask {path} is {size[0]}x{size[1]}; expected {expected}, as the picture that is looked at")
    try:
        check_png(data)
    except ValueError as error:
        raise SourceError(f"mask {path}: {error}; expected a PNG of {expected}") from None
    with quiet():
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or (picture.ndim == 3 and picture.shape[2] == 4):
        what = "cannot be decoded" if picture is None else "has an alpha channel, which could say either"
        raise SourceError(f"mask {path} {what}; expected a grey PNG of {expected}: black where not to look")
    look = np.asarray(np.atleast_3d(picture).any(axis=2))
    if size != (width, height):
        look = look[y : y + height, x : x + width]
    if not look.any():
        raise SourceError(f"mask {path} is black all over: nothing is left to look at; expected white where to look")
    return np.ascontiguousarray(~look)


class Filler:
    """Fills what is hidden with the values of what is seen, in order of size.

    So the median, the spread and every percentile of the frame are those of what is seen, and normalising is not
    disturbed; what it makes of the hidden pixels is covered afterwards (`edge.model.transform.Preprocessor`).
    """

    def __init__(self, hidden: npt.NDArray[np.bool_]) -> None:
        """``hidden``: (H, W) bool, True = not to be looked at; at least one pixel is False."""
        self.hidden = hidden
        self._step = 4 if not hidden[::4, ::4].all() else 1
        self._seen = ~hidden[:: self._step, :: self._step]
        n = int(hidden.sum())
        self._rank = np.arange(n) * int(self._seen.sum()) // max(n, 1)

    def __call__(self, pixels: Pixels) -> Pixels:
        """``pixels`` (H, W) uint8 or uint16 as a new array, the hidden ones filled; the same seen, the same filled."""
        seen = np.sort(pixels[:: self._step, :: self._step][self._seen])
        filled: Pixels = pixels.copy()
        filled[self.hidden] = seen[self._rank]
        return filled

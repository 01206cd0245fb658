"""``crops/``: the pictures of tracks, a few for each, written before the line that names them."""

from __future__ import annotations

from pathlib import Path

import cv2

from edge.data import Pixels
from edge.errors import SinkError
from edge.system.files import has_room, private_folder, reason_of, write_private
from edge.track.book import Track

CROPS = "crops"
RESERVE_BYTES = 64 << 20  # left free on the disk, as by the pictures: the lines go on


def crop_name(track: int, place: int, ending: str = "") -> str:
    """Within the run's folder, of the track's picture at ``place``, 1 the best."""
    return f"{CROPS}/{track:06d}-{place}{ending}.png"


def write_crops(folder: Path, track: Track, reserve: int = RESERVE_BYTES) -> list[str]:
    """Write the pictures of a track into the run's folder; returns their names within it, the best first. None where
    less than ``reserve`` bytes are free. Raises SinkError where they cannot be written.
    """
    names = []
    try:
        private_folder(folder / CROPS, parents=False)
        if not has_room(folder / CROPS, reserve):
            return []
        for place, view in enumerate(track.views, 1):
            for pixels, ending in ((view.picture, ""), (view.counts, "-counts")):
                if pixels is not None:
                    name = crop_name(track.number, place, ending)
                    write_private(folder / name, _png(pixels))
                    names.append(name)
    except OSError as error:
        raise SinkError(
            f"cannot write {folder / CROPS}: {reason_of(error)}: free some space or give another --out"
        ) from None
    return names


def _png(pixels: Pixels) -> bytes:
    done, data = cv2.imencode(".png", pixels)
    if not done:
        raise SinkError("OpenCV cannot encode a PNG of a few pixels")
    return data.tobytes()

"""What a frame takes on the disk in a video, and as a picture: a few pictures of the camera, encoded as in flight."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge.sinks.video import CODEC, DEFAULT_FPS

MOST_KEPT = 24  # pictures; a video's first one is whole, and each twelfth after it


def video_bytes(pictures: Sequence[npt.NDArray[np.uint8]]) -> float:
    """Of one frame of a video of these, (H, W) uint8 each, the mean; boxes are not in it. 0 where it cannot be told."""
    if not pictures:
        return 0.0
    height, width = pictures[0].shape
    with tempfile.TemporaryDirectory(prefix="preflight-") as folder:
        path = Path(folder) / "video.mkv"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*CODEC), DEFAULT_FPS, (width, height))
        for picture in pictures:
            writer.write(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
        writer.release()
        return path.stat().st_size / len(pictures) if path.exists() else 0.0


def picture_bytes(pictures: Sequence[npt.NDArray[np.uint8]]) -> float:
    """Of one as a PNG, as ``--pictures`` draws them; of the last one. 0 without any."""
    if not pictures:
        return 0.0
    _, data = cv2.imencode(".png", cv2.cvtColor(pictures[-1], cv2.COLOR_GRAY2BGR))
    return float(len(data))

"""Temperature of what was found."""

from __future__ import annotations

import numpy as np

from edge.data import Float32, Frame


def box_temperatures(frame: Frame, boxes: Float32) -> Float32 | None:
    """(N, 3) float32: minimum, mean and maximum degrees C of the pixels that each box touches.

    ``boxes``: (N, 4) float32 xyxy, sensor pixels, inside the frame. None where the frame has no temperature
    scale. These are apparent temperatures: as of a black body, without what the air in between changes. A box
    holds some background too; of a body smaller than a few pixels even the maximum is too low.
    """
    scale = frame.temperature
    if scale is None:
        return None
    counts = np.zeros((len(boxes), 3))
    for i, (x1, y1, x2, y2) in enumerate(boxes):
        inside = frame.pixels[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))]
        counts[i] = inside.min(), inside.mean(), inside.max()
    return scale.celsius(counts).astype(np.float32)
